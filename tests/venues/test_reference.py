from __future__ import annotations

import json
from decimal import Decimal

import pytest

from shared.domain.market import Currency, FeeAsset, Instrument, Network
from shared.errors import VenueError, VenueLied, VenueUnavailable

ALL = ("binance", "bybit", "gateio", "kraken")


async def test_instruments_carry_steps_minimums_and_what_the_venue_says_of_fees(small):
    references = await small.reference(ALL)

    assert references["binance"].instruments["BTC/USDT"] == Instrument(
        "binance", "BTC/USDT", "BTC", "USDT", tradable=True, leveraged=False,
        amount_step=Decimal("0.00001"), price_step=Decimal("0.01"), min_amount=Decimal("0.00001"),
        max_amount=Decimal(9000), min_notional=Decimal(5), taker_bps=None, fee_asset=FeeAsset.RECEIVED,
    )  # fmt: skip
    assert references["bybit"].instruments["BTC/USDT"] == Instrument(
        "bybit", "BTC/USDT", "BTC", "USDT", tradable=True, leveraged=False,
        amount_step=Decimal("0.000001"), price_step=Decimal("0.01"), min_amount=Decimal("0.000048"),
        max_amount=Decimal("71.7"), min_notional=Decimal(1), taker_bps=None, fee_asset=FeeAsset.RECEIVED,
    )  # fmt: skip
    assert references["gateio"].instruments["BTC/USDT"] == Instrument(
        "gateio", "BTC/USDT", "BTC", "USDT", tradable=True, leveraged=False,
        amount_step=Decimal("0.00001"), price_step=Decimal("0.1"), min_amount=Decimal("0.00001"),
        max_amount=None, min_notional=Decimal(3), taker_bps=Decimal(10), fee_asset=FeeAsset.RECEIVED,
    )  # fmt: skip
    assert references["kraken"].instruments["BTC/USD"] == Instrument(
        "kraken", "BTC/USD", "BTC", "USD", tradable=True, leveraged=False,
        amount_step=Decimal("0.00000001"), price_step=Decimal("0.1"), min_amount=Decimal("0.00005"),
        max_amount=None, min_notional=Decimal("0.5"), taker_bps=Decimal(40), fee_asset=FeeAsset.QUOTE,
    )  # fmt: skip


async def test_only_spot_is_asked_for(small, venues):
    await small.reference(ALL)

    assert sorted(venues.requests) == [
        "/0/public/AssetPairs",
        "/0/public/Assets",
        "/api/v3/exchangeInfo",
        "/api/v4/margin/currency_pairs",
        "/api/v4/spot/currencies",
        "/api/v4/spot/currency_pairs",
        "/v5/market/instruments-info",
    ]
    assert venues.requests["/v5/market/instruments-info"][0].query["category"] == "spot"


