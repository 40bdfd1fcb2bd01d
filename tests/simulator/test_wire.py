"""The real ccxt clients against the simulator: markets, tops, books, times and currencies of each venue."""

from decimal import Decimal

import aiohttp
import ccxt
import pytest

from simulator import VENUES, SimulatorServer, World
from tests.simulator.conftest import START_MS, TOP_PATHS, asking

BULK_PATHS = (
    *TOP_PATHS.values(),
    "/api/v3/exchangeInfo",
    "/v5/market/instruments-info?category=spot",
    "/api/v4/spot/currency_pairs",
    "/api/v4/spot/currencies",
    "/api/v4/margin/currency_pairs",
    "/0/public/AssetPairs",
    "/0/public/Assets",
    "/api/v3/depth?symbol=BTCUSDT&limit=50",
    "/v5/market/orderbook?category=spot&symbol=BTCUSDT&limit=50",
    "/api/v4/spot/order_book?currency_pair=BTC_USDT&limit=50&with_id=true",
    "/0/public/Depth?pair=XBTUSDT&count=50",
)


async def bodies(ask):
    return [(await ask(path)).body for path in BULK_PATHS]


async def test_the_same_seed_and_clock_give_the_same_bytes(ask, clock):
    first = await bodies(ask)
    clock.now_ms += 60_000
    later = await bodies(ask)
    clock.now_ms -= 60_000
    assert await bodies(ask) == first
    assert all(a != b for a, b in zip(first[:4], later[:4], strict=True))


async def test_another_server_of_the_same_seed_gives_the_same_bytes_and_another_seed_different_ones(
    ask, clock
):
    first = await bodies(ask)
    for seed, alike in ((1, True), (2, False)):
        async with (
            SimulatorServer(World(seed), clock) as other,
            aiohttp.ClientSession(other.base_url) as session,
        ):
            second = await bodies(asking(session))
            assert (second[:4] == first[:4]) is alike
            assert second[4] == first[4], "what is listed does not depend on the seed"


@pytest.mark.parametrize("venue", VENUES)
async def test_load_markets_finds_every_instrument_with_its_steps_minimums_and_fee(venue, client, world):
    async with client(venue) as exchange:
        markets = await exchange.load_markets(reload=True)
    assert set(markets) == {i.symbol for i in world.by_venue[venue]}
    for i in world.by_venue[venue]:
        market = markets[i.symbol]
        assert market["id"] == i.wire_id
        assert market["precision"]["price"] == pytest.approx(10.0**-i.price_decimals)
        if venue != "kraken":
            assert market["precision"]["amount"] == pytest.approx(10.0**-i.amount_decimals)
        assert market["limits"]["amount"]["min"] == pytest.approx(float(i.min_amount))
        assert market["limits"]["cost"]["min"] == pytest.approx(float(i.min_notional))
        assert market["taker"] == pytest.approx(float(i.taker_bps) * 1e-4)


def tops_of(venue, response):
    """Wire id to (bid, ask, bid amount, ask amount), by the venue's own field names."""
    if venue == "binance":
        return {r["symbol"]: (r["bidPrice"], r["askPrice"], r["bidQty"], r["askQty"]) for r in response}
    if venue == "bybit":
        rows = response["result"]["list"]
        return {r["symbol"]: (r["bid1Price"], r["ask1Price"], r["bid1Size"], r["ask1Size"]) for r in rows}
    if venue == "gateio":
        return {r["currency_pair"]: (r["highest_bid"], r["lowest_ask"], None, None) for r in response}
    return {k: (r["b"][0], r["a"][0], r["b"][2], r["a"][2]) for k, r in response["result"].items()}


@pytest.mark.parametrize("venue", VENUES)
async def test_the_sweep_shows_the_first_level_of_every_book(venue, client, fetch_tops, world):
    async with client(venue) as exchange:
        served = tops_of(venue, await fetch_tops(exchange, venue))
    assert set(served) == {i.wire_id for i in world.by_venue[venue]}
    for i in world.by_venue[venue]:
        top = world.top(i, START_MS)
        bid, ask, bid_amount, ask_amount = served[i.wire_id]
        assert Decimal(bid or 0) == Decimal(top.bid).scaleb(-i.price_decimals), i.key
        assert Decimal(ask or 0) == Decimal(top.ask).scaleb(-i.price_decimals), i.key
        if venue != "gateio":
            assert Decimal(bid_amount) == Decimal(top.bid_amount).scaleb(-i.amount_decimals), i.key
            assert Decimal(ask_amount) == Decimal(top.ask_amount).scaleb(-i.amount_decimals), i.key


