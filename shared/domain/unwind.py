"""Getting out of what a missing leg leaves: market orders on the direct pair against the start asset."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from itertools import pairwise

from shared.domain.causes import ExecutedLeg
from shared.domain.conditions import Conditions, observed_ms, standing_book
from shared.domain.exact import EXACT, ONE, ZERO
from shared.domain.fees import TakerFee
from shared.domain.market import FeeAsset, Instrument, OrderBook, Side
from shared.domain.orders import DepthTaken, Order, amount_for, depth, depth_taken, execute_order
from shared.domain.plan import planned_flows
from shared.domain.portfolio import Portfolio, net_flows
from shared.domain.trade import Fill, Purpose


def unwind(
    executed: Sequence[ExecutedLeg],
    start_asset: str,
    completed_ms: int,
    *,
    conditions: Conditions,
    portfolio: Portfolio,
    taken: DepthTaken,
    seed: tuple[str, ...],
) -> tuple[Fill, ...]:
    """The fills that bring each asset back to what the plan expected, as far as depth and minimums allow.

    A surplus is sold where the leg before brought it in, a shortage bought back where the leg after spent it.
    The orders go out at `completed_ms`, when the last leg's has reached its venue; their latency is drawn by
    `seed`. Where the direct pair or its book is unknown, the leftover stays.
    """
    leg_fills = tuple(fill for leg in executed for fill in leg.fills)
    expected, actual = planned_flows(leg.plan for leg in executed), net_flows(leg_fills)
    unwound: tuple[Fill, ...] = ()
    for before, after in pairwise(executed):
        asset = after.plan.pays
        with localcontext(EXACT):
            leftover = actual.get(asset, ZERO) - expected[asset]
        if not leftover:
            continue
        keeper, repaired = (before, after) if leftover > 0 else (after, before)
        venue, leg = keeper.plan.instrument.venue, repaired.plan.index
        due_ms = completed_ms + conditions.latencies.draw_ms(venue, *seed, "unwind", str(leg))
        for symbol in (f"{asset}/{start_asset}", f"{start_asset}/{asset}"):
            terms = conditions.terms(venue, symbol)
            book = standing_book(conditions.books.get((venue, symbol), ()), due_ms, conditions.max_age_ms)
            if terms is None or book is None:
                continue
            fills = (*leg_fills, *unwound)
            now_taken = depth_taken(fills, taken)
            available = portfolio.balance_after(fills, venue, asset if leftover > 0 else start_asset)
            order = _order(asset, leftover, terms, book=book, taken=now_taken, available=available, leg=leg)
            unwound += execute_order(order, book, max(due_ms, observed_ms(book) or 0), now_taken).fills
            break
    return unwound


def _order(
    asset: str,
    leftover: Decimal,
    terms: tuple[Instrument, TakerFee],
    *,
    book: OrderBook,
    taken: DepthTaken,
    available: Decimal,
    leg: int,
) -> Order:
    """The market order that removes a leftover: a surplus above zero, a shortage below."""
    instrument, fee = terms
    surplus = leftover > 0
    side = Side.SELL if surplus == (asset == instrument.base) else Side.BUY
    with localcontext(EXACT):
        if asset == instrument.base:
            kept = ONE - fee.rate if side is Side.BUY and fee.asset is FeeAsset.RECEIVED else ONE
            amount = abs(leftover) / kept
        else:
            on_top = fee.rate if fee.asset is FeeAsset.QUOTE else ZERO
            notional = leftover / (ONE + on_top) if surplus else -leftover / (ONE - fee.rate)
            amount = amount_for(depth(book, side, None, taken), notional)
    return Order(instrument, fee, side, amount, available, None, Purpose.UNWIND, leg)
