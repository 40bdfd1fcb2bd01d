"""What the steps tell: one log line a scan, events and measurements by their declared names."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from shared import records
from shared.desk import Desk
from shared.domain.kill_switch import KillSwitch
from shared.domain.market import Snapshot
from shared.domain.opportunity import Opportunity
from shared.domain.trade import Trade, TradeStatus, Verdict
from shared.errors import VenueBanned, VenueError, VenueRateLimited
from shared.findings import Findings
from shared.ports import VenueQuotes
from shared.records import Batch, Row, ScanKey
from shared.signals import venue_pair

log = logging.getLogger("arbitrage")


def pair_of(path: tuple[str, ...]) -> str:
    """The label of a path's venues."""
    return venue_pair(leg.split(":")[0] for leg in path)


def venue_health(
    key: ScanKey, snapshot: Snapshot, answers: Mapping[str, VenueQuotes | VenueError]
) -> list[Row]:
    """One row a venue: whether it answered, how fast, how far its clock is off."""
    rows = []
    for venue, market in snapshot.venues.items():
        answer = answers[venue]
        good = None if isinstance(answer, VenueError) else answer
        rows.append(
            records.venue_health_row(
                key,
                venue,
                market,
                latency_ms=good.latency_ms if good else None,
                clock_drift_ms=good.clock_drift_ms if good else None,
            )
        )
    return rows


def scan_line(found: Findings, trades: Sequence[Trade]) -> str:
    """The one line that every scan prints."""
    good = [answer for answer in found.venues if answer.status == "ok"]
    bad = ", ".join(f"{answer.venue} ({answer.error})" for answer in found.venues if answer.status != "ok")
    booked = [trade for trade in trades if trade.fills]
    profit = sum((trade.profit_value for trade in booked), Decimal(0))
    return (
        f"scan {found.scan_id} [{found.market} market] {len(good)} of {len(found.venues)} venues answered"
        f"{f'; missing {bad}' if bad else ''}; {found.instruments_compared} instruments compared, "
        f"{found.loops_screened} loops screened, {len(found.opportunities)} opportunities, "
        f"{len(found.rejections)} refused, {len(booked)} trades, simulated profit {profit:+.2f} USDT, "
        f"{found.elapsed_ms} ms"
    )


def venues_down(desk: Desk, scan_id: str, answers: Mapping[str, Any]) -> None:
    """A count for each venue without an answer, and an event where it was asked for one."""
    for venue, answer in answers.items():
        if isinstance(answer, VenueError):
            retry_at = records.iso(answer.retry_at_ms) if isinstance(answer, VenueBanned) else ""
            desk.metrics.measure("arbitrage_venue_errors", 1, venue=venue, kind=answer.kind)
            if isinstance(answer, VenueRateLimited):
                continue
            desk.metrics.event(
                "venue_down",
                scan_id=scan_id,
                venue=venue,
                kind=answer.kind,
                error=answer.message,
                retry_at=retry_at,
            )


def scanned(desk: Desk, found: Findings, answers: Mapping[str, VenueQuotes | VenueError]) -> None:
    """A finished scan: its line where no trades will follow, its events and measurements."""
    if not found.opportunities:
        log.info(scan_line(found, ()))
    venues_down(desk, found.scan_id, answers)
    desk.metrics.measure("arbitrage_scan_duration_ms", found.elapsed_ms, trigger=found.triggered_by)
    for venue, answer in answers.items():
        if not isinstance(answer, VenueError):
            desk.metrics.measure("arbitrage_venue_latency_ms", answer.latency_ms, venue=venue)
    for opportunity in found.opportunities:
        _detected(desk, found.scan_id, opportunity)
    for row in records.rejection_rows(ScanKey(desk.market, found.scan_id, found.time_ms), found.rejections):
        desk.metrics.measure("arbitrage_rejections", row["refused"], reason=row["reason"])
        desk.metrics.event(
            "arbitrage_opportunity_rejected",
            scan_id=found.scan_id,
            reason=row["reason"],
            refused=row["refused"],
            best_net_bps=float(row["best_net_bps"] or 0),
            best_path=row["best_path"],
            best_detail=row["best_detail"],
        )


