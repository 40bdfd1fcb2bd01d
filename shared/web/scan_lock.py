"""One manual scan at a time, whichever instance runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.desk import Desk
from shared.errors import ArbitrageError, Conflict

HELD_MS = 120_000
"""So long at most: whoever dies in a scan cannot free the lock."""

KEY = "manual-scan"


class ScanRunning(ArbitrageError):
    """Somebody else has the lock, until `until_ms` at the latest."""

    def __init__(self, until_ms: int) -> None:
        super().__init__("a manual scan is running")
        self.until_ms = until_ms


@asynccontextmanager
async def scan_lock(desk: Desk) -> AsyncIterator[None]:
    """The lock of manual scans, freed at the end unless it ran out and somebody else has it.

    Raises:
        ScanRunning: somebody else has it.
    """
    now_ms = desk.clock.now_ms()
    taken = {"until_ms": now_ms + HELD_MS}
    held = await desk.state.get(desk.room("locks"), KEY)
    if held is not None and held.value["until_ms"] > now_ms:
        raise ScanRunning(int(held.value["until_ms"]))
    try:
        await desk.state.put(desk.room("locks"), KEY, taken, held.etag if held else None)
    except Conflict:
        raise ScanRunning(taken["until_ms"]) from None
    try:
        yield
    finally:
        held = await desk.state.get(desk.room("locks"), KEY)
        if held is not None and held.value == taken:
            await desk.state.delete(desk.room("locks"), KEY)
