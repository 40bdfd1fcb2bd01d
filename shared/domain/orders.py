"""An immediate-or-cancel order against one book: the levels it takes, as fills."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

from shared.domain.exact import EXACT, ONE, ZERO
from shared.domain.fees import TakerFee, order_flows
from shared.domain.market import FeeAsset, Instrument, OrderBook, Side
from shared.domain.portfolio import GRAIN, floor_to_step, round_to_grain
from shared.domain.trade import Fill, Purpose

DepthTaken = Mapping[tuple[str, str, Side, Decimal], Decimal]
"""Base amount that earlier orders took: by venue, symbol, the order's side and price."""
Depth = Sequence[tuple[Decimal, Decimal]]
"""Price and base amount, best first."""


@dataclass(frozen=True, slots=True)
class Order:
    """Up to `amount` base at `limit_price` or better (None: at market), paying at most `budget`.

    The budget is in the asset paid, a buy's fee included where it is taken from the quote asset.
    """

    instrument: Instrument
    fee: TakerFee
    side: Side
    amount: Decimal
    budget: Decimal
    limit_price: Decimal | None
    purpose: Purpose
    leg: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order: the amount sent after flooring, zero if none could be, and its fills."""

    sent: Decimal
    fills: tuple[Fill, ...]


NOT_SENT = Outcome(ZERO, ())


def depth_taken(fills: Iterable[Fill], earlier: DepthTaken | None = None) -> DepthTaken:
    """The depth that fills took, on top of what was taken before."""
    taken = dict(earlier or {})
    with localcontext(EXACT):
        for fill in fills:
            key = (fill.venue, fill.symbol, fill.side, fill.price)
            taken[key] = taken.get(key, ZERO) + fill.amount
    return taken


def depth(
    book: OrderBook, side: Side, limit_price: Decimal | None = None, taken: DepthTaken | None = None
) -> Depth:
    """What the book still offers an order of this side, up to its limit and to the first unknown amount."""
    offered: list[tuple[Decimal, Decimal]] = []
    with localcontext(EXACT):
        for price, amount in book.asks if side is Side.BUY else book.bids:
            if amount is None or (
                limit_price is not None and (price > limit_price if side is Side.BUY else price < limit_price)
            ):
                break
            left = amount - taken.get((book.venue, book.symbol, side, price), ZERO) if taken else amount
            left = round_to_grain(left, ROUND_FLOOR)
            if left > 0:
                offered.append((price, left))
    return offered


def walk(levels: Depth, amount: Decimal) -> list[tuple[Decimal, Decimal]]:
    """Prices and amounts taken from the levels until `amount` base or the depth is used up."""
    takes: list[tuple[Decimal, Decimal]] = []
    with localcontext(EXACT):
        for price, offered in levels:
            take = min(amount, offered)
            if take <= 0:
                break
            takes.append((price, take))
            amount -= take
    return takes


def amount_for(levels: Depth, notional: Decimal) -> Decimal:
    """The base amount whose quote notional is at most `notional`, as far as the depth goes."""
    total = ZERO
    with localcontext(EXACT):
        for price, offered in levels:
            if price * offered > notional:
                return total + floor_to_step(max(notional, ZERO) / price, None)
            total += offered
            notional -= price * offered
    return total


def execute_order(order: Order, book: OrderBook, time_ms: int, taken: DepthTaken) -> Outcome:
    """The order's fills on this book, level by level.

    The amount is floored to the venue's step; what falls below the venue's minimums is not sent. Notionals
    and fees are rounded against the desk to the booking grain.
    """
    step = order.instrument.amount_step
    levels = depth(book, order.side, order.limit_price, taken)
    if not levels and order.limit_price is None:
        return NOT_SENT
    with localcontext(EXACT):
        if order.side is Side.SELL:
            amount = floor_to_step(min(order.amount, order.budget), step)
        else:
            amount = floor_to_step(order.amount, step)
            if _payment(order, walk(levels, amount), time_ms) > order.budget:
                on_top = order.fee.rate if order.fee.asset is FeeAsset.QUOTE else ZERO
                rounding = 2 * GRAIN * (len(levels) + 1)
                amount = floor_to_step(amount_for(levels, (order.budget - rounding) / (ONE + on_top)), step)
        if not meets_minimums(order.instrument, amount, order.limit_price or levels[0][0]):
            return NOT_SENT
        available = sum((offered for _, offered in levels), ZERO)
        takes = walk(levels, floor_to_step(min(amount, available), step))
    return Outcome(amount, tuple(_fill(order, price, take, time_ms) for price, take in takes))


def meets_minimums(instrument: Instrument, amount: Decimal, price: Decimal) -> bool:
    """Whether the venue takes an order of this amount at this price."""
    with localcontext(EXACT):
        return (
            amount > 0
            and amount >= (instrument.min_amount or ZERO)
            and amount * price >= (instrument.min_notional or ZERO)
            and (instrument.max_amount is None or amount <= instrument.max_amount)
        )


def _payment(order: Order, takes: Iterable[tuple[Decimal, Decimal]], time_ms: int) -> Decimal:
    """What a buy of these levels pays in quote."""
    fills = (_fill(order, price, amount, time_ms) for price, amount in takes)
    quote = order.instrument.quote
    return sum((fill.notional + (fill.fee if fill.fee_asset == quote else ZERO) for fill in fills), ZERO)


def _fill(order: Order, price: Decimal, amount: Decimal, time_ms: int) -> Fill:
    instrument, buying = order.instrument, order.side is Side.BUY
    with localcontext(EXACT):
        notional = round_to_grain(price * amount, ROUND_CEILING if buying else ROUND_FLOOR)
    fee = round_to_grain(order_flows(order.side, amount, notional, order.fee).fee, ROUND_CEILING)
    return Fill(
        instrument.venue,
        instrument.symbol,
        instrument.base,
        instrument.quote,
        order.side,
        order.purpose,
        order.leg,
        price,
        amount,
        notional,
        fee,
        instrument.base if buying and order.fee.asset is FeeAsset.RECEIVED else instrument.quote,
        time_ms,
    )
