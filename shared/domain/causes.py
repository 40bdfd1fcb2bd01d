"""Why a trade earned other than was decided: realised minus decision profit, split by cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from shared.domain.exact import EXACT, ONE, RATIO, ZERO, ratio
from shared.domain.market import OrderBook, Side
from shared.domain.orders import depth, walk
from shared.domain.plan import PlannedLeg, planned_flows
from shared.domain.portfolio import Amounts, movements, net_flows, round_to_grain
from shared.domain.trade import Fill

CAUSES = ("delay", "latency", "slippage", "partial_fill", "fees", "unwind")
"""In the order in which they arise.

delay: prices moved from the snapshot that decided to the first book after the decision (analysis, queueing).
latency: prices moved from there to the book the order met.
slippage: earlier orders of the scan had taken the better levels of that book.
partial_fill: the edge of what was ordered and not filled, at the decision's prices.
fees: fees on the legs beyond those expected.
unwind: what getting out of leftovers cost, fees included; leftovers still held count here and in unrealised.
"""


@dataclass(frozen=True, slots=True)
class ExecutedLeg:
    """A leg, its fills, the first book after the decision and the book it met; None where there was none."""

    plan: PlannedLeg
    sent: Decimal
    fills: tuple[Fill, ...]
    arrival: OrderBook | None
    met: OrderBook | None

    @property
    def filled(self) -> Decimal:
        """Base amount filled."""
        with localcontext(EXACT):
            return sum((fill.amount for fill in self.fills), ZERO)


def start_rates(legs: Sequence[PlannedLeg], start_asset: str, values: Amounts) -> dict[str, Decimal]:
    """What one unit of each of the loop's assets is worth in its start asset.

    By `values` (USDT per unit) where both are known, else by the prices of the loop's own legs.
    """
    rates = {start_asset: ONE}
    for leg in legs:
        if leg.gets in rates:
            continue
        if values.get(leg.gets) and values.get(start_asset):
            rates[leg.gets] = ratio(values[leg.gets], values[start_asset])
        elif leg.side is Side.BUY:
            rates[leg.gets] = RATIO.multiply(rates[leg.pays], leg.average_price)
        else:
            rates[leg.gets] = ratio(rates[leg.pays], leg.average_price)
    return rates


def profit_causes(
    legs: Sequence[ExecutedLeg],
    unwound: Sequence[Fill],
    start_asset: str,
    rates: Mapping[str, Decimal],
    difference: Decimal,
) -> tuple[tuple[str, Decimal], ...]:
    """The causes of `difference` (realised minus decision profit), in the start asset; they sum to it.

    For each leg, with r the start asset's worth of an asset, d the average price at decision, q and a the
    amounts ordered and filled, and N(book) the notional of a on a book: a buy's delay is
    r(quote) (a d - N(arrival)), its latency r(quote) (N(arrival) - N(met)), its slippage
    r(quote) (N(met) - N(filled)), its partial_fill (a - q) (r(base) - d r(quote)); a sell's are the same
    with the sign turned.
    """
    split = dict.fromkeys(CAUSES, ZERO)
    with localcontext(EXACT):
        for leg in legs:
            plan = leg.plan
            sign = 1 if plan.side is Side.BUY else -1
            base_rate, quote_rate = rates[plan.instrument.base], rates[plan.instrument.quote]
            filled = leg.filled
            expected = plan.notional if filled == plan.amount else filled * plan.average_price
            met = ladder_notional(leg.met, plan.side, filled, expected)
            arrival = ladder_notional(leg.arrival, plan.side, filled, met)
            paid = sum((fill.notional for fill in leg.fills), ZERO)
            split["delay"] -= sign * (arrival - expected) * quote_rate
            split["latency"] -= sign * (met - arrival) * quote_rate
            split["slippage"] -= sign * (paid - met) * quote_rate
            split["partial_fill"] += (
                sign * (filled - plan.amount) * (base_rate - plan.average_price * quote_rate)
            )
            split["fees"] += plan.fee * rates[plan.fee_asset]
            split["fees"] -= sum((fill.fee * rates[fill.fee_asset] for fill in leg.fills), ZERO)
        for fill in unwound:
            split["unwind"] += sum((amount * rates[asset] for asset, amount in movements(fill)), ZERO)
        expected_flows = planned_flows(leg.plan for leg in legs)
        flows = net_flows(fill for fills in (*(leg.fills for leg in legs), unwound) for fill in fills)
        for asset, planned in expected_flows.items():
            if asset != start_asset:
                split["unwind"] -= (flows.get(asset, ZERO) - planned) * rates[asset]
        rounded = {cause: round_to_grain(amount, ROUND_HALF_EVEN) for cause, amount in split.items()}
        largest = max(rounded, key=lambda cause: abs(rounded[cause]))
        rounded[largest] += difference - sum(rounded.values(), ZERO)
    return tuple(rounded.items())


def ladder_notional(book: OrderBook | None, side: Side, amount: Decimal, otherwise: Decimal) -> Decimal:
    """The notional of an amount on a book as it came; beyond its depth the last price goes on.

    `otherwise` where there is no book, or nothing on that side.
    """
    levels = depth(book, side) if book else ()
    if not levels or not amount:
        return otherwise
    with localcontext(EXACT):
        takes = walk(levels, amount)
        beyond = amount - sum((take for _, take in takes), ZERO)
        return sum((price * take for price, take in takes), ZERO) + beyond * levels[-1][0]
