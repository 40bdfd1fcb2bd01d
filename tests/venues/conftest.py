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

from shared.adapters.venues.market_data import CcxtMarketData
from shared.adapters.venues.options import ClientOptions
from shared.errors import Conflict
from shared.ports import Entry

DATA = Path(os.environ.get("REAL_DATA_DIR", Path(__file__).parents[2] / ".." / "shared" / "data"))


class WallClock:
    def now_ms(self):
        return int(time.time() * 1000)


class MemoryState:
    """State that keeps the port's promises within one process."""

    def __init__(self):
        self.stored = {}
        self.reads = 0
        self._writes = 0

    def _write(self, place, value):
        self._writes += 1
        self.stored[place] = Entry(place[1], json.loads(json.dumps(value)), str(self._writes))
        return self.stored[place].etag

    async def get(self, partition, key):
        return self.stored.get((partition, key))

    async def put(self, partition, key, value, etag):
        known = self.stored.get((partition, key))
        if (known.etag if known else None) != etag:
            raise Conflict(key)
        return self._write((partition, key), value)

    async def replace(self, partition, key, value):
        self._write((partition, key), value)

    async def entries(self, partition, prefix=""):
        self.reads += 1
        places = sorted(p for p in self.stored if p[0] == partition and p[1].startswith(prefix))
        return [self.stored[place] for place in places]

    async def delete(self, partition, key):
        self.stored.pop((partition, key), None)


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
def state():
    return MemoryState()


@pytest.fixture
def clock():
    return WallClock()


@pytest.fixture
async def connect(venues, state, clock):
    """Make adapters in front of the loopback venues; they are closed after the test."""
    made = []

    def make(base_url=venues.url, time_out_ms=2000, aliases=None, **settings):
        options = ClientOptions(base_url=base_url, time_out_ms=time_out_ms, aliases=aliases or {})
        made.append(CcxtMarketData(state, clock, options=options, **settings))
        return made[-1]

    yield make
    for market in made:
        await market.close()


@pytest.fixture
def market(connect):
    return connect()


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


@pytest.fixture
async def small(venues, connect, small_market):
    """An adapter whose venues list and quote a few instruments, already known to it."""
    for path, body in small_market.items():
        venues.serve(path, body)
    market = connect()
    references = await market.reference(("binance", "bybit", "gateio", "kraken"))
    failed = [item for item in references.values() if isinstance(item, Exception)]
    assert not failed
    venues.requests.clear()
    return market
