"""From verdicts to booked trades: the books the fills meet, what may be traded, and what came of it.

Everything but fetching and storing is a pure function of the order, the standing and the conditions.
"""

from __future__ import annotations

import gzip
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext

import orjson

from shared import records
from shared.desk import Desk, Standing
from shared.domain.conditions import Conditions
from shared.domain.exact import EXACT, ONE
from shared.domain.kill_switch import KillSwitch
from shared.domain.market import BookText, OrderBook, Snapshot, VenueMarket
from shared.domain.opportunity import Opportunity, Reason, content_id
from shared.domain.orders import DepthTaken
from shared.domain.plan import plan_legs
from shared.domain.risk import RiskPolicy, RiskUsage, allowed_scale, check, check_losses
from shared.domain.simulation import due_times, execute, refused
from shared.domain.trade import Decision, Trade, Transfer, Verdict
from shared.domain.transfers import Currencies, RebalancePolicy, plan_transfers
from shared.errors import ArbitrageError, BadBook, InputError, VenueError
from shared.findings import Findings, books_of
from shared.records import from_payload, to_payload
from shared.snapshots import encode_snapshot

CAUTION_SCALE = Decimal("0.5")
"""What a caution leaves of an opportunity's size."""

CONTRADICTION = Decimal("1.000001")
"""Rounding apart, no leg of an opportunity spends more than the one before it brought in."""

FETCH_MARGIN_MS = 20
"""Books are asked for this long after the slowest order has reached its venue."""

