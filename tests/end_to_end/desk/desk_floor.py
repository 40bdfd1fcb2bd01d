"""A desk without its host, on simulated venues at a fixed moment, and what a test breaks about it."""

import asyncio
import gzip
import json
import shutil
from dataclasses import replace

from shared import steps
from shared.adapters.embedded import FileLake, SqliteState
from shared.domain.trade import Decision
from tests.end_to_end.auditing import read_batches

MOMENT_MS = 1_795_351_040_000
"""2026-11-22 12:37:20 UTC, when the simulated market of seed 1 holds six opportunities on watched assets."""


class MarketTime:
    """Time that stands still but for those who sleep; `meanwhile` runs once, in the next sleep."""

    def __init__(self):
        self.ms = MOMENT_MS
        self.meanwhile = None

    def now_ms(self):
        return self.ms

    async def sleep_until(self, time_ms):
        work, self.meanwhile = self.meanwhile, None
        if work is not None:
            await work()
        self.ms = max(self.ms, time_ms)
        await asyncio.sleep(0)


class Crash(BaseException):
    """The process dies here."""


class Brittle:
    """A port that dies at a write, before or after it; ports share the count."""

    def __init__(self, port, fuse):
        self._port = port
        self._fuse = fuse

    def __getattr__(self, name):
        method = getattr(self._port, name)
        if name not in {"write", "put", "replace", "delete"}:
            return method

        async def guarded(*given):
            self._fuse["left"] -= 1
            if self._fuse["left"] == 0 and self._fuse["when"] == "before":
                raise Crash
            answer = await method(*given)
            if self._fuse["left"] == 0:
                raise Crash
            return answer

        return guarded


class BrokenAnalyst:
    async def judge(self, _facts):
        raise RuntimeError("no such luck")


def brittle(desk, write, when):
    fuse = {"left": write, "when": when}
    return replace(desk, lake=Brittle(desk.lake, fuse), state=Brittle(desk.state, fuse))


def elsewhere(desk, source, folder):
    """The desk on a copy of its data."""
    shutil.copytree(source, folder)
    return replace(desk, lake=FileLake(folder / "lake"), state=SqliteState(folder / "state.db"))


async def scanned(desk):
    found = await steps.scan(desk, steps.ScanRequest("timer"))
    assert len(found.opportunities) >= 3
    return found


async def decided(desk, found, **changes):
    """What `execute` is given; `changes` replace fields of every verdict."""
    work = found.work()
    verdicts = [
        await steps.analyze(desk, {**work, "opportunity_id": each, "rank": rank})
        for rank, each in enumerate(work["opportunities"])
    ]
    return {**work, "verdicts": [{**verdict, **changes} for verdict in verdicts]}


async def approved(desk, found):
    return await decided(desk, found, decision=Decision.APPROVE.value, confidence="0.9")


async def traded(desk, given):
    """The scan's trades, recorded."""
    execution = await steps.execute(desk, given)
    return (await steps.record(desk, {**given, "execution": execution["blob"]})).trades


async def rewrite(desk, found, change):
    """Change the payload of a scan's findings in the lake, as no scan would write it."""
    payload = json.loads(gzip.decompress(await desk.lake.read(found.blob)))
    change(payload)
    await desk.lake.write(found.blob, gzip.compress(json.dumps(payload).encode()))


def filled(trades):
    return [trade for trade in trades if trade["fills"]]


def recorded(data_dir, table):
    return [
        row for batch in read_batches(data_dir, "trades").values() for row in batch["rows"].get(table, [])
    ]
