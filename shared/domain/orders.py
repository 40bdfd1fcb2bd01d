"""An immediate-or-cancel order against one book: the levels it takes, as fills."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

from shared.domain.market import FeeAsset, Instrument, OrderBook, Side
from shared.domain.portfolio import EXACT, GRAIN, floor_to_step, round_to_grain
from shared.domain.trade import Fill, Purpose
from shared.errors import InputError

DepthTaken = Mapping[tuple[str, str, Side, Decimal], Decimal]
"""Base amount that earlier orders took: by venue, symbol, the order's side and price."""
Depth = Sequence[tuple[Decimal, Decimal]]
"""Price and base amount, best first."""

_ZERO = Decimal(0)
_BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Order:
    """Up to `amount` base at `limit_price` or better (None: at market), paying at most `budget`.

    The budget is in the asset paid, a buy's fee included where it is taken from the quote asset.
    """

    instrument: Instrument
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

    @property
    def filled(self) -> Decimal:
        """Base amount filled."""
        with localcontext(EXACT):
            return sum((fill.amount for fill in self.fills), _ZERO)


NOT_SENT = Outcome(_ZERO, ())


def taker_fee(instrument: Instrument) -> tuple[Decimal, FeeAsset]:
    """The fee rate as a fraction and what it is taken from.

    Raises:
        InputError: the instrument's fee is unknown.
    """
    if instrument.taker_bps is None or instrument.fee_asset is None:
        raise InputError(
            f"{instrument.venue} {instrument.symbol}: the taker fee is unknown; configure the venue's fee"
        )
    with localcontext(EXACT):
        return instrument.taker_bps / _BPS, instrument.fee_asset


def depth_taken(fills: Iterable[Fill], earlier: DepthTaken | None = None) -> DepthTaken:
    """The depth that fills took, on top of what was taken before."""
    taken = dict(earlier or {})
    with localcontext(EXACT):
        for fill in fills:
            key = (fill.venue, fill.symbol, fill.side, fill.price)
            taken[key] = taken.get(key, _ZERO) + fill.amount
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
            left = amount - taken.get((book.venue, book.symbol, side, price), _ZERO) if taken else amount
            left = floor_to_step(left, None) if left > 0 else _ZERO
            if left:
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
    total = _ZERO
    with localcontext(EXACT):
        for price, offered in levels:
            if price * offered > notional:
                return total + floor_to_step(max(notional, _ZERO) / price, None)
            total += offered
            notional -= price * offered
    return total


def execute_order(order: Order, book: OrderBook, time_ms: int, taken: DepthTaken) -> Outcome:
    """The order's fills on this book, level by level.

    The amount is floored to the venue's step; what falls below the venue's minimums is not sent. Notionals
    and fees are rounded against the desk to the booking grain.

    Raises:
        InputError: the instrument's fee is unknown.
    """
    instrument, side = order.instrument, order.side
    rate, fee_asset = taker_fee(instrument)
    levels = depth(book, side, order.limit_price, taken)
    if not levels and order.limit_price is None:
        return NOT_SENT
    with localcontext(EXACT):
        if side is Side.SELL:
            amount = floor_to_step(min(order.amount, order.budget), instrument.amount_step)
        else:
            amount = floor_to_step(order.amount, instrument.amount_step)
            on_top = rate if fee_asset is FeeAsset.QUOTE else _ZERO
            if _cost(walk(levels, amount), on_top) > order.budget:
                grains = 2 * GRAIN * (len(levels) + 1)
                affordable = amount_for(levels, (order.budget - grains) / (1 + on_top))
                amount = floor_to_step(affordable, instrument.amount_step)
        if not meets_minimums(instrument, amount, order.limit_price or levels[0][0]):
            return NOT_SENT
        available = sum((offered for _, offered in levels), _ZERO)
        filled = floor_to_step(min(amount, available), instrument.amount_step)
        fills = tuple(_fill(order, price, take, time_ms) for price, take in walk(levels, filled))
    return Outcome(amount, fills)


def meets_minimums(instrument: Instrument, amount: Decimal, price: Decimal) -> bool:
    """Whether the venue takes an order of this amount at this price."""
    with localcontext(EXACT):
        return (
            amount > 0
            and amount >= (instrument.min_amount or _ZERO)
            and amount * price >= (instrument.min_notional or _ZERO)
            and (instrument.max_amount is None or amount <= instrument.max_amount)
        )


def _cost(takes: Iterable[tuple[Decimal, Decimal]], rate: Decimal) -> Decimal:
    total = _ZERO
    for price, amount in takes:
        notional = round_to_grain(price * amount, ROUND_CEILING)
        total += notional + round_to_grain(notional * rate, ROUND_CEILING)
    return total


def _fill(order: Order, price: Decimal, amount: Decimal, time_ms: int) -> Fill:
    instrument = order.instrument
    rate, fee_asset = taker_fee(instrument)
    buying = order.side is Side.BUY
    notional = round_to_grain(price * amount, ROUND_CEILING if buying else ROUND_FLOOR)
    from_base = buying and fee_asset is FeeAsset.RECEIVED
    fee = round_to_grain((amount if from_base else notional) * rate, ROUND_CEILING)
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
        instrument.base if from_base else instrument.quote,
        time_ms,
    )