def _detected(desk: Desk, scan_id: str, found: Opportunity) -> None:
    labels = {"kind": found.kind, "pair": pair_of(found.path)}
    desk.metrics.measure("arbitrage_opportunities", 1, **labels)
    desk.metrics.measure("arbitrage_net_bps", float(found.net_bps), **labels)
    desk.metrics.measure("arbitrage_book_age_ms", found.oldest_book_ms, pair=labels["pair"])
    desk.metrics.event(
        "arbitrage_opportunity_detected",
        scan_id=scan_id,
        opportunity_id=found.id,
        path=records.path_text(found.path),
        start_asset=found.start_asset,
        start_amount=float(found.start_amount),
        net_profit=float(found.net_profit),
        net_bps=float(found.net_bps),
        profit_value=float(found.profit_value),
        **labels,
    )


def judged(desk: Desk, verdict: Verdict) -> None:
    """A verdict."""
    desk.metrics.measure("arbitrage_verdicts", 1, source=verdict.source, decision=verdict.decision)
    desk.metrics.measure("arbitrage_analysis_ms", verdict.latency_ms, source=verdict.source)
    if verdict.cost_usd:
        desk.metrics.measure("arbitrage_ai_cost_usd", float(verdict.cost_usd))


def traded(desk: Desk, found: Findings, trades: Sequence[Trade]) -> None:
    """The scan's line with its trades, and an event and measurements for each of them."""
    log.info(scan_line(found, trades))
    for trade in trades:
        labels = {"kind": trade.kind, "pair": pair_of(trade.path)}
        percent = float(100 * trade.profit / trade.start_amount) if trade.start_amount else 0.0
        desk.metrics.measure("arbitrage_trades", 1, status=trade.status)
        if trade.status is not TradeStatus.REFUSED:
            desk.metrics.measure("arbitrage_profit_percent", percent, **labels)
            desk.metrics.measure("arbitrage_profit_usdt", float(trade.profit_value), **labels)
        desk.metrics.event(
            "arbitrage_opportunity_simulated",
            scan_id=trade.scan_id,
            opportunity_id=trade.opportunity_id,
            trade_id=trade.id,
            status=trade.status,
            reason=trade.reason or "",
            path=records.path_text(trade.path),
            start_asset=trade.start_asset,
            start_amount=float(trade.start_amount),
            decision_profit=float(trade.decision_profit),
            realised_profit=float(trade.realised_profit),
            unrealised_profit=float(trade.unrealised_profit),
            realised_value=float(trade.realised_value),
            unrealised_value=float(trade.unrealised_value),
            profit_percent=percent,
            **labels,
        )


def loaded(desk: Desk, batch: Batch, *, fresh: bool) -> None:
    """A batch that is in the warehouse, now or since before."""
    desk.metrics.measure("arbitrage_loads", 1, result="loaded" if fresh else "duplicate")
    if fresh:
        desk.metrics.measure("arbitrage_loader_lag_ms", desk.clock.now_ms() - batch.time_ms)


def poisoned(desk: Desk, blob: str, reason: str) -> None:
    """A batch that cannot be loaded."""
    log.error("load of %s is poisoned: %s", blob, reason)
    desk.metrics.measure("arbitrage_loads", 1, result="poisoned")
    desk.metrics.event("load_poisoned", blob=blob, error=reason)


def switched(desk: Desk, before: KillSwitch, after: KillSwitch) -> None:
    """A kill switch that was thrown."""
    if after.cause and not before.tripped:
        log.warning("kill switch tripped by %s: %s", after.cause.by, after.cause.reason)
        desk.metrics.event("kill_switch_tripped", by=after.cause.by, reason=after.cause.reason)
