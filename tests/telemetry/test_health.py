"""The watchdog's round over a real desk: what it measures, and what it tells of it."""

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest

from shared import composition, settings, upkeep
from shared.errors import TransientLoadError
from shared.health import measure
from shared.records import iso
from tests.telemetry.stored import NOON

BLOB = "simulated/scans/date=2026-11-22/hour=11/20261122T114000000Z-0a1b2c3d.json.gz"


class Receiver:
    """A notifier that keeps what it is sent."""

    def __init__(self):
        self.notes = []

    async def send(self, note):
        self.notes.append((note.alarm.name, note.state.value))


@pytest.fixture
async def desk(tmp_path):
    """A desk over simulated venues at noon, with a schedule of 15 s and a notifier."""
    made = composition.build(
        settings.read(
            {"SIMULATOR_URL": "http://127.0.0.1:9", "DATA_DIR": str(tmp_path), "MARKET": "simulated"}
        )
    )
    clock = SimpleNamespace(now=NOON)
    clock.now_ms = lambda: clock.now
    await made.warehouse.migrate()
    yield replace(made, clock=clock, notifier=Receiver(), scan_every_ms=lambda: 15_000)
    await made.warehouse.close()
    await made.state.close()


async def beat(desk, ago_ms=0):
    await desk.state.replace(
        desk.room("heartbeat"), "scan", {"at_ms": desk.clock.now - ago_ms, "scan_id": "s"}
    )


async def test_a_fresh_desk_is_well(desk):
    await upkeep.watch(desk)
    assert desk.notifier.notes == []


async def test_scans_that_stop_are_told_and_so_is_their_return(desk):
    await beat(desk)
    for minute in range(12):
        desk.clock.now = NOON + minute * 60_000
        if minute >= 5:
            await beat(desk)
        await upkeep.watch(desk)
    assert desk.notifier.notes == [("missing_scans", "raised"), ("missing_scans", "recovered")]


async def test_loads_pile_up_while_the_warehouse_is_down(desk):
    await beat(desk)
    retry = {"attempts": 7, "next_ms": NOON + 60_000, "error": "busy"}
    await desk.state.replace(desk.room("retries"), BLOB, retry)

    async def gone(_blobs):
        raise TransientLoadError("the database is down")

    desk.warehouse.loaded = gone
    await desk.lake.write(BLOB, b"a recorded scan")
    await upkeep.watch(desk)
    assert desk.notifier.notes == [("loads_piling_up", "raised")]


async def test_the_budget_counts_for_its_own_day_only(desk):
    spent = {"tokens": 400_000, "usd": "1.9", "reserved": {}, "failures": 0, "paused_until_ms": 0}
    await desk.state.replace(desk.room("ai"), "spending", {"day": iso(NOON - 86_400_000)[:10], **spent})
    assert (await measure(desk, unloaded=[])).ai_usd == 0
    await desk.state.replace(desk.room("ai"), "spending", {"day": iso(NOON)[:10], **spent})
    health = await measure(desk, unloaded=[])
    assert (health.ai_usd, health.ai_tokens) == (Decimal("1.9"), 400_000)
    await upkeep.watch(desk)
    assert desk.notifier.notes == [("budget_spent", "raised")]
