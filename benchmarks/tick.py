"""CPU of a tick beside the floor of fetching and decoding the same bytes, and beside ccxt's unified calls.

Run as `python -m benchmarks.tick`. A child process serves compressed answers of production size on loopback.
Each round measures, in every order in turn, the CPU time of this process for: a whole tick (fetch and map, screen,
encode and compress), aiohttp with orjson on the same four answers, and the four unified calls of ccxt. None pays
for the garbage of another. What a scan does besides, watching for frozen books, is shown apart.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import gzip
import itertools
import multiprocessing
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from benchmarks.venue_payloads import TIME_MS, payloads
from shared.adapters.embedded import SqliteState
from shared.adapters.venues import CcxtMarketData
from shared.adapters.venues.clients import readdressed
from shared.adapters.venues.imports import EXCHANGES
from shared.composition import BASE_TIER
from shared.domain.detection import candidates
from shared.domain.frozen import Packed, observe, pack, unpack
from shared.domain.market import VENUE_IDS, Snapshot, VenueMarket
from shared.domain.policy import DetectionPolicy
from shared.errors import VenueError
from shared.garbage import collection_paused
from shared.storing import packed

DATED = "/v5/market/tickers"
"""Whose answer carries the time at which it was made."""

SWEEPS = (
    "/api/v3/ticker/bookTicker",
    "/v5/market/tickers?category=spot",
    "/api/v4/spot/tickers",
    "/0/public/Ticker",
)
UNIFIED = {
    "binance": "fetch_bids_asks",
    "bybit": "fetch_tickers",
    "gate": "fetch_tickers",
    "kraken": "fetch_tickers",
}
ALLOWED = 2.0
WARM_UP = 3


class Clock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000

    async def sleep_until(self, time_ms: int) -> None:
        """Wait until then."""
        await asyncio.sleep(max(0, time_ms - self.now_ms()) / 1000)


def serve(seed: int, told: Connection) -> None:
    """Answer on a free port, told through the pipe, until the process is ended."""
    plain = payloads(seed)
    bodies = {path: gzip.compress(body, 6) for path, body in plain.items()}

    async def answer(request: web.Request) -> web.Response:
        body = bodies[request.path]
        if request.path == DATED:
            now = str(Clock().now_ms()).encode()
            body = gzip.compress(plain[DATED].replace(str(TIME_MS).encode(), now, 1), 6)
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return web.Response(body=body, headers=headers)

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        told.send(f"http://127.0.0.1:{runner.addresses[0][1]}")
        await asyncio.Event().wait()

    asyncio.run(run())


class Ticks:
    """The three ways to the same tops of book, and the CPU milliseconds of each stage of ours."""

    def __init__(self, base_url: str, folder: Path) -> None:
        self.base_url = base_url
        self.market = CcxtMarketData(SqliteState(folder / "state.db"), Clock(), base_url=base_url)
        self.session: aiohttp.ClientSession | None = None
        self.exchanges: dict[str, Any] = {}
        self.references: dict[str, Any] = {}
        self.stages: dict[str, list[float]] = {"fetch and map": [], "screen": [], "encode and compress": []}
        self.snapshot = Snapshot(0, {})
        self.memory: Packed = {}
        self.found = ""

    async def open(self) -> None:
        """Learn the instruments and make every connection."""
        self.references = dict(await self.market.reference(VENUE_IDS))
        failed = [item for item in self.references.values() if isinstance(item, VenueError)]
        if failed:
            raise failed[0]
        clients = self.market._connected()  # noqa: SLF001 - rounds must not wait for each other's rate limits
        for venue in VENUE_IDS:
            clients.quick(venue).exchange.enableRateLimit = False
        self.session = aiohttp.ClientSession(base_url=self.base_url)
        for name, make in EXCHANGES.items():
            exchange = make({"enableRateLimit": False, "options": {"fetchMarkets": {"types": ["spot"]}}})
            exchange.urls["api"] = readdressed(exchange, exchange.urls["api"], self.base_url, None)
            await exchange.load_markets()
            self.exchanges[name] = exchange

    async def close(self) -> None:
        """Let go of the connections."""
        await self.market.close()
        if self.session:
            await self.session.close()
        for exchange in self.exchanges.values():
            await exchange.close()

    async def product(self) -> None:
        """Fetch and map, screen, encode and compress, as a scan does it."""
        with collection_paused():
            await self._stages()

    async def _stages(self) -> None:
        marks = [time.process_time()]
        answers = await self.market.quotes(VENUE_IDS)
        marks.append(time.process_time())
        venues = {}
        for venue, answer in answers.items():
            if isinstance(answer, VenueError):
                raise answer
            taker_bps, fee_asset = BASE_TIER[venue]
            venues[venue] = VenueMarket(
                received_ms=answer.received_ms,
                taker_bps=taker_bps,
                fee_asset=fee_asset,
                instruments=self.references[venue].instruments,
                books=answer.books,
            )
        self.snapshot = Snapshot(Clock().now_ms(), venues, scan_id="benchmark", reference="benchmark")
        wanted = candidates(self.snapshot, DetectionPolicy())
        marks.append(time.process_time())
        blob = packed(self.snapshot)
        marks.append(time.process_time())
        for stage, began, ended in zip(self.stages.values(), marks, marks[1:], strict=False):
            stage.append((ended - began) * 1000)
        quotes = sum(len(market.books) for market in venues.values())
        self.found = (
            f"{quotes} quotes, {len(wanted)} books worth fetching, {len(blob) / 1000:.0f} kB to the lake"
        )

    async def watch(self) -> None:
        """Compare the tick's tops with the stored memory of them, and make the memory to store."""
        seen, _ = observe(unpack(self.memory), self.snapshot)
        self.memory = pack(seen)

    async def floor(self) -> None:
        """Aiohttp and orjson, nothing else."""
        assert self.session is not None  # noqa: S101 - open() made it

        async def get(path: str) -> Any:
            async with self.session.get(path) as response:
                return orjson.loads(await response.read())

        await asyncio.gather(*(get(path) for path in SWEEPS))

    async def unified(self) -> None:
        """Ccxt's own calls for the same quotes."""
        await asyncio.gather(*(getattr(self.exchanges[name], call)() for name, call in UNIFIED.items()))


