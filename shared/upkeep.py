"""What keeps the desk in order: what crashes left behind, what is too old, and whether all is well."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.alerting import alert
from shared.desk import Desk
from shared.errors import TransientLoadError
from shared.health import measure
from shared.records import taken_ms
from shared.scans import load_message
from shared.unloaded import recorded, without_ledger

log = logging.getLogger("arbitrage")

SETTLING_MS = 60_000
"""A scan is left alone this long: its messages and its workflow are probably under way."""

GIVEN_UP_MS = 3_600_000
"""A workflow that cannot be brought to its end is started again this long."""

LOADS_A_ROUND = 500
"""The most messages of a round: what is not loaded by the next one is sent again."""

LOOK_BACK_MS = 48 * 3_600_000
HOUR_MS = 3_600_000
STATE_KEPT_MS = 48 * HOUR_MS
MARKET_DATA_KEPT_MS = 30 * 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Left:
    """What crashes left behind: loads to queue again and workflows to start."""

    load_messages: list[str]
    workflows: list[dict[str, Any]]


async def watch(desk: Desk) -> Left:
    """Find recorded scans whose load or workflow nobody is at, raise alarms, sweep what is too old."""
    with desk.metrics.span("watch"):
        unloaded = await _unloaded(desk)
        left = Left(await _to_load_again(desk, unloaded), await _unstarted(desk))
        await alert(
            await measure(desk, unloaded=unloaded),
            desk.alarm_limits,
            state=desk.state,
            room=desk.room("alarms"),
            metrics=desk.metrics,
            notifier=desk.notifier,
        )
        await _sweep(desk)
        return left


async def compact(desk: Desk) -> None:
    """Turn finished hours into Parquet and drop what is older than its retention."""
    with desk.metrics.span("compact"):
        await desk.compact(desk.clock.now_ms())
        await desk.warehouse.purge_market_data(desk.clock.now_ms() - MARKET_DATA_KEPT_MS)


def old_workflows(desk: Desk) -> dict[str, datetime]:
    """The histories to purge, as the Durable client takes them."""
    until = datetime.fromtimestamp((desk.clock.now_ms() - STATE_KEPT_MS) / 1000, UTC)
    return {"created_time_from": datetime(2020, 1, 1, tzinfo=UTC), "created_time_to": until}


async def _unloaded(desk: Desk) -> list[str]:
    """Recorded blobs that are old enough to be in the warehouse and are not.

    Hours whose blobs were all loaded are not looked at again. The newest blob seen loaded is remembered: a warehouse
    that no longer has it was put back to an earlier time, and everything is looked at anew.
    """
    now_ms = desk.clock.now_ms()
    entry = await desk.state.get(desk.room("watchdog"), "loads")
    seen = entry.value if entry else {}
    newest = seen.get("newest")
    try:
        put_back = newest is not None and bool(await without_ledger(desk, [newest]))
        complete_ms = now_ms - LOOK_BACK_MS
        if not put_back:
            complete_ms = max(complete_ms, seen.get("since_ms", 0))
        missing: list[str] = []
        for hour in range(complete_ms // HOUR_MS, now_ms // HOUR_MS + 1):
            names = await recorded(desk, hour * HOUR_MS)
            lacking = await without_ledger(desk, names)
            missing += lacking
            newest = max({*names} - {*lacking}, key=taken_ms, default=newest)
            if not missing and hour < now_ms // HOUR_MS - 1:
                complete_ms = (hour + 1) * HOUR_MS
    except TransientLoadError:
        return []
    settled = [name for name in missing if now_ms - taken_ms(name) >= SETTLING_MS]
    await desk.state.replace(
        desk.room("watchdog"), "loads", {"since_ms": complete_ms, "missing": len(settled), "newest": newest}
    )
    return settled


async def _to_load_again(desk: Desk, unloaded: list[str]) -> list[str]:
    """Messages for those that no back-off holds and that are not poisoned.

    What waited its back-off out is sent whether or not it is missing: another message may have loaded it while
    this one failed, and only a load that finds it so forgets the back-off.
    """
    now_ms = desk.clock.now_ms()
    retries = await desk.state.entries(desk.room("retries"))
    due = [entry.key for entry in retries if entry.value["next_ms"] <= now_ms]
    held = {entry.key for entry in retries if entry.value["next_ms"] > now_ms}
    held |= {entry.key for entry in await desk.state.entries(desk.room("poisoned"))}
    again = [name for name in dict.fromkeys([*due, *unloaded]) if name not in held]
    return [load_message(name, None) for name in again[:LOADS_A_ROUND]]


async def _unstarted(desk: Desk) -> list[dict[str, Any]]:
    """Inputs of workflows that a recorded scan intended and that are not done.

    One that fails for an hour is given up: its scan stays recorded, and the log tells.
    """
    now_ms = desk.clock.now_ms()
    works = []
    for entry in await desk.state.entries(desk.room("pending")):
        waited_ms = now_ms - entry.value["since_ms"]
        if waited_ms < SETTLING_MS:
            continue
        recorded = await desk.lake.exists(entry.value["batch"])
        if recorded and waited_ms < GIVEN_UP_MS:
            works.append(entry.value["work"])
            continue
        if recorded:
            log.error("the workflow of scan %s failed for an hour and is given up", entry.key)
        await desk.state.delete(desk.room("pending"), entry.key)
    return works


async def _sweep(desk: Desk) -> None:
    """Drop the status of scans that are too old to be asked for; the lake and the warehouse keep them."""
    limit_ms = desk.clock.now_ms() - STATE_KEPT_MS
    mark = await desk.state.get(desk.room("watchdog"), "sweep")
    if mark and mark.value["at_ms"] > desk.clock.now_ms() - HOUR_MS:
        return
    for entry in await desk.state.entries(desk.room("scans")):
        if entry.value["at_ms"] >= limit_ms:
            continue
        for verdict in await desk.state.entries(desk.room("verdicts"), f"{entry.key}."):
            await desk.state.delete(desk.room("verdicts"), verdict.key)
        await desk.state.delete(desk.room("executions"), entry.key)
        await desk.state.delete(desk.room("scans"), entry.key)
    await desk.state.replace(desk.room("watchdog"), "sweep", {"at_ms": desk.clock.now_ms()})
