"""Simulated execution: an opportunity's legs meet later books and become fills, a profit and its causes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from shared.domain.causes import ExecutedLeg, profit_causes, start_rates
from shared.domain.conditions import Conditions, first_book, observed_ms
from shared.domain.exact import EXACT, ONE, ZERO
from shared.domain.latency import Latencies
from shared.domain.opportunity import Opportunity, Reason, content_id
from shared.domain.orders import NOT_SENT, DepthTaken, Order, depth_taken, execute_order
from shared.domain.plan import PlannedLeg, below_minimum, funded_scale, plan_legs, planned_flows
from shared.domain.portfolio import Amounts, Portfolio, net_flows, round_to_grain
from shared.domain.trade import Fill, Purpose, Trade, TradeStatus
from shared.domain.unwind import unwind
from shared.errors import InputError


@dataclass(frozen=True, slots=True)
class Execution:
    """A trade, the portfolio with it booked, and the depth that the scan's trades have taken so far."""

    trade: Trade
    portfolio: Portfolio
    taken: DepthTaken


def due_times(
    opportunity: Opportunity, scan_id: str, decided_ms: int, latencies: Latencies
) -> tuple[int, ...]:
    """When each leg's order reaches its venue; the orders of one venue go out one after another.

    Who fetches the books for a fill has to wait until then.
    """
    reached: dict[str, int] = {}
    times = []
    for index, leg in enumerate(opportunity.legs):
        sent_ms = reached.get(leg.venue, decided_ms)
        reached[leg.venue] = sent_ms + latencies.draw_ms(leg.venue, scan_id, opportunity.id, str(index))
        times.append(reached[leg.venue])
    return tuple(times)


def execute(
    opportunity: Opportunity,
    *,
    scan_id: str,
    decided_ms: int,
    conditions: Conditions,
    portfolio: Portfolio,
    taken: DepthTaken,
    scale: Decimal = ONE,
) -> Execution:
    """Trade the opportunity at `scale` of its size, above 0 and at most 1, or less if the balances hold less.

    Each leg meets the first book observed at or after decision and latency, if one comes within `max_age_ms`.
    Legs on different venues spend their own balances; a leg that follows another on its venue spends what
    that one brought in. What is left over against the plan is unwound at market on the direct pair where it
    is held, else carried. The same arguments give the same trade.

    Raises:
        InputError: the scale is outside its limits, or a fee or the start asset's value is unknown.
    """
    if opportunity.start_asset not in conditions.values:
        raise InputError(
            f"{opportunity.start_asset} has no value in USDT; its book was refused or is missing"
        )
    legs = plan_legs(opportunity, scale, conditions.terms)
    share = funded_scale(legs, portfolio)
    if share < 1:
        if share > 0:
            with localcontext(EXACT):
                scale *= share
            legs = plan_legs(opportunity, scale, conditions.terms)
        if share <= 0 or below_minimum(legs):
            detail = f"the balances pay {share:.4f} of it"
            trade = refused(opportunity, scan_id, decided_ms, Reason.NO_INVENTORY, detail)
            return Execution(trade, portfolio, taken)
    elif small := below_minimum(legs):
        where = f"{small.instrument.venue} {small.instrument.symbol}"
        detail = f"{where} does not take an order of {small.amount:f}, {scale:.4f} of the opportunity's"
        trade = refused(opportunity, scan_id, decided_ms, Reason.BELOW_MIN_NOTIONAL, detail)
        return Execution(trade, portfolio, taken)

    due_ms = due_times(opportunity, scan_id, decided_ms, conditions.latencies)
    executed = _execute_legs(
        legs, due_ms, decided_ms, conditions=conditions, portfolio=portfolio, taken=taken
    )
    last_ms = max(due_ms)
    unwound = unwind(
        executed,
        opportunity.start_asset,
        last_ms,
        conditions=conditions,
        portfolio=portfolio,
        taken=taken,
        seed=(scan_id, opportunity.id),
    )
    trade = _settled(
        replace(_untraded(opportunity, scan_id, decided_ms), completed_ms=last_ms),
        executed,
        unwound,
        opportunity.net_profit if scale == 1 else None,
        conditions.values,
    )
    return Execution(trade, portfolio.book(trade), depth_taken(trade.fills, taken))


def refused(opportunity: Opportunity, scan_id: str, decided_ms: int, reason: Reason, detail: str) -> Trade:
    """The trade that did not take place, for the record; its amounts are zero."""
    return replace(
        _untraded(opportunity, scan_id, decided_ms), status=TradeStatus.REFUSED, reason=reason, detail=detail
    )


