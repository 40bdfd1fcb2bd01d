"""What scans and the rounds beside them cost in time, memory, storage operations and telemetry.

    python -m benchmarks.costs [--scans 30] [--record]
    python -m benchmarks.costs --tables

Scans with their workflows and loads, rounds of the watchdog, answers to health checks and a compaction run in process
against the simulated venues; every call of lake and state is counted, and the real exporter of Application Insights
sends its telemetry to a receiver on loopback. `--record` keeps the quantities in benchmarks/costs.json; `--tables`
prints the tables of docs/deploy.md from there.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import resource
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks import cost_tables
from shared import composition, inline, loading, settings, steps, upkeep
from shared.adapters.embedded import FileLake
from shared.adapters.parquet import compact
from shared.adapters.simulated_venues import simulated_venues
from shared.scans import ScanRequest
from shared.web import endpoints

RECORDED = Path(__file__).with_name("costs.json")
PAUSE_S = 3.0
"""Between scans, so that the simulated market moves."""

HOUR_MS = 3_600_000


class Receiver:
    """Application Insights' ingestion on loopback: it keeps what it is sent until it is weighed."""

    def __init__(self) -> None:
        self._taken: list[bytes] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                packed = self.headers.get("Content-Encoding") == "gzip"
                receiver._taken.append(gzip.decompress(body) if packed else body)
                answer = b'{"itemsReceived":1,"itemsAccepted":1,"errors":[]}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        address = f"http://127.0.0.1:{self._server.server_port}/"
        self.connection = (
            f"InstrumentationKey=00000000-0000-4000-8000-000000000001;IngestionEndpoint={address}"
        )
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def weigh(self) -> dict[str, int]:
        """Bytes of what came since the last time: metrics, and everything else."""
        taken, self._taken = self._taken, []
        bytes_of = {"metric_bytes": 0, "telemetry_bytes": 0}
        for body in taken:
            for envelope in json.loads(body):
                metric = envelope["data"]["baseType"] == "MetricData"
                size = len(json.dumps(envelope, separators=(",", ":")))
                bytes_of["metric_bytes" if metric else "telemetry_bytes"] += size
        return bytes_of

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class Ledger:
    """What each kind of work used, in sums."""

    def __init__(self, receiver: Receiver) -> None:
        self.sums: dict[str, Counter[str]] = defaultdict(Counter)
        self.now = ""
        self._receiver = receiver

    def count(self, what: str, amount: float = 1) -> None:
        """Add to the work that is under way."""
        self.sums[self.now][what] += amount  # type: ignore[assignment]  # sums of seconds too

    @contextmanager
    def of(self, kind: str, metrics: Any) -> Iterator[None]:
        """Charge what happens inside to `kind`; its telemetry is sent before the next begins."""
        self.now = kind
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.count("seconds", time.perf_counter() - wall)
        self.count("cpu_seconds", time.process_time() - cpu)
        self.count("runs")
        metrics.flush()
        for what, size in self._receiver.weigh().items():
            self.count(what, size)
        self.now = ""

    def means(self) -> dict[str, dict[str, float]]:
        """By kind, what one run used."""
        return {
            kind: {what: round(sums[what] / sums["runs"], 3) for what in sorted(sums) if what != "runs"}
            for kind, sums in self.sums.items()
            if sums["runs"]
        }


