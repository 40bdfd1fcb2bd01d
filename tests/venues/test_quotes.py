from __future__ import annotations

import pytest

from shared.domain.market import BookText
from shared.errors import InputError, VenueError, VenueLied
from shared.ports import VenueQuotes

ALL = ("binance", "bybit", "gateio", "kraken")


async def test_one_request_a_venue_brings_every_top_of_book_as_text_from_the_wire(small, venues):
    quotes = await small.quotes(ALL)

    assert quotes["binance"].books == {
        "BTC/USDT": BookText((("60000.00000000", "0.50000000"),), (("60000.01000000", "0.40000000"),))
    }
    assert quotes["bybit"].books == {
        "BTC/USDT": BookText((("60001", "1"),), (("60002", "2"),), 1700000000123)
    }
    assert quotes["gateio"].books == {"BTC/USDT": BookText((("60003.1", None),), (("60003.2", None),))}
    assert quotes["kraken"].books == {
        "BTC/USD": BookText((("60005.10000", "2.500"),), (("60005.20000", "1.500"),))
    }
    assert sorted(venues.requests) == [
        "/0/public/Ticker",
        "/api/v3/ticker/bookTicker",
        "/api/v4/spot/tickers",
        "/v5/market/tickers",
    ]


async def test_quotes_say_when_they_were_received_and_how_long_it_took(small, clock):
    before = clock.now_ms()
    quotes = (await small.quotes(["binance"]))["binance"]

    assert before <= quotes.received_ms <= clock.now_ms()
    assert 0 <= quotes.latency_ms <= clock.now_ms() - before + 1


async def test_a_venue_that_fails_does_not_keep_the_others_from_answering(small, venues, reply):
    venues.serve("/v5/market/tickers", reply("gone", status=500))

    quotes = await small.quotes(ALL)

    assert isinstance(quotes["bybit"], VenueError)
    assert all(isinstance(quotes[venue], VenueQuotes) for venue in ("binance", "gateio", "kraken"))


async def test_rows_that_nobody_quotes_are_left_out_and_one_sided_rows_keep_their_side(
    venues, connect, small_market
):
    pairs = [
        {**small_market["/api/v4/spot/currency_pairs"][0], "id": f"{base}_USDT", "base": base}
        for base in ("BTC", "AAA", "BBB", "CCC")
    ]
    venues.serve("/api/v4/spot/currency_pairs", pairs)
    venues.serve("/api/v4/margin/currency_pairs", [])
    venues.serve("/api/v4/spot/currencies", [])
    venues.serve(
        "/api/v4/spot/tickers",
        [
            {"currency_pair": "BTC_USDT", "highest_bid": "60003.1", "lowest_ask": "60003.2"},
            {"currency_pair": "AAA_USDT", "highest_bid": "", "lowest_ask": "0.5"},
            {"currency_pair": "BBB_USDT", "highest_bid": "0.4", "lowest_ask": "0"},
            {"currency_pair": "CCC_USDT", "highest_bid": "", "lowest_ask": ""},
            {"currency_pair": "NEW_USDT", "highest_bid": "1", "lowest_ask": "2"},
        ],
    )
    market = connect()
    await market.reference(["gateio"])

    books = (await market.quotes(["gateio"]))["gateio"].books

    assert books["AAA/USDT"] == BookText((), (("0.5", None),))
    assert books["BBB/USDT"] == BookText((("0.4", None),), ())
    assert sorted(books) == ["AAA/USDT", "BBB/USDT", "BTC/USDT"]


async def test_delisted_binance_rows_of_zeros_are_no_quotes(venues, connect, small_market):
    symbol = small_market["/api/v3/exchangeInfo"]["symbols"][0]
    delisted = {**symbol, "symbol": "OLDUSDT", "baseAsset": "OLD", "status": "BREAK"}
    venues.serve("/api/v3/exchangeInfo", {"symbols": [symbol, delisted]})
    zeros = dict.fromkeys(("bidPrice", "bidQty", "askPrice", "askQty"), "0.00000000")
    venues.serve(
        "/api/v3/ticker/bookTicker",
        [*small_market["/api/v3/ticker/bookTicker"], {"symbol": "OLDUSDT", **zeros}],
    )
    market = connect()
    await market.reference(["binance"])

    assert list((await market.quotes(["binance"]))["binance"].books) == ["BTC/USDT"]


@pytest.mark.parametrize(
    ("path", "venue"),
    [
        ("/api/v3/ticker/bookTicker", "binance"),
        ("/v5/market/tickers", "bybit"),
        ("/api/v4/spot/tickers", "gateio"),
        ("/0/public/Ticker", "kraken"),
    ],
)
@pytest.mark.parametrize("kind", ["truncated", "empty", "html", "object", "list", "number", "cut"])
async def test_a_body_that_is_no_list_of_quotes_is_an_error_of_that_venue(
    small, venues, reply, small_market, path, venue, kind
):
    whole = reply(small_market[path]).raw
    venues.serve(
        path,
        {
            "truncated": reply(whole[: len(whole) // 2]),
            "empty": reply(b""),
            "html": reply("<html><body>Down for now</body></html>", content_type="text/html"),
            "object": reply({}),
            "list": reply([]),
            "number": reply("17"),
            "cut": reply(whole, cut=len(whole) // 2),
        }[kind],
    )

    answer = (await small.quotes([venue]))[venue]

    assert isinstance(answer, VenueError)
    assert answer.venue == venue
    if (venue, kind) not in {("bybit", "object"), ("bybit", "list")}:  # to ccxt no retCode is a refusal
        assert isinstance(answer, VenueLied)
    assert venues.count(path) == 1


async def test_an_answer_that_quotes_less_than_half_of_the_tradable_instruments_is_no_market(
    venues, connect, small_market
):
    symbol = small_market["/api/v3/exchangeInfo"]["symbols"][0]
    row = small_market["/api/v3/ticker/bookTicker"][0]
    listed = [{**symbol, "symbol": f"A{n}USDT", "baseAsset": f"A{n}"} for n in range(5)]
    rows = [{**row, "symbol": f"A{n}USDT"} for n in range(5)]
    venues.serve("/api/v3/exchangeInfo", {"symbols": listed})
    venues.serve("/api/v3/ticker/bookTicker", rows[:3], rows[:2])
    market = connect()
    await market.reference(["binance"])

    whole = (await market.quotes(["binance"]))["binance"]
    partial = (await market.quotes(["binance"]))["binance"]

    assert len(whole.books) == 3
    assert isinstance(partial, VenueLied)
    assert "2 instruments" in partial.message


async def test_quotes_of_a_venue_whose_instruments_are_unknown_are_refused_without_a_request(market, venues):
    answer = (await market.quotes(["kraken"]))["kraken"]

    assert isinstance(answer, VenueError)
    assert "refresh" in answer.message
    assert not venues.requests


async def test_a_restored_reference_needs_no_request_for_instruments(small, venues, connect):
    references = await small.reference(ALL)
    venues.requests.clear()
    other = connect()
    other.restore(references)

    quotes = await other.quotes(ALL)

    assert {venue: sorted(item.books) for venue, item in quotes.items()} == {
        "binance": ["BTC/USDT"],
        "bybit": ["BTC/USDT"],
        "gateio": ["BTC/USDT"],
        "kraken": ["BTC/USD"],
    }
    assert len(venues.requests) == 4


async def test_an_unknown_venue_is_named_with_the_known_ones(market):
    with pytest.raises(InputError, match="'mtgox' is none of binance, bybit, gateio, kraken"):
        await market.quotes(["mtgox"])
