"""One world, a server over it with a clock of its own, and the real ccxt clients pointed at it."""

import os
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import ccxt.async_support as ccxt
import orjson
import pytest

from simulator import DEMO_API_KEY, DEMO_API_SECRET, SimulatorServer, World

START_MS = 1_764_000_000_123
CCXT_IDS = {"binance": "binance", "bybit": "bybit", "gateio": "gate", "kraken": "kraken"}
TOPS = {
    "binance": ("publicGetTickerBookTicker", {}),
    "bybit": ("publicGetV5MarketTickers", {"category": "spot"}),
    "gateio": ("publicSpotGetTickers", {}),
    "kraken": ("publicGetTicker", {}),
}
TOP_PATHS = {
    "binance": "/api/v3/ticker/bookTicker",
    "bybit": "/v5/market/tickers?category=spot",
    "gateio": "/api/v4/spot/tickers",
    "kraken": "/0/public/Ticker",
}


class HandClock:
    """A clock that moves when it is told to."""

    def __init__(self, now_ms):
        self.now_ms = now_ms

    def __call__(self):
        return self.now_ms


@pytest.fixture(scope="session")
def world():
    return World(seed=1)


@pytest.fixture
def clock():
    return HandClock(START_MS)


@pytest.fixture
async def server(world, clock):
    async with SimulatorServer(world, clock) as running:
        yield running


@dataclass
class Answer:
    status: int
    headers: Mapping
    body: bytes

    def json(self):
        return orjson.loads(self.body)


def asking(session):
    """A function that sends one request and reads all of its answer."""

    async def ask(path, method="GET", **arguments):
        async with session.request(method, path, **arguments) as response:
            return Answer(response.status, response.headers, await response.read())

    return ask


@pytest.fixture
async def ask(server):
    async with aiohttp.ClientSession(base_url=server.base_url) as session:
        yield asking(session)


def _rewritten(urls, exchange, base_url):
    if isinstance(urls, str):
        return base_url + urlsplit(exchange.implode_hostname(urls)).path
    return {name: _rewritten(value, exchange, base_url) for name, value in urls.items()}


@pytest.fixture(scope="session")
def exchanges():
    """One client a venue for all tests, with its own URLs kept aside: building one takes a while."""
    options = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchMargins": False}
    made = {
        venue: getattr(ccxt, name)({"enableRateLimit": False, "options": options})
        for venue, name in CCXT_IDS.items()
    }
    for exchange in made.values():
        exchange.timeout_on_exit = 0  # plain HTTP has no TLS goodbye to wait for
    return {venue: (exchange, exchange.urls["api"]) for venue, exchange in made.items()}


@pytest.fixture
def client(server, exchanges):
    """An async context manager that gives a venue's real client, with the demo key on request."""

    @asynccontextmanager
    async def opened(venue, *, keys=False, timeout_ms=5000):
        exchange, urls = exchanges[venue]
        exchange.urls["api"] = _rewritten(urls, exchange, server.base_url)
        exchange.timeout = timeout_ms
        exchange.open()
        exchange.apiKey, exchange.secret = (DEMO_API_KEY, DEMO_API_SECRET) if keys else (None, None)
        try:
            yield exchange
        finally:
            await exchange.close()
            exchange.asyncio_loop = None

    return opened


@pytest.fixture
def fetch_tops():
    """The venue's one-request sweep by its implicit method, as the venue wrote it."""

    async def fetched(exchange, venue):
        name, params = TOPS[venue]
        return await getattr(exchange, name)(params)

    return fetched


@pytest.fixture(scope="session")
def real_data():
    found = Path(os.environ.get("REAL_DATA_DIR", Path(__file__).parents[2] / ".." / "shared" / "data"))
    if not found.is_dir():
        pytest.skip(f"no recorded data at {found}: set REAL_DATA_DIR")
    return found
