"""Rebalancing: where inventory has drifted, which transfers bring it back, at what fee and by when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from shared.domain.exact import EXACT, ZERO
from shared.domain.identity import conflict
from shared.domain.market import Currency
from shared.domain.opportunity import content_id
from shared.domain.portfolio import Amounts, Portfolio, floor_to_step
from shared.domain.trade import Transfer
from shared.domain.transfer import canonical_networks

Currencies = Mapping[str, Mapping[str, Currency]]
"""By venue and asset."""

_STEP = Decimal("1e-8")


@dataclass(frozen=True, slots=True)
class RebalancePolicy:
    """When and how to rebalance.

    A venue is short of an asset when it holds less than `1 - drift` of its share, which is as at funding.
    A transfer below `min_value` USDT, or whose fee is more than `max_fee_share` of it, waits. It takes its
    network's minutes in `network_minutes`, else `default_minutes`.
    """

    drift: Decimal = Decimal("0.5")
    min_value: Decimal = Decimal(100)
    max_fee_share: Decimal = Decimal("0.01")
    default_minutes: int = 15
    network_minutes: Mapping[str, int] = field(
        default_factory=lambda: {"BTC": 40, "LTC": 30, "DOGE": 30, "ETH": 6, "TRX": 3, "SOL": 2, "XRP": 2}
    )


@dataclass(frozen=True, slots=True)
class Route:
    """An open common network, with its fee in the asset."""

    network: str
    fee: Decimal


def plan_transfers(
    portfolio: Portfolio, currencies: Currencies, values: Amounts, policy: RebalancePolicy, now_ms: int
) -> tuple[Transfer, ...]:
    """The transfers that refill every venue that is short, each from the venue with the largest surplus.

    What is under way counts as arrived. An asset without a value or without an open route stays where it is.
    """
    planned: list[Transfer] = []
    for asset in sorted(portfolio.assets() & values.keys()):
        shares = _shares(portfolio, asset)
        above = _above_share(portfolio, asset, shares)
        short = [venue for venue in above if above[venue] < -policy.drift * shares[venue]]
        for target in sorted(short, key=lambda venue: (above[venue], venue)):
            for source in _richest_first(above):
                spare = min(above[source], portfolio.balance(source, asset))
                amount = floor_to_step(min(spare, above[target].copy_negate()), _STEP)
                leaving, arriving = (currencies.get(venue, {}).get(asset) for venue in (source, target))
                route = cheapest_route(asset, leaving, arriving)
                if route and _worthwhile(amount, route.fee, values[asset], policy):
                    transfer = _transfer(asset, source, target, amount, route, policy, now_ms)
                    planned.append(transfer)
                    portfolio = portfolio.send(transfer)
                    above = _above_share(portfolio, asset, shares)
                    break
    return tuple(planned)


def cheapest_route(asset: str, leaving: Currency | None, arriving: Currency | None) -> Route | None:
    """The open common network with the least known fee, or None; unknown is not open, nor is a conflict."""
    if conflict(asset, leaving, arriving) is not None:
        return None
    out, into = canonical_networks(leaving), canonical_networks(arriving)
    routes = [
        Route(name, fee)
        for name in out.keys() & into.keys()
        if out[name].withdraw and into[name].deposit and (fee := out[name].withdraw_fee) is not None
    ]
    return min(routes, key=lambda route: (route.fee, route.network), default=None)


def _shares(portfolio: Portfolio, asset: str) -> dict[str, Decimal]:
    """What of the asset belongs to each venue: as at funding, of what there is now."""
    with localcontext(EXACT):
        initial = {venue: held.get(asset, ZERO) for venue, held in portfolio.initial.items()}
        funded, total = sum(initial.values(), ZERO), portfolio.total(asset)
        return {
            venue: floor_to_step(total * initial.get(venue, ZERO) / funded, _STEP) if funded else ZERO
            for venue in sorted({*portfolio.balances, *initial})
        }


def _above_share(portfolio: Portfolio, asset: str, shares: Amounts) -> dict[str, Decimal]:
    """What each venue holds of the asset, arrivals included, above its share; below zero is missing."""
    with localcontext(EXACT):
        above = {venue: portfolio.balance(venue, asset) - share for venue, share in shares.items()}
        for transfer in portfolio.in_transit:
            if transfer.asset == asset and transfer.target in above:
                above[transfer.target] += transfer.amount - transfer.fee
        return above


def _richest_first(above: Amounts) -> list[str]:
    return sorted(above, key=lambda venue: (-above[venue], venue))


def _transfer(
    asset: str, source: str, target: str, amount: Decimal, route: Route, policy: RebalancePolicy, now_ms: int
) -> Transfer:
    minutes = policy.network_minutes.get(route.network, policy.default_minutes)
    return Transfer(
        content_id("transfer", asset, source, target, str(now_ms)),
        asset,
        route.network,
        source,
        target,
        amount,
        route.fee,
        sent_ms=now_ms,
        arrives_ms=now_ms + minutes * 60_000,
    )


def _worthwhile(amount: Decimal, fee: Decimal, price: Decimal, policy: RebalancePolicy) -> bool:
    with localcontext(EXACT):
        return amount > 0 and amount * price >= policy.min_value and fee <= amount * policy.max_fee_share


def _named(currencies: Currencies, venue: str, asset: str) -> Currency | None:
    return currencies.get(venue, {}).get(asset)
