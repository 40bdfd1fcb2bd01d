"""Everything the page shows at first sight, as one JSON object.

Every question asked here is bounded by its limit and served by an index: none grows with the history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from shared import alerting, records
from shared.desk import Desk, Standing, read_standing
from shared.domain.exact import ZERO, text
from shared.domain.kill_switch import KillSwitch
from shared.domain.portfolio import Portfolio, value
from shared.domain.risk import RiskUsage
from shared.errors import VenueRateLimited
from shared.records import from_iso
from shared.version import VERSION
from shared.web import figures

SCANS = 40
OPPORTUNITIES = 300
TRADES = 400
SHOWN = 12
LIFETIMES = 200
SWITCH_EVENTS = 6
ROWS = 2000
"""More rows than any question by scan ids can have."""

JsonObject = dict[str, Any]
Rows = list[dict[str, Any]]


async def overview(desk: Desk) -> JsonObject:
    """What the page shows: amounts of money as texts with every digit, points of charts as numbers.

    Raises:
        TransientLoadError: the warehouse cannot answer now.
        StorageError: the state cannot be read.
    """
    standing, scans, found, trades, lifetimes = await asyncio.gather(
        read_standing(desk),
        _newest(desk, "scans", SCANS),
        _newest(desk, "arbitrage_opportunities", OPPORTUNITIES),
        _newest(desk, "trades", TRADES),
        _newest(desk, "lifetimes", LIFETIMES, by="last_seen"),
    )
    recent = [scan["scan_id"] for scan in scans]
    newest = recent[:1]
    shown = found[:SHOWN]
    portfolio = standing.portfolio.settle(desk.clock.now_ms()) if standing else Portfolio({})
    health, refused, verdicts, quotes, alarms, loads = await asyncio.gather(
        _of_scans(desk, "venue_health", recent),
        _of_scans(desk, "rejections", recent),
        _of_scans(desk, "verdicts", list({each["scan_id"] for each in (*shown, *trades[:SHOWN])})),
        _of_scans(desk, "market_data", newest, symbol=_usdt_pairs(portfolio)),
        _alarms(desk),
        _loads(desk),
    )
    prices = figures.prices(quotes, portfolio.initial_values)
    for trade in trades:
        trade["result"] = text(figures.result(trade))
        trade["result_value"] = text(figures.result_value(trade))
    moves = _moves(trades)
    return {
        "version": VERSION,
        "now": records.iso(desk.clock.now_ms()),
        "market": desk.market,
        "scan": scans[0] if scans else None,
        "scan_every_ms": desk.scan_every_ms(),
        "scans": [[s["time"], s["opportunities"], s["rejections"]] for s in reversed(scans)],
        "venues": _venues(desk, health, newest),
        "kill_switch": switch(desk, standing),
        "alarms": alarms,
        "loads": loads,
        "opportunities": _followed(shown, verdicts, trades),
        "refused": _refused(refused, scans),
        "profit": _profit(trades, moves, standing, desk.clock.now_ms()),
        "distribution": {
            "opportunities": figures.distribution([float(each["profit_value"]) for each in found]),
            "trades": figures.distribution([float(value) for _, value in moves]),
        },
        "inventory": _inventory(portfolio, prices),
        "lifetimes": _lifetimes(lifetimes),
        "trades": _followed(trades[:SHOWN], verdicts),
    }


async def _newest(desk: Desk, table: str, limit: int, by: str = "time") -> Rows:
    return await desk.warehouse.select(table, {"market": desk.market}, [f"-{by}"], limit)


async def _of_scans(desk: Desk, table: str, scan_ids: Sequence[str], **where: Any) -> Rows:
    if not scan_ids:
        return []
    return await desk.warehouse.select(table, {"scan_id": scan_ids, **where}, [], ROWS)


async def _alarms(desk: Desk) -> list[JsonObject]:
    memory = await desk.state.get(desk.room("alarms"), alerting.KEY)
    return [
        {
            "name": name,
            "severity": alarm["severity"],
            "detail": alarm["detail"],
            "since": records.iso(alarm["since_ms"]),
        }
        for name, alarm in (memory.value if memory else {}).items()
        if alarm["absent_ms"] is None
    ]


async def _loads(desk: Desk) -> JsonObject:
    watched = await desk.state.get(desk.room("watchdog"), "loads")
    poisoned = await desk.state.entries(desk.room("poisoned"))
    return {"waiting": watched.value["missing"] if watched else 0, "poisoned": len(poisoned)}


def _venues(desk: Desk, health: Rows, newest: Sequence[str]) -> list[JsonObject]:
    """Each configured venue as the newest scan found it, and how many of the last scans that asked it it answered."""
    venues = []
    for venue in desk.venues:
        asked = sorted((row for row in health if row["venue"] == venue), key=lambda row: str(row["time"]))
        answered = [row for row in asked if row["status"] == "ok"]
        latest = asked[-1] if asked else {}
        fields = ("status", "error", "books", "latency_ms", "clock_drift_ms", "time")
        venues.append(
            {
                "venue": venue,
                "in_newest_scan": latest.get("scan_id") in newest,
                "asked": sum(row["status"] != VenueRateLimited.kind for row in asked),
                "answered": len(answered),
                "last_answer": answered[-1]["time"] if answered else None,
                **{field: latest.get(field) for field in fields},
            }
        )
    return venues


def switch(desk: Desk, standing: Standing | None) -> JsonObject:
    """The kill switch: whether execution is stopped, by its setting or by its last event; newest event first.

    `ready` is false before the first scan: until then there is nothing to stop.
    """
    thrown = standing.kill_switch if standing else KillSwitch()
    return {
        "tripped": thrown.tripped or desk.halted,
        "setting": desk.halted,
        "ready": standing is not None,
        "history": [
            {"tripped": event.tripped, "by": event.by, "reason": event.reason, "at": records.iso(event.at_ms)}
            for event in thrown.history[::-1][:SWITCH_EVENTS]
        ],
    }


def _followed(rows: Rows, verdicts: Rows, trades: Rows | None = None) -> list[JsonObject]:
    """Rows with the verdict on their opportunity, and where trades are given with the one that followed."""
    judged = {(row["scan_id"], row["opportunity_id"]): row for row in verdicts}
    traded = {(row["scan_id"], row["opportunity_id"]): row for row in trades or ()}
    said = (
        "decision",
        "confidence",
        "risk_factors",
        "explanation",
        "evidence",
        "source",
        "fallback",
        "model",
    )
    done = ("trade_id", "status", "reason", "detail", "result", "result_value")
    followed = []
    for row in rows:
        key = (row["scan_id"], row["opportunity_id"])
        shown = {name: value for name, value in row.items() if name not in {"market", "blob"}}
        shown["verdict"] = {name: judged[key][name] for name in said} if key in judged else None
        if trades is not None:
            shown["trade"] = {name: traded[key][name] for name in done} if key in traded else None
        followed.append(shown)
    return followed


def _refused(rows: Rows, scans: Rows) -> JsonObject:
    """Refused loops of the last scans by reason, and of each the best one of the newest scan that has any."""
    order = {scan["scan_id"]: position for position, scan in enumerate(scans)}
    reasons: dict[str, JsonObject] = {}
    for row in sorted(rows, key=lambda row: order[row["scan_id"]]):
        reason = reasons.setdefault(
            row["reason"],
            {
                "reason": row["reason"],
                "refused": 0,
                "in_newest_scan": 0,
                "time": row["time"],
                "best_net_bps": row["best_net_bps"],
                "best_path": row["best_path"],
                "best_detail": row["best_detail"],
            },
        )
        reason["refused"] += row["refused"]
        if order[row["scan_id"]] == 0:
            reason["in_newest_scan"] = row["refused"]
    ranked = sorted(reasons.values(), key=lambda each: (-each["in_newest_scan"], -each["refused"]))
    return {"scans": len(scans), "since": scans[-1]["time"] if scans else None, "reasons": ranked}


def _moves(trades: Rows) -> list[tuple[int, Decimal]]:
    """When each trade with fills was decided, and what it brought in USDT."""
    return [
        (from_iso(trade["time"]), Decimal(trade["result_value"]))
        for trade in trades
        if trade["status"] in {"filled", "partial"}
    ]


def _profit(
    trades: Rows, moves: Sequence[tuple[int, Decimal]], standing: Standing | None, now_ms: int
) -> JsonObject:
    """What all trades brought in USDT, and the course of the newest ones."""
    usage = standing.usage.at(now_ms) if standing else RiskUsage()
    statuses: dict[str, int] = {}
    for trade in trades:
        statuses[trade["status"]] = statuses.get(trade["status"], 0) + 1
    return {
        "total": text(usage.profit),
        "today": text(usage.day_profit),
        "drawdown": text(usage.peak - usage.profit),
        "traded_today": text(usage.day_value),
        "curve": figures.running_total(moves, usage.profit if len(trades) == TRADES else None),
        "statuses": statuses,
        "winners": sum(amount > 0 for _, amount in moves),
        "of_newest": len(trades),
    }


def _usdt_pairs(portfolio: Portfolio) -> list[str]:
    assets = portfolio.assets() - {"USDT"}
    return [symbol for asset in sorted(assets) for symbol in (f"{asset}/USDT", f"USDT/{asset}")]


def _inventory(portfolio: Portfolio, prices: Mapping[str, Decimal]) -> JsonObject:
    """Balances by asset and venue in USDT at the newest scan's mids.

    value = initial + revaluation + realised + unrealised - transfer_fees, each of them apart.
    What was most valuable at funding stands first, so that rows keep their places while prices move.
    """
    worth = {asset: prices.get(asset, ZERO) * portfolio.total(asset) for asset in portfolio.assets()}
    valuation = value(portfolio, prices)
    return {
        "value": text(valuation.total),
        "initial": text(valuation.initial),
        "revaluation": text(valuation.revaluation),
        "realised": text(valuation.realised),
        "unrealised": text(valuation.unrealised),
        "transfer_fees": text(valuation.transfer_fees),
        "assets": [
            {
                "asset": asset,
                "price": text(prices[asset]) if asset in prices else None,
                "value": text(worth[asset]) if asset in prices else None,
                "venues": {
                    venue: {
                        "amount": text(held[asset]),
                        "funded": text(portfolio.initial.get(venue, {}).get(asset, ZERO)),
                    }
                    for venue, held in portfolio.balances.items()
                    if asset in held
                },
            }
            for asset in sorted(worth, key=lambda asset: (-_funded(portfolio, asset), asset))
        ],
        "in_transit": [
            {
                "id": transfer.id,
                "asset": transfer.asset,
                "source": transfer.source,
                "target": transfer.target,
                "amount": text(transfer.amount),
                "arrives": records.iso(transfer.arrives_ms),
            }
            for transfer in portfolio.in_transit
        ],
    }


def _funded(portfolio: Portfolio, asset: str) -> int:
    """What all venues were given of an asset, in whole USDT at the prices of then."""
    amount = sum((held.get(asset, ZERO) for held in portfolio.initial.values()), ZERO)
    return round(amount * portfolio.initial_values.get(asset, ZERO))


def _lifetimes(rows: Rows) -> JsonObject:
    """How long the newest opportunities that are gone lasted, in seconds, and the last of them."""
    fields = (
        "path",
        "kind",
        "first_seen",
        "last_seen",
        "lifetime_ms",
        "scans_seen",
        "peak_net_bps",
        "last_net_bps",
    )
    return {
        "seconds": figures.distribution([row["lifetime_ms"] / 1000 for row in rows]),
        "seen_once": sum(row["scans_seen"] == 1 for row in rows),
        "recent": [{name: row[name] for name in fields} for row in rows[:SHOWN]],
    }