async def cpu_ms(way: Callable[[], Awaitable[None]]) -> float:
    """CPU milliseconds of this process for one run, after a collection of what was left by others."""
    gc.collect()
    began = time.process_time()
    await way()
    return (time.process_time() - began) * 1000


async def measure(base_url: str, rounds: int) -> float:
    """Alternate the three ways and print medians; returns our CPU as a multiple of the floor's."""
    with tempfile.TemporaryDirectory() as folder:
        ticks = Ticks(base_url, Path(folder))
        await ticks.open()
        ways = {"tick": ticks.product, "aiohttp + orjson": ticks.floor, "ccxt unified": ticks.unified}
        taken: dict[str, list[float]] = {name: [] for name in ways}
        watching = []
        orders = itertools.cycle(itertools.permutations(ways))
        for round_number, order in zip(range(rounds + WARM_UP), orders, strict=False):
            for name in order:
                spent = await cpu_ms(ways[name])
                if round_number >= WARM_UP:
                    taken[name].append(spent)
            watching.append(await cpu_ms(ticks.watch))
        await ticks.close()
    floor = statistics.median(taken["aiohttp + orjson"])
    for name, spent in taken.items():
        middle = statistics.median(spent)
        print(f"{name:18} {middle:7.1f} ms  {middle / floor:5.2f} x the floor  (least {min(spent):.1f} ms)")
    for name, spent in ticks.stages.items():
        print(f"  of the tick: {name:20} {statistics.median(spent[WARM_UP:]):6.1f} ms")
    print(f"  {ticks.found}")
    print(f"  besides the tick: frozen books {statistics.median(watching[WARM_UP:]):6.1f} ms")
    ratios = [tick / low for tick, low in zip(taken["tick"], taken["aiohttp + orjson"], strict=True)]
    return statistics.median(ratios)


def main() -> int:
    """Exit code 1 if a tick costs more than twice the floor."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tick", description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(wanted.seed, theirs), daemon=True)
    server.start()
    print(
        f"Python {platform.python_version()} on {platform.machine()}, median of {wanted.rounds} rounds, CPU time"
    )
    ratio = asyncio.run(measure(ours.recv(), wanted.rounds))
    server.terminate()
    verdict = "within" if ratio <= ALLOWED else "ABOVE"
    print(
        f"a tick costs {ratio:.2f} x aiohttp + orjson (median of the rounds' ratios), {verdict} {ALLOWED} x"
    )
    return 0 if ratio <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