def trade_id(scan_id: str, opportunity_id: str) -> str:
    """The one trade that an opportunity can have in a scan."""
    return content_id("trade", scan_id, opportunity_id)


def _execute_legs(
    legs: Sequence[PlannedLeg],
    due_ms: Sequence[int],
    decided_ms: int,
    *,
    conditions: Conditions,
    portfolio: Portfolio,
    taken: DepthTaken,
) -> list[ExecutedLeg]:
    executed: list[ExecutedLeg] = []
    for leg, due in zip(legs, due_ms, strict=True):
        instrument = leg.instrument
        books = conditions.books.get((instrument.venue, instrument.symbol), ())
        book = first_book(books, due, conditions.max_age_ms)
        earlier = [fill for before in executed for fill in before.fills]
        budget = portfolio.balance_after(earlier, instrument.venue, leg.pays)
        if leg.follows:
            budget = min(budget, net_flows(executed[-1].fills).get(leg.pays, ZERO))
        outcome = NOT_SENT
        if book and budget > 0:
            order = Order(
                instrument,
                leg.fee_rule,
                leg.side,
                leg.amount,
                budget,
                leg.limit_price,
                Purpose.LEG,
                leg.index,
            )
            outcome = execute_order(order, book, max(due, observed_ms(book) or 0), taken)
        arrival = first_book(books, decided_ms, conditions.max_age_ms)
        executed.append(ExecutedLeg(leg, outcome.sent, outcome.fills, arrival, book))
    return executed


def _untraded(opportunity: Opportunity, scan_id: str, decided_ms: int) -> Trade:
    return Trade(
        trade_id(scan_id, opportunity.id),
        scan_id,
        opportunity.id,
        TradeStatus.MISSED,
        None,
        "",
        opportunity.kind,
        opportunity.path,
        opportunity.start_asset,
        start_amount=ZERO,
        decided_ms=decided_ms,
        completed_ms=decided_ms,
        decision_profit=ZERO,
        realised_profit=ZERO,
        unrealised_profit=ZERO,
        realised_value=ZERO,
        unrealised_value=ZERO,
        causes=(),
        exposure=(),
        fills=(),
    )


def _settled(
    untraded: Trade,
    executed: Sequence[ExecutedLeg],
    unwound: tuple[Fill, ...],
    decided_profit: Decimal | None,
    values: Amounts,
) -> Trade:
    """The trade with its fills and what they earned; `decided_profit` of None is that of the scaled legs."""
    start = untraded.start_asset
    legs = [leg.plan for leg in executed]
    leg_fills = tuple(fill for leg in executed for fill in leg.fills)
    fills = leg_fills + unwound
    rates = start_rates(legs, start, values)
    flows = net_flows(fills)
    exposure = tuple(sorted((asset, amount) for asset, amount in flows.items() if asset != start))
    realised = flows.get(start, ZERO)
    with localcontext(EXACT):
        decided = planned_flows(legs)[start] if decided_profit is None else decided_profit
        decision_profit = round_to_grain(decided, ROUND_HALF_EVEN)
        unrealised = sum((amount * rates[asset] for asset, amount in exposure), ZERO)
        difference = realised - decision_profit
        realised_value = realised * values[start]
        unrealised_value = unrealised * values[start]
    whole = all(leg.sent and leg.filled == leg.sent for leg in executed)
    return replace(
        untraded,
        status=TradeStatus.FILLED if whole else TradeStatus.PARTIAL if leg_fills else TradeStatus.MISSED,
        detail="; ".join(_shortfall(leg) for leg in executed if not leg.sent or leg.filled < leg.sent),
        start_amount=legs[0].payment,
        completed_ms=max((fill.time_ms for fill in fills), default=untraded.completed_ms),
        decision_profit=decision_profit,
        realised_profit=realised,
        unrealised_profit=round_to_grain(unrealised, ROUND_HALF_EVEN),
        realised_value=round_to_grain(realised_value, ROUND_HALF_EVEN),
        unrealised_value=round_to_grain(unrealised_value, ROUND_HALF_EVEN),
        causes=profit_causes(executed, unwound, start, rates, difference),
        exposure=exposure,
        fills=fills,
    )


def _shortfall(leg: ExecutedLeg) -> str:
    plan = leg.plan
    where = f"leg {plan.index} {plan.instrument.venue}:{plan.instrument.symbol}:{plan.side}"
    if leg.met is None:
        return f"{where} found no book in time"
    if not leg.sent:
        return f"{where} had nothing to pay with or fell below the venue's minimum"
    return f"{where} filled {leg.filled:f} of {leg.sent:f} at {plan.limit_price:f} or better"
