"""Genuine answers, fed to the adapter through the real ccxt clients."""

from __future__ import annotations

import json
import re
from decimal import Decimal

from shared.domain.market import FeeAsset
from shared.errors import VenueError


async def test_1695_recorded_binance_symbols_become_instruments(recorded_requests, venues, market):
    body = recorded_requests("BINANCE.0")["/api/v3/exchangeInfo"]
    raw = {item["symbol"]: item for item in json.loads(body)["symbols"]}
    venues.serve("/api/v3/exchangeInfo", body)

    reference = (await market.reference(["binance"]))["binance"]

    assert len(reference.instruments) == len(raw) == 1695
    assert reference.native["symbols"]["BTCUSDT"] == "BTC/USDT"
    tradable = {item.symbol for item in reference.instruments.values() if item.tradable}
    assert tradable == {
        reference.native["symbols"][name]
        for name, item in raw.items()
        if item["status"] == "TRADING" and item["isSpotTradingAllowed"]
    }
    bitcoin = reference.instruments["BTC/USDT"]
    assert (bitcoin.amount_step, bitcoin.price_step) == (Decimal("0.00001"), Decimal("0.01"))
    assert (bitcoin.min_amount, bitcoin.max_amount, bitcoin.min_notional) == (
        Decimal("0.00001"),
        Decimal(9000),
        Decimal(10),
    )
    assert reference.instruments["BTCUP/USDT"].leveraged is True
    assert reference.instruments["SUPER/USDT"].leveraged is False


async def test_recorded_binance_books_keep_every_text_of_every_level(recorded_requests, venues, market):
    venues.serve("/api/v3/exchangeInfo", recorded_requests("BINANCE.0")["/api/v3/exchangeInfo"])
    await market.reference(["binance"])
    for path, body in recorded_requests("BINANCE.http.0.0").items():
        venues.serve("/api/v3/depth", body)
        symbol = market._symbols["binance"][re.search(r"symbol=(\w+)", path).group(1)]

        book = (await market.order_books([("binance", symbol)]))["binance", symbol]

        raw = json.loads(body)
        assert (book.bids, book.asks, book.sequence) == (raw["bids"], raw["asks"], raw["lastUpdateId"])
        parsed = book.parse("binance", symbol)
        assert (len(parsed.bids), len(parsed.asks)) == (len(raw["bids"]), len(raw["asks"]))


async def test_the_recorded_binance_top_of_book_is_a_quote(recorded, venues, market):
    routes = json.loads(recorded("gocryptotrader_rest_mocks", "binance_http.json"))["routes"]
    venues.serve("/api/v3/exchangeInfo", routes["/api/v3/exchangeInfo"]["GET"][0]["data"])
    venues.serve("/api/v3/depth", routes["/api/v3/depth"]["GET"][0]["data"])
    # the recording asked for one symbol; a sweep answers with a list of such objects
    row = routes["/api/v3/ticker/bookTicker"]["GET"][0]["data"]
    reference = (await market.reference(["binance"]))["binance"]
    venues.serve(
        "/api/v3/ticker/bookTicker", [{**row, "symbol": name} for name in reference.native["symbols"]]
    )

    quotes = (await market.quotes(["binance"]))["binance"]
    book = (await market.order_books([("binance", "BTC/USDT")]))["binance", "BTC/USDT"]

    assert quotes.books["BTC/USDT"].bids == (("6621.55000000", "0.16356700"),)
    assert quotes.books["BTC/USDT"].asks == (("6622.10000000", "0.18635000"),)
    assert book.parse("binance", "BTC/USDT").asks[0].price == Decimal("32085.66000000")


async def test_recorded_gate_pairs_trade_by_their_own_status_not_by_ccxts(recorded_requests, venues, market):
    body = recorded_requests("GATEIO.0")["/api/v4/spot/currency_pairs"]
    raw = json.loads(body)
    for path in ("/api/v4/margin/currency_pairs", "/api/v4/spot/currencies"):
        venues.serve(path, [])
    venues.serve("/api/v4/spot/currency_pairs", body)

    reference = (await market.reference(["gateio"]))["gateio"]

    assert len(reference.instruments) == len(raw) == 1458
    by_id = {name: reference.instruments[symbol] for name, symbol in reference.native["symbols"].items()}
    assert {name for name, item in by_id.items() if item.tradable} == {
        item["id"] for item in raw if item["trade_status"] == "tradable"
    }
    assert {item.taker_bps for item in by_id.values()} == {Decimal(item["fee"]) * 100 for item in raw}
    assert by_id["QTUM3S_USDT"].leveraged is True
    assert by_id["GTC_USDT"].symbol == "GAMECOM/USDT"


async def test_recorded_gate_books_of_2021_have_no_times_and_read_all_the_same(
    recorded_requests, venues, market
):
    pairs = recorded_requests("GATEIO.0")["/api/v4/spot/currency_pairs"]
    for path in ("/api/v4/margin/currency_pairs", "/api/v4/spot/currencies"):
        venues.serve(path, [])
    venues.serve("/api/v4/spot/currency_pairs", pairs)
    await market.reference(["gateio"])
    for path, body in recorded_requests("GATEIO.http.0.0").items():
        venues.serve("/api/v4/spot/order_book", body)
        symbol = market._symbols["gateio"][re.search(r"currency_pair=(\w+)", path).group(1)]

        book = (await market.order_books([("gateio", symbol)]))["gateio", symbol]

        assert (book.bids, book.asks) == (json.loads(body)["bids"], json.loads(body)["asks"])
        assert book.time_ms is None
        book.parse("gateio", symbol)