log = logging.getLogger("arbitrage")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be executed: a scan's findings and the verdicts on them, decided at one moment."""

    scan_id: str
    decided_ms: int
    found: Findings
    verdicts: Sequence[Verdict]

    def pairs(self) -> list[tuple[Opportunity, Verdict]]:
        """Each opportunity with its verdict, best first; without a verdict none is traded."""
        judged = {verdict.opportunity_id: verdict for verdict in self.verdicts}
        return [(found, judged[found.id]) for found in self.found.opportunities if found.id in judged]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The trades of a scan, the transfers that followed, and what the desk holds after them."""

    trades: tuple[Trade, ...]
    transfers: tuple[Transfer, ...]
    standing: Standing


@dataclass(frozen=True, slots=True)
class Executed:
    """What the blob of an execution tells."""

    trades: tuple[Trade, ...] = ()
    transfers: tuple[Transfer, ...] = ()


@dataclass(slots=True)
class _Run:
    """What changes while the trades of one scan run one after another."""

    standing: Standing
    taken: DepthTaken = field(default_factory=dict)
    trades: list[Trade] = field(default_factory=list)


async def conditions(desk: Desk, order: Order) -> Conditions:
    """The books that the fills meet, kept in the lake.

    They are asked for at once, which tells what the decision's delay cost, and again when the slowest order has
    reached its venue, which are those that fill.
    """
    chosen = [found for found, verdict in order.pairs() if verdict.decision is not Decision.REJECT]
    listed = {pair for pair in order.found.by_symbol() if pair[0] in desk.venues}
    wanted = sorted({pair for found in chosen for pair in books_of(found, listed) & listed})
    books: dict[tuple[str, str], list[OrderBook]] = {}
    if chosen:
        lines = [await _observe(desk, order, wanted, books)]
        due = [due_times(found, order.scan_id, order.decided_ms, desk.latencies) for found in chosen]
        latest_ms = max((reached_ms for times in due for reached_ms in times), default=order.decided_ms)
        await desk.clock.sleep_until(latest_ms + FETCH_MARGIN_MS)
        lines.append(await _observe(desk, order, wanted, books))
        name = records.snapshot_name(desk.market, order.found.time_ms, order.scan_id, "execution")
        await desk.lake.write(name, gzip.compress(b"".join(lines), 1, mtime=0))
    return Conditions(
        books, order.found.by_symbol(), order.found.values, desk.latencies, desk.detection.max_age_ms
    )


async def _observe(
    desk: Desk,
    order: Order,
    wanted: Sequence[tuple[str, str]],
    books: dict[tuple[str, str], list[OrderBook]],
) -> bytes:
    """Append what the books are now; the line that records them."""
    kept: dict[str, dict[str, BookText]] = {}
    for (venue, symbol), answer in (await desk.market_data.order_books(wanted)).items():
        if isinstance(answer, VenueError):
            desk.metrics.measure("arbitrage_venue_errors", 1, venue=venue, kind=answer.kind)
            continue
        kept.setdefault(venue, {})[symbol] = answer
        try:
            books.setdefault((venue, symbol), []).append(answer.parse(venue, symbol))
        except BadBook:
            desk.metrics.measure("arbitrage_venue_errors", 1, venue=venue, kind="bad_answer")
    venues = {venue: VenueMarket(books=found) for venue, found in kept.items()}
    seen = Snapshot(desk.clock.now_ms(), venues, order.scan_id, phase="execution")
    return encode_snapshot(seen) + b"\n"


def deal(
    order: Order,
    standing: Standing,
    met: Conditions,
    risk: RiskPolicy,
    now_ms: int,
    *,
    currencies: Currencies,
    halted: bool,
) -> Outcome:
    """Trade what the verdicts, the limits and the kill switch allow, one opportunity after another.

    An opportunity that cannot be traded, whatever is wrong with it, is recorded as refused, and the others
    go on. A loss beyond its limit, of before or of one of these trades, trips the kill switch, which stops those
    that follow. Inventory that has drifted is then sent back over open networks, of which `currencies` tells.
    """
    switch = standing.kill_switch
    if halted:
        switch = switch.trip("setting", "KILL_SWITCH was on in a scan that traded", now_ms)
    switch = _after_losses(risk, switch, standing.usage, now_ms)
    run = _Run(replace(standing, portfolio=standing.portfolio.settle(now_ms), kill_switch=switch))
    for found, verdict in order.pairs():
        try:
            trade = _trade(order, run, met, risk, found, verdict)
        except ArbitrageError as error:
            trade = refused(found, order.scan_id, order.decided_ms, Reason.BAD_BOOK, str(error))
        except Exception as error:
            log.exception("opportunity %s of scan %s cannot be traded", found.id, order.scan_id)
            trade = refused(found, order.scan_id, order.decided_ms, Reason.BAD_BOOK, repr(error))
        run.trades.append(trade)
    if run.standing.kill_switch.tripped:
        return Outcome(tuple(run.trades), (), run.standing)
    portfolio = run.standing.portfolio
    transfers = plan_transfers(portfolio, currencies, met.values, RebalancePolicy(), now_ms)
    for transfer in transfers:
        portfolio = portfolio.send(transfer)
    return Outcome(tuple(run.trades), transfers, replace(run.standing, portfolio=portfolio))


def _trade(
    order: Order, run: _Run, met: Conditions, risk: RiskPolicy, found: Opportunity, verdict: Verdict
) -> Trade:
    standing = run.standing
    cause = standing.kill_switch.cause
    if cause:
        detail = f"tripped by {cause.by}: {cause.reason}"
        return refused(found, order.scan_id, order.decided_ms, Reason.KILL_SWITCH, detail)
    scale = allowed_scale(verdict, CAUTION_SCALE)
    if not scale:
        return refused(found, order.scan_id, order.decided_ms, Reason.VETOED, verdict.explanation)
    _check_consistency(found, met)
    breaches = check(
        risk,
        standing.usage,
        found,
        verdict,
        scan_id=order.scan_id,
        scale=scale,
        values=met.values,
        now_ms=order.decided_ms,
    )
    if breaches:
        detail = "; ".join(map(str, breaches))
        return refused(found, order.scan_id, order.decided_ms, Reason.RISK_LIMIT, detail)
    done = execute(
        found,
        scan_id=order.scan_id,
        decided_ms=order.decided_ms,
        conditions=met,
        portfolio=standing.portfolio,
        taken=run.taken,
        scale=scale,
    )
    usage = standing.usage.add(done.trade, met.values)
    switch = _after_losses(risk, standing.kill_switch, usage, order.decided_ms)
    run.standing = replace(standing, portfolio=done.portfolio, usage=usage, kill_switch=switch)
    run.taken = done.taken
    return done.trade


def _check_consistency(found: Opportunity, met: Conditions) -> None:
    """The limits judge the start amount, the orders follow the legs: the two must tell of the same trade.

    Raises:
        InputError: a leg spends more than the one before it brings in, the first more than the start amount.
    """
    brought = found.start_amount
    for leg in plan_legs(found, ONE, met.terms):
        with localcontext(EXACT):
            if not 0 < leg.payment <= brought * CONTRADICTION:
                raise InputError(
                    f"leg {leg.index} spends {leg.payment:.8g} {leg.pays}, but {brought:.8g} came in; not traded"
                )
        brought = leg.proceeds


def _after_losses(risk: RiskPolicy, switch: KillSwitch, usage: RiskUsage, now_ms: int) -> KillSwitch:
    broken = check_losses(risk, usage, now_ms)
    return switch.trip("risk", "; ".join(map(str, broken)), now_ms) if broken else switch


async def store(desk: Desk, order: Order, outcome: Outcome) -> str:
    """Write an execution under a name made of its content; it counts only once the desk's entry names it."""
    content = orjson.dumps(to_payload(Executed(outcome.trades, outcome.transfers)))
    when = records.partition(order.found.time_ms)
    name = f"{desk.market}/executions/{when}/{order.scan_id}-{content_id(content.decode())}.json.gz"
    await desk.lake.write(name, gzip.compress(content, 1, mtime=0))
    return name


async def read(desk: Desk, blob: str) -> Executed:
    """The execution of a blob."""
    return from_payload(Executed, orjson.loads(gzip.decompress(await desk.lake.read(blob))))
