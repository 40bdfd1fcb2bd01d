"""A loopback server that answers as the venues do, recorded bodies, and the adapter in front of them."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from shared.adapters.embedded import SqliteState
from shared.adapters.venues import CcxtMarketData

DATA = Path(os.environ.get("REAL_DATA_DIR", Path(__file__).parents[2] / ".." / "shared" / "data"))


class WallClock:
    def now_ms(self):
        return int(time.time() * 1000)


class CountingState(SqliteState):
    """The embedded state, counting how often the cool-downs are read."""

    def __init__(self, path):
        super().__init__(path)
        self.reads = 0

    async def entries(self, partition, prefix=""):
        self.reads += 1
        return await super().entries(partition, prefix)


@dataclass
class Reply:
    """One HTTP answer; `cut` closes the connection after so many bytes, `delay_s` waits before it."""

    body: object = b""
    status: int = 200
    headers: dict = field(default_factory=dict)
    content_type: str = "application/json"
    cut: int | None = None
    delay_s: float = 0.0

    @property
    def raw(self):
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


class Venues:
    """All four venues on one port. A path answers with its replies in turn, the last one for ever."""

    def __init__(self):
        self.replies = {}
        self.requests = defaultdict(list)
        self.url = ""

    def serve(self, path, *replies):
        self.replies[path] = [r if isinstance(r, Reply) else Reply(r) for r in replies]

    def count(self, path):
        return len(self.requests[path])

    async def answer(self, request):
        self.requests[request.path].append(request)
        await request.read()
        replies = self.replies.get(request.path)
        if not replies:
            return web.json_response({"error": "no such path"}, status=404)
        reply = replies[0] if len(replies) == 1 else replies.pop(0)
        await asyncio.sleep(reply.delay_s)
        headers = {"Content-Type": reply.content_type, **reply.headers}
        if reply.cut is None:
            return web.Response(body=reply.raw, status=reply.status, headers=headers)
        response = web.StreamResponse(status=reply.status, headers=headers)
        response.content_length = len(reply.raw)
        await response.prepare(request)
        await response.write(reply.raw[: reply.cut])
        request.transport.close()
        return response


@pytest.fixture
def reply():
    return Reply


@pytest.fixture
async def venues():
    served = Venues()
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", served.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield served
    await runner.cleanup()


@pytest.fixture
def state(tmp_path):
    return CountingState(tmp_path / "state.db")


@pytest.fixture
def clock():
    return WallClock()


@pytest.fixture
async def connect(venues, state, clock):
    """Make adapters in front of the loopback venues; they are closed after the test."""
    made = []

    def make(**settings):
        made.append(CcxtMarketData(state, clock, **{"base_url": venues.url, "time_out_ms": 2000, **settings}))
        return made[-1]

    yield make
    for market in made:
        await market.close()


@pytest.fixture
def market(connect):
    return connect()


@pytest.fixture
def listed(venues, connect, small_market):
    """Lets Binance or Kraken list so many instruments: an adapter that knows them, and their pairs."""

    async def list_on(venue, count, **settings):
        names = [f"A{n}" for n in range(count)]
        if venue == "binance":
            quote, row = "USDT", small_market["/api/v3/exchangeInfo"]["symbols"][0]
            rows = [{**row, "symbol": f"{name}USDT", "baseAsset": name} for name in names]
            venues.serve("/api/v3/exchangeInfo", {"symbols": rows})
        else:
            quote, pair = "USD", small_market["/0/public/AssetPairs"]["result"]["XXBTZUSD"]
            pairs = {f"{name}USD": {**pair, "altname": f"{name}USD", "base": name} for name in names}
            venues.serve("/0/public/Assets", small_market["/0/public/Assets"])
            venues.serve("/0/public/AssetPairs", {"error": [], "result": pairs})
        made = connect(**settings)
        await made.reference([venue])
        return made, [(venue, f"{name}/{quote}") for name in names]

    return list_on


def recorded_path(*parts):
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"recorded data are not here: {'/'.join(parts)} (set REAL_DATA_DIR)")
    return path


@pytest.fixture
def recorded():
    """Text of a recorded file."""
    return lambda *parts: recorded_path(*parts).read_text(encoding="utf-8")


@pytest.fixture
def recorded_requests():
    """Recorded REST answers of a file: `{path and query: body}`."""

    def read(name):
        lines = recorded_path("cryptofeed_raw_recordings", name).read_text(encoding="utf-8").splitlines()
        pairs = (line.partition(" -> ") for line in lines if " -> " in line)
        return {
            "/" + url.split("/", 3)[3]: body for url, _, rest in pairs for body in [rest.partition(": ")[2]]
        }

    return read


@pytest.fixture
def small_market():
    """Bodies of one or two instruments a venue by path, as the venues send them."""
    return json.loads(Path(__file__).with_name("small_market.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def small_references():
    """What the small venues say of themselves, once the first test has asked them."""
    return {}


@pytest.fixture
async def small(venues, connect, small_market, small_references):
    """An adapter whose venues list and quote a few instruments, already known to it."""
    for path, body in small_market.items():
        venues.serve(path, body)
    market = connect()
    if not small_references:
        references = await market.reference(("binance", "bybit", "gateio", "kraken"))
        failed = [item for item in references.values() if isinstance(item, Exception)]
        assert not failed
        small_references.update(references)
        venues.requests.clear()
    market.restore(small_references)
    return market