async def test_gate_tells_which_chains_are_closed_and_the_contracts_by_the_common_names_of_networks(small):
    currencies = (await small.reference(["gateio"]))["gateio"].currencies

    assert currencies["USDT"] == Currency(
        networks={
            "ERC20": Network(True, True, None, "0xdac17f958d2ee523a2206206994597c13d831ec7"),
            "TRC20": Network(True, False, None, "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
        }
    )


async def test_a_gate_currency_closed_as_a_whole_is_closed_on_every_chain(small, venues, small_market):
    (usdt,) = small_market["/api/v4/spot/currencies"]
    venues.serve("/api/v4/spot/currencies", [{**usdt, "deposit_disabled": True}])

    currencies = (await small.reference(["gateio"]))["gateio"].currencies

    assert [network.deposit for network in currencies["USDT"].networks.values()] == [False, False]


async def test_kraken_tells_without_a_key_only_what_is_closed_on_any_network(small):
    currencies = (await small.reference(["kraken"]))["kraken"].currencies

    assert currencies == {"SAND": Currency(networks={"*": Network(deposit=False, withdraw=None)})}


async def test_binance_and_bybit_tell_nothing_of_currencies_without_a_key(small):
    references = await small.reference(("binance", "bybit"))

    assert references["binance"].currencies == references["bybit"].currencies == {}


@pytest.mark.parametrize(
    ("venue", "path", "change", "tradable"),
    [
        ("binance", "/api/v3/exchangeInfo", {"status": "BREAK"}, False),
        ("binance", "/api/v3/exchangeInfo", {"isSpotTradingAllowed": False}, False),
        ("bybit", "/v5/market/instruments-info", {"status": "Closed"}, False),
        ("gateio", "/api/v4/spot/currency_pairs", {"trade_status": "untradable"}, False),
        ("gateio", "/api/v4/spot/currency_pairs", {"trade_status": "sellable"}, False),
        ("kraken", "/0/public/AssetPairs", {"status": "cancel_only"}, False),
        ("kraken", "/0/public/AssetPairs", {"status": "post_only"}, False),
        ("kraken", "/0/public/AssetPairs", {"status": "reduce_only"}, False),
    ],
)
async def test_an_instrument_that_takes_no_orders_is_not_tradable(
    small, venues, small_market, venue, path, change, tradable
):
    body = small_market[path]
    if venue == "kraken":
        body["result"]["XXBTZUSD"].update(change)
    else:
        {"binance": lambda: body["symbols"], "bybit": lambda: body["result"]["list"], "gateio": lambda: body}[
            venue
        ]()[0].update(change)
    venues.serve(path, body)

    (instrument,) = (await small.reference([venue]))[venue].instruments.values()

    assert instrument.tradable is tradable


async def test_a_margin_market_does_not_make_an_untradable_gate_pair_tradable(small, venues, small_market):
    (pair,) = small_market["/api/v4/spot/currency_pairs"]
    venues.serve("/api/v4/spot/currency_pairs", [{**pair, "trade_status": "untradable"}])
    venues.serve("/api/v4/margin/currency_pairs", [{"id": "BTC_USDT", "leverage": 10, "status": 1}])

    assert (await small.reference(["gateio"]))["gateio"].instruments["BTC/USDT"].tradable is False


async def test_leveraged_funds_are_marked_and_jup_is_none(small, venues, small_market):
    (pair,) = small_market["/api/v4/spot/currency_pairs"]
    bases = ("BTC3L", "ETH5S", "JUP", "1INCH")
    venues.serve("/api/v4/spot/currency_pairs", [{**pair, "id": f"{base}_USDT"} for base in bases])

    instruments = (await small.reference(["gateio"]))["gateio"].instruments

    assert {symbol: item.leveraged for symbol, item in instruments.items()} == {
        "BTC3L/USDT": True,
        "ETH5S/USDT": True,
        "JUP/USDT": False,
        "1INCH/USDT": False,
    }


async def test_renames_of_a_venue_are_known_and_can_be_corrected(venues, connect, small_market):
    (pair,) = small_market["/api/v4/spot/currency_pairs"]
    for path in ("/api/v4/margin/currency_pairs", "/api/v4/spot/currencies"):
        venues.serve(path, [])
    venues.serve(
        "/api/v4/spot/currency_pairs", [{**pair, "id": f"{base}_USDT"} for base in ("GTC", "TRAC", "XYZ")]
    )

    known = await connect().reference(["gateio"])
    corrected = await connect(
        aliases={"gateio:GTC": "GTC", "gateio:XYZ": "XYZCOIN", "bybit:TRAC": "OTHER"}
    ).reference(["gateio"])

    assert sorted(known["gateio"].instruments) == ["GAMECOM/USDT", "TRACO/USDT", "XYZ/USDT"]
    assert sorted(corrected["gateio"].instruments) == ["GTC/USDT", "TRACO/USDT", "XYZCOIN/USDT"]


async def test_twins_and_synthetic_markets_of_kraken_are_left_out(small, venues, small_market):
    pair = small_market["/0/public/AssetPairs"]["result"]["XXBTZUSD"]
    pairs = {
        "XXBTZUSD.d": {**pair, "altname": "XBTUSD.d"},
        "XXBTZUSD": pair,
        "XBT:BTNLUSD": {**pair, "altname": "XBT:BTNLUSD"},
        "ETH2.SETH": {**pair, "altname": "ETH2.SETH", "base": "ETH2.S"},
    }
    venues.serve("/0/public/AssetPairs", {"error": [], "result": pairs})

    reference = (await small.reference(["kraken"]))["kraken"]

    assert list(reference.instruments) == ["BTC/USD"]
    assert reference.native["symbols"] == {"XXBTZUSD": "BTC/USD"}


async def test_of_two_markets_under_one_symbol_the_tradable_one_counts(small, venues, small_market):
    (symbol,) = small_market["/api/v3/exchangeInfo"]["symbols"]
    halted = {**symbol, "symbol": "BTCUSDTOLD", "status": "BREAK"}
    venues.serve("/api/v3/exchangeInfo", {"symbols": [halted, symbol]})

    reference = (await small.reference(["binance"]))["binance"]

    assert reference.native["symbols"] == {"BTCUSDT": "BTC/USDT"}
    assert reference.instruments["BTC/USDT"].tradable is True


async def test_what_the_adapter_keeps_for_itself_is_plain_json(small):
    for reference in (await small.reference(ALL)).values():
        assert json.loads(json.dumps(reference.native)) == reference.native


@pytest.mark.parametrize(
    ("venue", "path"),
    [
        ("binance", "/api/v3/exchangeInfo"),
        ("bybit", "/v5/market/instruments-info"),
        ("gateio", "/api/v4/spot/currency_pairs"),
        ("gateio", "/api/v4/spot/currencies"),
        ("kraken", "/0/public/AssetPairs"),
        ("kraken", "/0/public/Assets"),
    ],
)
@pytest.mark.parametrize("kind", ["truncated", "empty", "html"])
async def test_a_body_that_describes_no_market_is_an_error_and_the_known_instruments_stay(
    small, venues, small_market, reply, venue, path, kind
):
    whole = reply(small_market[path]).raw
    bodies = {
        "truncated": reply(whole[: len(whole) // 2]),
        "empty": reply(b""),
        "html": reply("<html>no</html>", content_type="text/html"),
    }
    venues.serve(path, bodies[kind])

    answer = (await small.reference([venue]))[venue]
    quotes = (await small.quotes([venue]))[venue]

    assert isinstance(answer, VenueError)
    assert len(quotes.books) == 1


async def test_a_venue_that_lists_nothing_lied(small, venues):
    venues.serve("/api/v3/exchangeInfo", {"symbols": []})

    assert type((await small.reference(["binance"]))["binance"]) is VenueLied


async def test_one_venue_without_a_reference_does_not_keep_the_others_from_theirs(small, venues, reply):
    venues.serve("/0/public/AssetPairs", reply("", status=502))

    references = await small.reference(ALL)

    assert type(references["kraken"]) is VenueUnavailable
    assert [len(references[venue].instruments) for venue in ALL[:3]] == [1, 1, 1]
