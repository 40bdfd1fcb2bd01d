"""What a scan costs in CPU, memory and storage operations, and what that makes a month at three schedules.

Run as `python -m benchmarks.costs [--scans 20]`. Scans, their workflows and loads run in process against the
simulated venues; every call of the lake, the state and the queue is counted. Nothing is billed here: the counts
are measured, and docs/deploy.md multiplies them by prices.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from typing import Any

from shared import composition, inline, loading, settings, steps
from shared.adapters.simulated_venues import simulated_venues
from shared.scans import ScanRequest

SCHEDULES_S = (15, 30, 60)
MONTH_S = 365 * 86_400 / 12


class Counted:
    """A port whose calls are counted by name; bytes written as well."""

    def __init__(self, port: Any, kind: str, counts: Counter[str]) -> None:
        self._port, self._kind, self._counts = port, kind, counts

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found) or name == "close":
            return found

        def call(*given: Any, **named: Any) -> Any:
            self._counts[f"{self._kind} {name}"] += 1
            if name == "write":
                self._counts["lake bytes"] += len(given[1])
            return found(*given, **named)

        return call


async def measure(scans: int) -> None:
    """Print what a scan costs on average, and its multiples."""
    counts: Counter[str] = Counter()
    trades = 0
    with tempfile.TemporaryDirectory() as folder:
        async with simulated_venues(1) as url:
            chosen = replace(settings.read({}), simulator_url=url, data_dir=folder)
            made = composition.build(chosen)
            desk = replace(
                made, lake=Counted(made.lake, "lake", counts), state=Counted(made.state, "state", counts)
            )
            await steps.refresh_markets(desk)
            await steps.scan(desk, ScanRequest("command"))
            counts.clear()
            cpu, wall, waited = time.process_time(), time.perf_counter(), 0.0
            for _ in range(scans):
                await asyncio.sleep(5)
                waited += 5
                trades += await one(desk)
            cpu_s = (time.process_time() - cpu) / scans
            wall_s = (time.perf_counter() - wall - waited) / scans
            await composition.close(made)
    print(f"{scans} scans, {trades} opportunities executed, Python {sys.version.split()[0]}")
    print(f"a scan: {cpu_s:.2f} s of CPU, {wall_s:.2f} s in all, with its workflow and its loads")
    print(f"largest memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    for name, count in sorted(counts.items()):
        print(f"  {name:16} {count / scans:10.1f} a scan")
    tables = sum(count for name, count in counts.items() if name.startswith("state"))
    blobs = sum(counts[f"lake {name}"] for name in ("read", "write", "exists", "delete", "names"))
    for every_s in SCHEDULES_S:
        month = MONTH_S / every_s
        print(
            f"every {every_s} s: {month:,.0f} scans a month, {month * wall_s:,.0f} s of running, "
            f"{tables / scans * month / 1e6:.1f} M table calls, {blobs / scans * month / 1e6:.2f} M blob calls, "
            f"{counts['lake bytes'] / scans * month / 1e9:.1f} GB written"
        )


async def one(desk: Any) -> int:
    """One scan with its workflow and its loads; how many opportunities it executed."""
    found = await steps.scan(desk, ScanRequest("command"))
    await loading.load(desk, found.load_message())
    if not found.opportunities:
        return 0

    async def record(work: dict[str, Any]) -> list[dict[str, Any]]:
        recorded = await steps.record(desk, work)
        await loading.load(desk, recorded.load_message())
        return recorded.trades

    done = await inline.run_workflow(
        found.work(),
        {
            "analyze": lambda work: steps.analyze(desk, work),
            "execute": lambda work: steps.execute(desk, work),
            "record": record,
        },
    )
    return len(done["trades"])


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs", description=__doc__)
    parser.add_argument("--scans", type=int, default=20)
    asyncio.run(measure(parser.parse_args().scans))
    return 0


if __name__ == "__main__":
    sys.exit(main())
