"""One world, a server over it with a clock of its own, and the real ccxt clients pointed at it."""

import os
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import ccxt.async_support as ccxt
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


@pytest.fixture
async def http(server):
    async with aiohttp.ClientSession(base_url=server.base_url) as session:
        yield session


def _rewritten(urls, exchange, base_url):
    if isinstance(urls, str):
        return base_url + urlsplit(exchange.implode_hostname(urls)).path
    return {name: _rewritten(value, exchange, base_url) for name, value in urls.items()}


@pytest.fixture
def client(server):
    """An async context manager that gives a venue's real client, with the demo key on request."""

    @asynccontextmanager
    async def opened(venue, *, keys=False, timeout_ms=5000):
        options = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchMargins": False}
        exchange = getattr(ccxt, CCXT_IDS[venue])(
            {"timeout": timeout_ms, "enableRateLimit": False, "options": options}
        )
        exchange.urls["api"] = _rewritten(exchange.urls["api"], exchange, server.base_url)
        if keys:
            exchange.apiKey, exchange.secret = DEMO_API_KEY, DEMO_API_SECRET
        try:
            yield exchange
        finally:
            await exchange.close()

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
