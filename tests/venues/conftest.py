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
    served.url = "http://127.0.0.1:{}".format(runner.addresses[0][1])
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

    def make(**options):
        made.append(CcxtMarketData(state, clock, **{"base_url": venues.url, "time_out_ms": 2000, **options}))
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
            "/" + url.split("/", 3)[3]: body
            for url, _, rest in pairs
            for body in [rest.partition(": ")[2]]
        }

    return read


@pytest.fixture
def small_market():
    """Bodies of one or two instruments a venue, as the venues send them."""
    kraken_pair = {
        "altname": "XBTUSD", "wsname": "XBT/USD", "base": "XXBT", "quote": "ZUSD", "pair_decimals": 1,
        "lot_decimals": 8, "cost_decimals": 5, "tick_size": "0.1", "ordermin": "0.00005", "costmin": "0.5",
        "status": "online", "leverage_buy": [], "leverage_sell": [],
        "fees": [[0, 0.4], [10000, 0.35], [50000, 0.24]], "fees_maker": [[0, 0.25]],
    }  # fmt: skip
    binance_symbol = {
        "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
        "isSpotTradingAllowed": True, "isMarginTradingAllowed": True, "permissions": [],
        "baseAssetPrecision": 8, "quotePrecision": 8,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
        ],
    }  # fmt: skip
    bybit_symbol = {
        "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "status": "Trading", "marginTrading": "both",
        "lotSizeFilter": {"basePrecision": "0.000001", "quotePrecision": "0.00000001", "minOrderQty": "0.000048",
                          "maxOrderQty": "71.7", "minOrderAmt": "1", "maxOrderAmt": "2000000"},
        "priceFilter": {"tickSize": "0.01"},
    }  # fmt: skip
    gate_pair = {
        "id": "BTC_USDT", "base": "BTC", "quote": "USDT", "fee": "0.1", "min_base_amount": "0.00001",
        "min_quote_amount": "3", "amount_precision": 5, "precision": 1, "trade_status": "tradable",
    }  # fmt: skip
    return {
        "/api/v3/exchangeInfo": {"symbols": [binance_symbol]},
        "/api/v3/ticker/bookTicker": [
            {"symbol": "BTCUSDT", "bidPrice": "60000.00000000", "bidQty": "0.50000000",
             "askPrice": "60000.01000000", "askQty": "0.40000000"},
        ],
        "/api/v3/depth": {"lastUpdateId": 7, "bids": [["60000.00", "0.5"]], "asks": [["60000.01", "0.4"]]},
        "/v5/market/instruments-info": {"retCode": 0, "retMsg": "OK", "time": 1,
                                        "result": {"category": "spot", "list": [bybit_symbol]}},
        "/v5/market/tickers": {"retCode": 0, "retMsg": "OK", "time": 1700000000123, "result": {"list": [
            {"symbol": "BTCUSDT", "bid1Price": "60001", "bid1Size": "1", "ask1Price": "60002", "ask1Size": "2"}]}},
        "/v5/market/orderbook": {"retCode": 0, "retMsg": "OK", "time": 1700000000130, "result": {
            "s": "BTCUSDT", "b": [["60001", "1"]], "a": [["60002", "2"]], "ts": 1700000000120, "u": 9, "seq": 99}},
        "/api/v4/spot/currency_pairs": [gate_pair],
        "/api/v4/margin/currency_pairs": [],
        "/api/v4/spot/currencies": [
            {"currency": "USDT", "delisted": False, "withdraw_disabled": False, "deposit_disabled": False, "chains": [
                {"name": "ETH", "addr": "0xdAC17F958D2ee523a2206206994597C13D831ec7",
                 "withdraw_disabled": False, "deposit_disabled": False},
                {"name": "TRX", "addr": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
                 "withdraw_disabled": True, "deposit_disabled": False}]},
        ],
        "/api/v4/spot/tickers": [
            {"currency_pair": "BTC_USDT", "last": "60000", "highest_bid": "60003.1", "lowest_ask": "60003.2"}],
        "/api/v4/spot/order_book": {"id": 11, "current": 1700000000200, "update": 1700000000100,
                                    "bids": [["60003.1", "1"]], "asks": [["60003.2", "2"]]},
        "/0/public/Assets": {"error": [], "result": {
            "XXBT": {"altname": "XBT", "decimals": 10, "display_decimals": 5, "status": "enabled"},
            "ZUSD": {"altname": "USD", "decimals": 4, "display_decimals": 2, "status": "enabled"},
            "SAND": {"altname": "SAND", "decimals": 10, "display_decimals": 5, "status": "withdrawal_only"}}},
        "/0/public/AssetPairs": {"error": [], "result": {"XXBTZUSD": kraken_pair}},
        "/0/public/Ticker": {"error": [], "result": {"XXBTZUSD": {
            "a": ["60005.20000", "1", "1.500"], "b": ["60005.10000", "2", "2.500"], "c": ["60005.1", "0.01"]}}},
        "/0/public/Depth": {"error": [], "result": {"XXBTZUSD": {
            "asks": [["60005.20000", "1.500", 1700000000]], "bids": [["60005.10000", "2.500", 1699999990]]}}},
    }  # fmt: skip


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
