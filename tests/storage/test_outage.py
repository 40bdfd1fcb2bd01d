"""An hour without the database, on a clock of its own: nothing is lost, nothing is poisoned, all of it catches up."""

import contextlib
import sqlite3

import pytest
from sqlalchemy import Engine, event

from shared import composition, evidence, inline, loading, settings, steps, upkeep
from shared.domain.market import Snapshot
from shared.errors import VenueRateLimited, VenueTimeout
from simulator.market import World
from simulator.server import SimulatorServer, wall_clock_ms
from tests.end_to_end.auditing import (
    assert_balances_equal_the_fills,
    assert_every_blob_is_loaded_once,
    assert_every_opportunity_is_traded_once,
)

MINUTE_MS = 60_000
SCAN_EVERY = 10
OUTAGE_MINUTES = 60
CATCH_UP_MINUTES = 20  # the longest back-off, and the settling time of the last scan


class PassingTime:
    def __init__(self):
        self.at_ms = wall_clock_ms()

    def now_ms(self):
        return self.at_ms

    async def sleep_until(self, time_ms):
        self.at_ms = max(self.at_ms, time_ms)


@pytest.fixture
async def clock(monkeypatch):
    passing = PassingTime()
    monkeypatch.setattr(composition, "SystemClock", lambda: passing)
    return passing


@pytest.fixture
async def desk(monkeypatch, tmp_path, clock):
    async with SimulatorServer(World(1), clock=clock.now_ms) as venues:
        for name, value in {
            "MARKET": "simulated",
            "SIMULATOR_URL": venues.base_url,
            "DATA_DIR": str(tmp_path),
            "VENUES": "binance,bybit,gateio",  # Kraken takes one request a second
            "MAX_BOOKS_PER_SCAN": "10",
            "BOOKS_WITHIN_MS": "200",
            "MIN_PROFIT": "0",
        }.items():
            monkeypatch.setenv(name, value)
        made = composition.build(settings.read())
        yield made
        await composition.close(made)


@contextlib.contextmanager
def away():
    """Whoever connects to a database is refused."""

    def refuse(*_args):
        raise sqlite3.OperationalError("unable to open database file")

    event.listen(Engine, "do_connect", refuse)
    try:
        yield
    finally:
        event.remove(Engine, "do_connect", refuse)


class Day:
    """Plays the host: timers by the minute, each message delivered once, in order."""

    def __init__(self, desk, clock):
        self._desk = desk
        self._clock = clock
        self.scans = 0

    async def pass_minutes(self, minutes, *, scanning):
        for minute in range(minutes):
            if scanning and minute % SCAN_EVERY == 0:
                await self._scan()
            left = await upkeep.watch(self._desk)
            for message in left.load_messages:
                assert await loading.load(self._desk, message)
            for work in left.workflows:
                await self._trade(work)
            self._clock.at_ms += MINUTE_MS

    async def _scan(self):
        found = await steps.scan(self._desk, steps.ScanRequest("timer"))
        self.scans += 1
        assert await loading.load(self._desk, found.load_message())
        if found.opportunities:
            await self._trade(found.work())

    async def _trade(self, work):
        async def record(given):
            recorded = await steps.record(self._desk, given)
            assert await loading.load(self._desk, recorded.load_message())
            return recorded.trades

        await inline.run_workflow(
            work,
            {
                "analyze": lambda given: steps.analyze(self._desk, given),
                "execute": lambda given: steps.execute(self._desk, given),
                "record": record,
            },
        )


async def waiting(desk, room):
    return await desk.state.entries(desk.room(room))


async def test_an_hours_outage_of_the_database_loses_and_poisons_nothing(desk, clock, tmp_path, monkeypatch):
    monkeypatch.setattr("shared.adapters.sql.warehouse._RETRY_SECONDS", (0.001,))
    day = Day(desk, clock)
    await day.pass_minutes(1, scanning=True)
    loaded_before = len(await desk.warehouse.select("load_ledger", {}, [], 100))
    assert loaded_before

    await desk.warehouse.close()
    with away():
        await day.pass_minutes(OUTAGE_MINUTES, scanning=True)
        held = await waiting(desk, "retries")
        assert len(held) >= OUTAGE_MINUTES / SCAN_EVERY
        assert max(entry.value["attempts"] for entry in held) <= 10
        assert all("unable to open database file" in entry.value["error"] for entry in held)
        (alarms,) = await waiting(desk, "alarms")
        assert "loads_piling_up" in alarms.value
    assert not await waiting(desk, "poisoned")

    await day.pass_minutes(CATCH_UP_MINUTES, scanning=False)
    for room in ("retries", "poisoned", "pending"):
        assert not await waiting(desk, room), room
    await desk.warehouse.close()
    assert day.scans == 1 + OUTAGE_MINUTES / SCAN_EVERY
    assert_every_blob_is_loaded_once(tmp_path)
    assert_every_opportunity_is_traded_once(tmp_path)
    assert_balances_equal_the_fills(tmp_path)


async def test_a_database_that_was_put_back_is_filled_again_from_the_lake(desk, clock, tmp_path):
    day = Day(desk, clock)
    await day.pass_minutes(1, scanning=True)
    await desk.warehouse.close()
    backup = (tmp_path / "warehouse.db").read_bytes()
    await day.pass_minutes(2 * SCAN_EVERY, scanning=True)
    clock.at_ms += 5 * 60 * MINUTE_MS
    await day.pass_minutes(2, scanning=False)
    mark = await desk.state.get(desk.room("watchdog"), "loads")
    assert clock.at_ms - mark.value["since_ms"] < 3 * 60 * MINUTE_MS, "the scans are behind the mark"

    await desk.warehouse.close()
    for file in tmp_path.glob("warehouse.db*"):
        file.unlink()
    (tmp_path / "warehouse.db").write_bytes(backup)
    await day.pass_minutes(1, scanning=False)
    await desk.warehouse.close()
    assert day.scans == 3
    assert_every_blob_is_loaded_once(tmp_path)
    assert_every_opportunity_is_traded_once(tmp_path)


async def test_a_long_absence_is_caught_up_with_a_bounded_number_of_messages_a_round(
    desk, clock, monkeypatch
):
    monkeypatch.setattr(upkeep, "LOADS_A_ROUND", 2)
    for _ in range(3):
        await steps.scan(desk, steps.ScanRequest("timer"))
    clock.at_ms += 2 * MINUTE_MS
    first = (await upkeep.watch(desk)).load_messages
    assert len(first) == 2
    for message in first:
        assert await loading.load(desk, message)
    assert len((await upkeep.watch(desk)).load_messages) == 1


async def test_what_our_rate_limit_kept_from_a_venue_is_no_failure_of_it(desk, clock):
    tops = Snapshot(clock.now_ms(), {}, "a-scan")
    limited = VenueRateLimited("kraken", "our rate limit left no room for tops of book within 1.5 s")
    silent = VenueTimeout("bybit", "no tops of book within 1.5 s")
    memory = await evidence.remember(desk, tops, {"kraken": limited, "bybit": silent}, whole=True)
    assert memory.venues == {"bybit": [None]}
    assert set((await desk.state.get(desk.room("memory"), "recent")).value["down"]) == {"bybit"}