class CountedLake(FileLake):
    """A lake of files that counts its calls as the blob service bills them: a listing for each folder."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        super().__init__(folder)
        self._ledger = ledger

    async def write(self, name: str, data: bytes) -> None:
        """Count, and write."""
        self._ledger.count("blob_writes")
        self._ledger.count(f"bytes_{name.split('/')[1]}", len(data))
        await super().write(name, data)

    async def read(self, name: str) -> bytes:
        """Count, and read."""
        self._ledger.count("blob_reads")
        return await super().read(name)

    async def exists(self, name: str) -> bool:
        """Count a look at its properties, and look."""
        self._ledger.count("blob_reads")
        return await super().exists(name)

    async def _list(self, folder: str) -> tuple[list[str], list[str]]:
        self._ledger.count("blob_lists")
        return await super()._list(folder)


class CountedState:
    """A state whose calls are counted; each is one call of the table service."""

    def __init__(self, state: Any, ledger: Ledger) -> None:
        self._state, self._ledger = state, ledger

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._state, name)

        def call(*given: Any, **named: Any) -> Any:
            self._ledger.count("table_calls")
            return found(*given, **named)

        return found if name == "close" else call


async def measure(scans: int) -> dict[str, Any]:
    """What a run of each kind of work uses on average."""
    receiver = Receiver()
    ledger = Ledger(receiver)
    traded = analysed = 0
    with tempfile.TemporaryDirectory() as folder:
        async with simulated_venues(1) as url:
            chosen = replace(
                settings.read({"AZURE_APPLICATION_INSIGHTS_CONNECTION_STRING": receiver.connection}),
                simulator_url=url,
                data_dir=folder,
            )
            made = composition.build(chosen)
            lake = CountedLake(chosen.folder / "lake", ledger)
            desk = replace(made, lake=lake, state=CountedState(made.state, ledger))
            await steps.refresh_markets(desk)
            await one(desk, ledger)
            await upkeep.watch(desk)
            desk.metrics.flush()  # type: ignore[attr-defined]  # what sends can send at once
            receiver.weigh()
            ledger.sums.clear()
            for _ in range(scans):
                await asyncio.sleep(PAUSE_S)
                opportunities = await one(desk, ledger)
                traded += opportunities > 0
                analysed += opportunities
                await aside(desk, ledger)
            with ledger.of("compact", desk.metrics):
                await compact(lake, desk.market, desk.clock.now_ms() + 2 * HOUR_MS)
            await composition.close(made)
    receiver.close()
    return {
        "python": sys.version.split()[0],
        "scans": scans,
        "traded_share": round(traded / scans, 3),
        "analyses": round(analysed / max(traded, 1), 2),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "runs": ledger.means(),
    }


async def aside(desk: Any, ledger: Ledger) -> None:
    """What runs beside the scans."""

    async def ready() -> Any:
        return desk

    with ledger.of("watchdog", desk.metrics):
        await upkeep.watch(desk)
    with ledger.of("health", desk.metrics):
        await endpoints.health(ready)
    if not ledger.sums["markets"]:
        with ledger.of("markets", desk.metrics):
            await steps.refresh_markets(desk)


async def one(desk: Any, ledger: Ledger) -> int:
    """One scan with its workflow and its loads; how many opportunities its workflow analysed."""
    with ledger.of("scan", desk.metrics):
        found = await steps.scan(desk, ScanRequest("timer"))
    with ledger.of("load", desk.metrics):
        await loading.load(desk, found.load_message())
    if not found.opportunities:
        return 0

    judging = ExitStack()  # the analyses run at once: together they are one period of the host

    async def execute(work: dict[str, Any]) -> dict[str, str]:
        judging.close()
        with ledger.of("execute", desk.metrics):
            return await steps.execute(desk, work)

    async def record(work: dict[str, Any]) -> list[dict[str, Any]]:
        with ledger.of("record", desk.metrics):
            recorded = await steps.record(desk, work)
        with ledger.of("load", desk.metrics):
            await loading.load(desk, recorded.load_message())
        return recorded.trades

    judging.enter_context(ledger.of("analyze", desk.metrics))
    await inline.run_workflow(
        found.work(),
        {"analyze": lambda work: steps.analyze(desk, work), "execute": execute, "record": record},
    )
    return len(found.opportunities)


def main() -> int:
    """Measure, or print the tables from what was recorded."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.costs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--scans", type=int, default=30)
    parser.add_argument("--record", action="store_true", help=f"keep the quantities in {RECORDED.name}")
    parser.add_argument("--tables", action="store_true", help="print the tables from the recorded quantities")
    asked = parser.parse_args()
    if not asked.tables:
        found = asyncio.run(measure(asked.scans))
        text = json.dumps(found, indent=1) + "\n"
        if asked.record:
            RECORDED.write_text(text, encoding="utf-8")
        print(text)
        return 0
    print("\n\n".join(cost_tables.told(json.loads(RECORDED.read_text(encoding="utf-8")))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
