"""Balances per venue and asset, with every unit accounted for.

Of each asset, at any time and to the last digit:
balances + under way = initial + realised + carried - transfer fees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any

from shared.domain.exact import EXACT, ZERO, text
from shared.domain.market import Instrument, Side
from shared.domain.trade import Fill, Trade, Transfer
from shared.errors import MalformedRecord, Overdraft

GRAIN_EXPONENT = -18
GRAIN = Decimal(1).scaleb(GRAIN_EXPONENT)
"""The smallest amount that is booked; what is finer is rounded against the desk."""
Balances = Mapping[str, Mapping[str, Decimal]]
Amounts = Mapping[str, Decimal]
_NOTHING: Amounts = {}


def movements(fill: Fill) -> tuple[tuple[str, Decimal], ...]:
    """What a fill adds to each asset's balance at its venue; negative is paid."""
    buying = fill.side is Side.BUY
    return (
        (fill.quote, fill.notional.copy_negate() if buying else fill.notional),
        (fill.base, fill.amount if buying else fill.amount.copy_negate()),
        (fill.fee_asset, fill.fee.copy_negate()),
    )


def net_flows(fills: Iterable[Fill]) -> dict[str, Decimal]:
    """What fills add to each asset over all venues, fees paid; assets that end as they began are absent."""
    with localcontext(EXACT):
        flows: dict[str, Decimal] = {}
        for fill in fills:
            for asset, amount in movements(fill):
                flows[asset] = flows.get(asset, ZERO) + amount
    return {asset: amount for asset, amount in flows.items() if amount}


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What is held where, and how it came about.

    `initial_values` are USDT per unit at funding. `realised` sums the start assets' flows of all trades,
    `carried` the flows of every other asset, `transfer_fees` what networks kept.
    """

    balances: Balances
    initial: Balances = field(default_factory=dict)
    initial_values: Amounts = field(default_factory=dict)
    realised: Amounts = field(default_factory=dict)
    carried: Amounts = field(default_factory=dict)
    transfer_fees: Amounts = field(default_factory=dict)
    in_transit: tuple[Transfer, ...] = ()

    def balance(self, venue: str, asset: str) -> Decimal:
        """What the venue holds of the asset; zero where nothing is known of it."""
        return self.balances.get(venue, _NOTHING).get(asset, ZERO)

    def balance_after(self, fills: Iterable[Fill], venue: str, asset: str) -> Decimal:
        """What the venue would hold of the asset after these fills."""
        moves = (
            amount
            for fill in fills
            if fill.venue == venue
            for moved, amount in movements(fill)
            if moved == asset
        )
        with localcontext(EXACT):
            return sum(moves, self.balance(venue, asset))

    def total(self, asset: str) -> Decimal:
        """The asset at all venues and what of it will arrive."""
        with localcontext(EXACT):
            held = sum((assets.get(asset, ZERO) for assets in self.balances.values()), ZERO)
            return held + sum((t.amount - t.fee for t in self.in_transit if t.asset == asset), ZERO)

    def assets(self) -> set[str]:
        """Every asset that is or was held."""
        held = {asset for assets in (*self.balances.values(), *self.initial.values()) for asset in assets}
        return (
            held | {*self.realised, *self.carried, *self.transfer_fees} | {t.asset for t in self.in_transit}
        )

    def book(self, trade: Trade) -> Portfolio:
        """With the trade's fills in the balances and in the profit.

        Raises:
            Overdraft: a fill pays more than its venue holds; nothing is booked.
        """
        flows = net_flows(trade.fills)
        start = {asset: amount for asset, amount in flows.items() if asset == trade.start_asset}
        others = {asset: amount for asset, amount in flows.items() if asset != trade.start_asset}
        return replace(
            self,
            balances=_moved(
                self.balances,
                ((fill.venue, asset, delta) for fill in trade.fills for asset, delta in movements(fill)),
            ),
            realised=_added(self.realised, start),
            carried=_added(self.carried, others),
        )

    def send(self, transfer: Transfer) -> Portfolio:
        """With the transfer under way and its fee paid.

        Raises:
            Overdraft: the source holds less than the transfer's amount, or the fee eats it up.
        """
        if transfer.fee > transfer.amount or transfer.fee < 0:
            raise Overdraft(
                f"transfer {transfer.id}: the fee {transfer.fee} exceeds the amount {transfer.amount}"
            )
        return replace(
            self,
            balances=_moved(
                self.balances, [(transfer.source, transfer.asset, transfer.amount.copy_negate())]
            ),
            transfer_fees=_added(self.transfer_fees, {transfer.asset: transfer.fee}),
            in_transit=(*self.in_transit, transfer),
        )

    def settle(self, now_ms: int) -> Portfolio:
        """With every transfer that is due by now credited to its target."""
        due = [transfer for transfer in self.in_transit if transfer.arrives_ms <= now_ms]
        if not due:
            return self
        with localcontext(EXACT):
            arrivals = [(transfer.target, transfer.asset, transfer.amount - transfer.fee) for transfer in due]
        return replace(
            self,
            balances=_moved(self.balances, arrivals),
            in_transit=tuple(transfer for transfer in self.in_transit if transfer.arrives_ms > now_ms),
        )

    def unaccounted(self) -> dict[str, Decimal]:
        """Assets whose balances the books do not explain, by how much; empty unless something is wrong."""
        with localcontext(EXACT):
            gaps = {
                asset: self.total(asset)
                - sum((assets.get(asset, ZERO) for assets in self.initial.values()), ZERO)
                - self.realised.get(asset, ZERO)
                - self.carried.get(asset, ZERO)
                + self.transfer_fees.get(asset, ZERO)
                for asset in self.assets()
            }
        return {asset: gap for asset, gap in gaps.items() if gap}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; numbers as text."""
        return {
            "version": 1,
            "balances": _nested_text(self.balances),
            "initial": _nested_text(self.initial),
            "initial_values": _texts(self.initial_values),
            "realised": _texts(self.realised),
            "carried": _texts(self.carried),
            "transfer_fees": _texts(self.transfer_fees),
            "in_transit": [
                {
                    "id": transfer.id,
                    "asset": transfer.asset,
                    "network": transfer.network,
                    "source": transfer.source,
                    "target": transfer.target,
                    "amount": text(transfer.amount),
                    "fee": text(transfer.fee),
                    "sent_ms": transfer.sent_ms,
                    "arrives_ms": transfer.arrives_ms,
                }
                for transfer in self.in_transit
            ],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Portfolio:
        """The portfolio that `to_dict` wrote.

        Raises:
            MalformedRecord: a field is missing, is no number, or a balance is negative.
        """
        if record.get("version") != 1:
            raise MalformedRecord(
                "portfolio.version", record.get("version"), "is not 1, the only version known"
            )
        try:
            portfolio = cls(
                _nested_numbers(record["balances"]),
                _nested_numbers(record["initial"]),
                _numbers(record["initial_values"]),
                _numbers(record["realised"]),
                _numbers(record["carried"]),
                _numbers(record["transfer_fees"]),
                tuple(
                    Transfer(**{**row, "amount": Decimal(row["amount"]), "fee": Decimal(row["fee"])})
                    for row in record["in_transit"]
                ),
            )
        except (KeyError, TypeError, AttributeError, InvalidOperation) as error:
            raise MalformedRecord("portfolio", repr(error), "is not what to_dict writes") from error
        for venue, assets in portfolio.balances.items():
            for asset, amount in assets.items():
                if not amount.is_finite() or amount < 0:
                    raise MalformedRecord(
                        f"portfolio.balances.{venue}.{asset}", amount, "must not be negative"
                    )
        return portfolio


def fund(
    instruments: Iterable[Instrument], values: Amounts, *, base_value: Decimal, quote_value: Decimal
) -> Portfolio:
    """A portfolio that can trade these instruments both ways at their venues.

    Each venue gets `base_value` USDT worth of every base and `quote_value` of every quote asset, the larger
    where an asset is both, floored to eight decimals. An asset without a value in `values` (USDT per unit) is
    not funded, so that its loops are refused with NO_INVENTORY.
    """
    balances: dict[str, dict[str, Decimal]] = {}
    with localcontext(EXACT):
        for instrument in instruments:
            held = balances.setdefault(instrument.venue, {})
            for asset, worth in ((instrument.base, base_value), (instrument.quote, quote_value)):
                price = values.get(asset)
                if price:
                    amount = floor_to_step(worth / price, Decimal("1e-8"))
                    held[asset] = max(held.get(asset, ZERO), amount)
    funded = {asset for held in balances.values() for asset in held}
    return Portfolio(balances, balances, {asset: values[asset] for asset in sorted(funded)})


@dataclass(frozen=True, slots=True)
class Valuation:
    """A portfolio in USDT: total = initial + revaluation + realised + unrealised - transfer_fees.

    `revaluation` is what price moves did to the initial holdings, which no trade earned. Assets without a
    value are in none of the sums but in `unvalued`.
    """

    total: Decimal
    initial: Decimal
    revaluation: Decimal
    realised: Decimal
    unrealised: Decimal
    transfer_fees: Decimal
    in_transit: Decimal
    unvalued: tuple[str, ...]


def value(portfolio: Portfolio, values: Amounts) -> Valuation:
    """The portfolio at today's `values` (USDT per unit, of gated mids)."""
    assets = portfolio.assets()
    valued = {asset for asset in assets if asset in values}
    with localcontext(EXACT):
        held = {
            asset: sum((amounts.get(asset, ZERO) for amounts in portfolio.initial.values()), ZERO)
            for asset in valued
        }
        initial = sum(
            (amount * portfolio.initial_values.get(asset, values[asset]) for asset, amount in held.items()),
            ZERO,
        )

        def worth(amounts: Amounts) -> Decimal:
            return sum((amount * values[asset] for asset, amount in amounts.items() if asset in valued), ZERO)

        under_way: dict[str, Decimal] = {}
        for transfer in portfolio.in_transit:
            under_way[transfer.asset] = under_way.get(transfer.asset, ZERO) + transfer.amount - transfer.fee
        return Valuation(
            total=worth({asset: portfolio.total(asset) for asset in valued}),
            initial=initial,
            revaluation=worth(held) - initial,
            realised=worth(portfolio.realised),
            unrealised=worth(portfolio.carried),
            transfer_fees=worth(portfolio.transfer_fees),
            in_transit=worth(under_way),
            unvalued=tuple(sorted(assets - valued)),
        )


def floor_to_step(amount: Decimal, step: Decimal | None) -> Decimal:
    """The largest multiple of the step that is not above the amount; without a step, of the booking grain."""
    with localcontext(EXACT):
        unit = step or GRAIN
        return amount // unit * unit


def round_to_grain(amount: Decimal, rounding: str) -> Decimal:
    """The amount itself, or rounded where it is finer than the booking grain."""
    exponent = amount.as_tuple().exponent
    too_fine = isinstance(exponent, int) and exponent < GRAIN_EXPONENT
    return amount.quantize(GRAIN, rounding, EXACT) if too_fine else amount


def _moved(balances: Balances, moves: Iterable[tuple[str, str, Decimal]]) -> Balances:
    changed: dict[str, dict[str, Decimal]] = {}
    with localcontext(EXACT):
        for venue, asset, delta in moves:
            if venue not in changed:
                changed[venue] = dict(balances.get(venue, _NOTHING))
            held = changed[venue]
            held[asset] = held.get(asset, ZERO) + delta
    for venue, held in changed.items():
        for asset, amount in held.items():
            if amount < 0:
                raise Overdraft(
                    f"{venue}: {asset} would fall to {amount}, the limit is 0; nothing was booked"
                )
    return {**balances, **changed}


def _added(amounts: Amounts, more: Amounts) -> Amounts:
    with localcontext(EXACT):
        return {**amounts, **{asset: amounts.get(asset, ZERO) + amount for asset, amount in more.items()}}


def _texts(amounts: Amounts) -> dict[str, str]:
    return {asset: text(amount) for asset, amount in amounts.items()}


def _nested_text(balances: Balances) -> dict[str, dict[str, str]]:
    return {venue: _texts(amounts) for venue, amounts in balances.items()}


def _numbers(record: Mapping[str, str]) -> dict[str, Decimal]:
    return {asset: Decimal(amount) for asset, amount in record.items()}


def _nested_numbers(record: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, Decimal]]:
    return {venue: _numbers(amounts) for venue, amounts in record.items()}