@pytest.mark.parametrize("venue", VENUES)
async def test_order_books_have_as_many_levels_as_asked_for_and_their_own_times(venue, client, world):
    async with client(venue) as exchange:
        await exchange.load_markets(reload=True)
        for symbol in ("BTC/USDT", "ETH/BTC", "SOL/USDT"):
            book = await exchange.fetch_order_book(symbol, 50)
            expected = world.book(world.listed[venue, symbol], START_MS, 50)
            scale = 10 ** world.listed[venue, symbol].price_decimals
            assert len(book["bids"]) == len(book["asks"]) == 50
            assert [round(level[0] * scale) for level in book["bids"]] == [
                price for price, _ in expected.bids
            ]
            assert [round(level[0] * scale) for level in book["asks"]] == [
                price for price, _ in expected.asks
            ]
            if venue in {"bybit", "gateio"}:
                assert book["timestamp"] == START_MS
            else:
                assert book["timestamp"] is None
            if venue == "kraken":
                assert max(level[2] for level in book["bids"]) == START_MS // 1000


@pytest.mark.parametrize("venue", VENUES)
async def test_the_unified_tickers_agree_with_the_books(venue, client):
    async with client(venue) as exchange:
        tickers = await (exchange.fetch_bids_asks() if venue == "binance" else exchange.fetch_tickers())
        book = await exchange.fetch_order_book("BTC/USDT", 5)
    assert tickers["BTC/USDT"]["bid"] == book["bids"][0][0]
    assert tickers["BTC/USDT"]["ask"] == book["asks"][0][0]


@pytest.mark.parametrize("venue", VENUES)
async def test_the_server_time_is_the_clock(venue, client):
    async with client(venue) as exchange:
        assert abs(await exchange.fetch_time() - START_MS) < 1000


async def test_gateio_tells_its_chains_and_contracts_without_a_key(client, world):
    async with client("gateio") as exchange:
        currencies = await exchange.fetch_currencies()
    assert currencies["USDT"]["networks"]["TRC20"]["deposit"]
    assert currencies["LINK"]["networks"]["ERC20"]["info"]["addr"].startswith("0x")
    for suspended, flag in (("ALGO", "deposit"), ("GRT", "withdraw")):
        assert currencies[suspended][flag] is True, "the currency's own flag says open"
        assert not any(network[flag] for network in currencies[suspended]["networks"].values())


async def test_kraken_tells_the_status_of_an_asset_without_a_key(client):
    async with client("kraken") as exchange:
        currencies = await exchange.fetch_currencies()
    assert currencies["BTC"]["info"]["status"] == "enabled"
    assert currencies["DOGE"]["id"] == "XXDG"
    assert currencies["SAND"]["info"]["status"] == "funding_temporarily_disabled"


async def test_renamed_tickers_arrive_as_the_assets_they_are(client):
    async with client("kraken") as kraken, client("gateio") as gateio:
        at_kraken, at_gateio = await kraken.load_markets(), await gateio.load_markets()
    assert at_kraken["BTC/USD"]["id"] == "XXBTZUSD"
    assert at_kraken["LUNA/USD"]["info"]["base"] == "LUNA2"
    assert at_kraken["LUNC/USD"]["info"]["base"] == "LUNA"
    assert at_gateio["GAMECOM/USDT"]["id"] == "GTC_USDT"
    assert "GTC/USDT" not in at_gateio


