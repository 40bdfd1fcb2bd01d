"""What the watchdog measures: scans, venues, loads, losses and budget, as the alarms judge them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from shared.desk import Desk, read_standing
from shared.domain.alarms import Health
from shared.records import iso, taken_ms


async def measure(desk: Desk, *, unloaded: list[str]) -> Health:
    """The health of the desk; `unloaded` are recorded blobs that the warehouse says it does not have.

    A warehouse that is down says nothing: the blobs whose load is tried again count too.
    """
    now_ms = desk.clock.now_ms()
    heartbeat = await desk.state.get(desk.room("heartbeat"), "scan")
    recent = await desk.state.get(desk.room("memory"), "recent")
    retries = await desk.state.entries(desk.room("retries"))
    waiting = {*unloaded, *(entry.key for entry in retries)}
    poisoned = await desk.state.entries(desk.room("poisoned"))
    standing = await read_standing(desk)
    spent = await _spent(desk, now_ms)
    usage = standing.usage.at(now_ms) if standing else None
    cause = standing.kill_switch.cause if standing else None
    return Health(
        now_ms=now_ms,
        started_ms=await _started_ms(desk, now_ms),
        scan_every_ms=desk.scan_every_ms(),
        last_scan_ms=heartbeat.value["at_ms"] if heartbeat else None,
        venues_down={v: (since, why) for v, (since, why) in recent.value["down"].items()} if recent else {},
        loads_waiting=len(waiting),
        oldest_load_ms=min(map(taken_ms, waiting), default=None),
        loads_poisoned=len(poisoned),
        profit_today=usage.counted_day_profit if usage else Decimal(0),
        drawdown=usage.counted_fall if usage else Decimal(0),
        kill_switch=f"tripped by {cause.by}: {cause.reason}" if cause else None,
        ai_usd=Decimal(spent["usd"]),
        ai_tokens=spent["tokens"],
    )


async def _spent(desk: Desk, now_ms: int) -> dict[str, Any]:
    """What the model used this UTC day: tokens and USD."""
    entry = await desk.state.get(desk.room("ai"), "spending")
    today = iso(now_ms)[:10]
    return entry.value if entry and entry.value["day"] == today else {"tokens": 0, "usd": "0"}


async def _started_ms(desk: Desk, now_ms: int) -> int:
    """When the watchdog made its first round: before it, no scan can be missed."""
    entry = await desk.state.get(desk.room("watchdog"), "started")
    if entry is None:
        await desk.state.replace(desk.room("watchdog"), "started", {"at_ms": now_ms})
        return now_ms
    return int(entry.value["at_ms"])
