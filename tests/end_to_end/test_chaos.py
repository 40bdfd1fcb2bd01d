"""Killed at random under a failing database and unruly messages: nothing is lost, nothing is booked twice."""

import asyncio
import os
import random
import signal
import sqlite3
import sys
from collections import Counter
from contextlib import asynccontextmanager, closing

from shared import composition, upkeep
from tests.end_to_end import unruly
from tests.end_to_end.auditing import (
    assert_balances_equal_the_fills,
    assert_every_blob_is_loaded_once,
    assert_every_opportunity_is_traded_once,
)
from tests.end_to_end.conftest import ROOT, running

KILLS = int(os.environ.get("KILLS", "10"))
LONGEST_LIFE_S = 1.2
# Kraken takes one request a second: without it a scan takes as long as its work, and more of it is hit.
QUICK = {
    "VENUES": "binance,bybit,gateio",
    "LATENCY_MEDIAN_MS": "30",
    "BOOKS_WITHIN_MS": "300",
    "MAX_BOOKS_PER_SCAN": "20",
}
SCAN_LIMIT_S = 20


class Victims:
    """Starts and kills one product process after the other."""

    def __init__(self, process):
        self._process = process

    async def start(self, seed):
        return int(await self._ask(f"start {seed}"))

    async def kill(self, pid):
        os.kill(pid, signal.SIGKILL)
        assert await self._ask("bury") == "True", "it had ended by itself"

    async def _ask(self, line):
        self._process.stdin.write(f"{line}\n".encode())
        return (await self._process.stdout.readline()).decode().strip()


@asynccontextmanager
async def victims(diary):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        unruly.__name__,
        str(diary),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield Victims(process)
    finally:
        process.stdin.close()
        await process.wait()


async def one_more_scan(data_dir):
    """Wait for a scan in the lake, if one comes in time."""
    folder = data_dir / "lake" / "simulated" / "scans"
    before = len(list(folder.rglob("*.gz")))
    for _ in range(SCAN_LIMIT_S * 50):
        if len(list(folder.rglob("*.gz"))) > before:
            return
        await asyncio.sleep(0.02)


def failed_workflows(data_dir):
    with closing(sqlite3.connect(data_dir / "localhost.db")) as connection:
        return connection.execute("SELECT id, output FROM instances WHERE status = 'Failed'").fetchall()


async def settle(product):
    """Let the watchdog find everything that was left behind, and finish it."""
    for _ in range(3):
        await product.host.invoke_timer("watchdog_timer")
        await product.host.drain(60)
        await asyncio.sleep(0.5)


async def test_killed_under_a_failing_database_it_loses_no_scan_and_books_no_trade_twice(
    environment, venues, tmp_path, monkeypatch
):
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    chance = random.Random(7)
    diary = tmp_path / "diary"
    async with victims(diary) as product:
        for kill in range(KILLS):
            pid = await product.start(kill)
            if chance.random() < 0.7:
                await one_more_scan(environment)
            await asyncio.sleep(chance.uniform(0, LONGEST_LIFE_S))
            await product.kill(pid)

    monkeypatch.setattr(upkeep, "SETTLING_MS", 0)
    async with running(environment) as product:
        await product.host.drain(60)
        await settle(product)
        desk = await composition.desk()
        for room in ("poisoned", "retries", "pending"):
            assert not await desk.state.entries(desk.room(room)), room
        assert not product.host.poisoned_messages()
    told = diary.read_text().splitlines()
    assert not [line for line in told if line.startswith(unruly.UNEXPECTED)]
    faults = Counter(told)
    assert all(faults[kind] for kind in (unruly.BUSY, unruly.DROPPED, unruly.UNHEARD)), faults
    assert len(product.blobs("scans")) >= KILLS / 2
    assert product.rows("SELECT * FROM fills")
    assert not failed_workflows(environment)
    assert_every_blob_is_loaded_once(environment)
    assert_every_opportunity_is_traded_once(environment)
    assert_balances_equal_the_fills(environment)