async def test_untradable_instruments_say_so_each_in_its_venues_way(client, fetch_tops):
    markets = {}
    for venue in VENUES:
        async with client(venue) as exchange:
            markets[venue] = await exchange.load_markets(reload=True)
            if venue == "binance":
                zero = tops_of(venue, await fetch_tops(exchange, venue))["NANOUSDT"]
            if venue == "gateio":
                thin = tops_of(venue, await fetch_tops(exchange, venue))
    assert markets["binance"]["WAVES/USDT"]["info"]["status"] == "BREAK"
    assert markets["binance"]["KEY/USDT"]["active"] is True
    assert markets["binance"]["KEY/USDT"]["info"]["isSpotTradingAllowed"] is False
    assert zero == ("0.00000000",) * 4
    assert markets["bybit"]["NULS/USDT"]["active"] is False
    assert markets["gateio"]["OMG/USDT"]["active"] is True, "ccxt is misled by the margin pair"
    assert markets["gateio"]["OMG/USDT"]["info"]["trade_status"] == "untradable"
    assert thin["ERG_USDT"][1] == ""
    assert thin["PBX_USDT"][0] == ""
    assert markets["kraken"]["OXT/EUR"]["info"]["status"] == "cancel_only"


async def test_filters_of_the_genuine_endpoints_are_honoured(ask):
    async def get(path):
        return (await ask(path)).json()

    assert (await get("/api/v3/ticker/bookTicker?symbol=BTCUSDT"))["symbol"] == "BTCUSDT"
    two = await get('/api/v3/ticker/bookTicker?symbols=["BTCUSDT","ETHUSDT"]')
    assert [row["symbol"] for row in two] == ["BTCUSDT", "ETHUSDT"]
    trading = await get("/api/v3/ticker/bookTicker?symbolStatus=TRADING")
    assert not {"NANOUSDT", "WAVESUSDT"} & {row["symbol"] for row in trading}
    info = await get("/api/v3/exchangeInfo?showPermissionSets=false&symbol=BTCUSDT")
    assert [row["permissionSets"] for row in info["symbols"]] == [[]]
    assert len((await get("/v5/market/tickers?category=spot&symbol=ETHUSDT"))["result"]["list"]) == 1
    assert len(await get("/api/v4/spot/tickers?currency_pair=ETH_USDT")) == 1
    assert set((await get("/0/public/Ticker?pair=XBTUSD,ETHUSDT"))["result"]) == {"XXBTZUSD", "ETHUSDT"}
    assert set((await get("/0/public/Assets?asset=XBT"))["result"]) == {"XXBT"}


async def test_what_does_not_exist_is_refused_as_each_venue_refuses(client, ask):
    wrong = {
        "binance": lambda e: e.publicGetDepth({"symbol": "NOSUCH"}),
        "bybit": lambda e: e.publicGetV5MarketOrderbook({"category": "spot", "symbol": "NOSUCH"}),
        "gateio": lambda e: e.publicSpotGetOrderBook({"currency_pair": "NO_SUCH"}),
        "kraken": lambda e: e.publicGetDepth({"pair": "NOSUCH"}),
    }
    for venue, call in wrong.items():
        async with client(venue) as exchange:
            with pytest.raises((ccxt.BadSymbol, ccxt.BadRequest, ccxt.ExchangeError)) as refused:
                await call(exchange)
            assert not isinstance(refused.value, ccxt.NetworkError), venue
    response = await ask("/api/v3/depth?symbol=NOSUCH")
    assert response.status == 400
    assert response.json() == {"code": -1121, "msg": "Invalid symbol."}


async def test_binance_counts_request_weight_by_the_minute(ask, clock):
    async def used(path):
        return int((await ask(path)).headers["X-MBX-USED-WEIGHT-1M"])

    clock.now_ms = clock.now_ms // 60_000 * 60_000
    first = await used("/api/v3/ticker/bookTicker")
    assert await used("/api/v3/depth?symbol=BTCUSDT&limit=100") == first + 5
    assert await used("/api/v3/exchangeInfo") == first + 25
    clock.now_ms += 60_000
    assert await used("/api/v3/ping") == 1


async def test_gateio_counts_down_its_window(ask, clock):
    clock.now_ms = clock.now_ms // 10_000 * 10_000
    headers = [(await ask("/api/v4/spot/time")).headers for _ in range(2)]
    remaining = [int(h["X-Gate-RateLimit-Requests-Remain"]) for h in headers]
    assert remaining == [199, 198]
    assert int(headers[0]["X-Gate-RateLimit-Reset-Timestamp"]) == clock.now_ms // 1000 + 10