async def test_the_recorded_gate_book_of_2025_is_dated_by_when_it_was_read(recorded, venues, small):
    routes = json.loads(recorded("gocryptotrader_rest_mocks", "gateio_http.json"))["routes"]
    body = routes["/api/v4/spot/order_book"]["GET"][0]["data"]
    venues.serve("/api/v4/spot/order_book", body)

    book = (await small.order_books([("gateio", "BTC/USDT")]))["gateio", "BTC/USDT"]

    assert (book.time_ms, book.sequence) == (1759104757920, 27596272445)


async def test_of_the_recorded_kraken_pairs_no_dark_pool_twin_remains(
    recorded, recorded_requests, venues, market
):
    venues.serve("/0/public/Assets", recorded("xchange_rest_samples", "kraken", "example-assets-data.json"))
    body = recorded_requests("KRAKEN.0")["/0/public/AssetPairs"]
    raw = json.loads(body)["result"]
    venues.serve("/0/public/AssetPairs", body)

    reference = (await market.reference(["kraken"]))["kraken"]

    twins = {name for name in raw if name.endswith(".d")}
    assert twins
    staked = {"ETH2.SETH"}
    assert set(reference.native["symbols"]) == set(raw) - twins - staked
    assert reference.native["symbols"]["XXBTZUSD"] == "BTC/USD"
    assert reference.native["symbols"]["XDGUSD"] == "DOGE/USD"
    bitcoin = reference.instruments["BTC/USD"]
    assert (bitcoin.taker_bps, bitcoin.fee_asset) == (Decimal(26), FeeAsset.QUOTE)
    assert bitcoin.tradable is None  # the list of 2021 has no status


async def test_the_kraken_samples_of_ticker_and_depth_read(recorded, recorded_requests, venues, market):
    folder = ("xchange_rest_samples", "kraken")
    venues.serve("/0/public/Assets", recorded(*folder, "example-assets-data.json"))
    pairs = json.loads(recorded_requests("KRAKEN.0")["/0/public/AssetPairs"])["result"]
    euro = {"error": [], "result": {"XXBTZEUR": pairs["XXBTZEUR"]}}
    venues.serve("/0/public/AssetPairs", euro)
    ticker = json.loads(recorded(*folder, "example-ticker-data.json"))
    row = ticker["result"]["XXBTZEUR"]
    # the sample is older than the whole-lot volume that now stands between price and volume
    ticker["result"]["XXBTZEUR"] = {**row, **{side: [row[side][0], "1", row[side][1]] for side in "ab"}}
    venues.serve("/0/public/Ticker", ticker)
    venues.serve("/0/public/Depth", recorded(*folder, "example-depth-data.json"))
    await market.reference(["kraken"])

    quotes = (await market.quotes(["kraken"]))["kraken"]
    book = (await market.order_books([("kraken", "BTC/EUR")]))["kraken", "BTC/EUR"]

    assert quotes.books["BTC/EUR"].bids == (("560.46600", "1"),)
    assert book.asks[0] == ["530.75513", "0.248"]
    assert book.time_ms == 1391825343000


async def test_the_bybit_samples_of_instrument_and_ticker_read(recorded, venues, market):
    folder = ("xchange_rest_samples", "bybit_v5")
    venues.serve("/v5/market/instruments-info", recorded(*folder, "getInstrumentSpot.json5"))
    venues.serve("/v5/market/tickers", recorded(*folder, "getTickerSpot.json5"))

    reference = (await market.reference(["bybit"]))["bybit"]
    quotes = (await market.quotes(["bybit"]))["bybit"]

    assert reference.instruments["BTC/USDT"].max_amount == Decimal("71.73956243")
    assert quotes.books["BTC/USDT"].bids == (("20517.96", "2"),)
    assert quotes.books["BTC/USDT"].time_ms == 1673859087947
    assert quotes.clock_drift_ms < -(10**10)


async def test_the_gate_samples_of_pairs_currencies_and_tickers_read(recorded, venues, market):
    folder = ("xchange_rest_samples", "gateio_v4")
    venues.serve("/api/v4/spot/currency_pairs", recorded(*folder, "api_v4_spot_currency_pairs.json"))
    venues.serve("/api/v4/margin/currency_pairs", [])
    venues.serve("/api/v4/spot/currencies", recorded(*folder, "api_v4_spot_currencies.json"))
    venues.serve("/api/v4/spot/tickers", recorded(*folder, "api_v4_spot_tickers.json"))

    reference = (await market.reference(["gateio"]))["gateio"]
    quotes = (await market.quotes(["gateio"]))["gateio"]

    assert sorted(reference.instruments) == ["BTC/USDT", "CHZ/USDT", "ETH/USDT"]
    assert reference.instruments["BTC/USDT"].amount_step == Decimal("0.0001")
    assert reference.currencies["BTC"].networks["BTC"].withdraw is True
    assert quotes.books["ETH/USDT"].asks == (("1752.97", None),)


async def test_recorded_gate_error_bodies_are_errors_of_the_venue(recorded, venues, small, reply):
    for name in ("forbidden", "invalid_key", "invalid_signature", "internal-server-error"):
        separator = "_" if name == "internal-server-error" else "-"
        body = recorded(
            "xchange_rest_samples", "gateio_v4", f"api_v4_wallet_withdraw_status{separator}{name}.json"
        )
        venues.serve("/api/v4/spot/tickers", reply(body, status=400))

        answer = (await small.quotes(["gateio"]))["gateio"]

        assert type(answer) is VenueError, name
