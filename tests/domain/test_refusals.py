"""Every reason to refuse, alone and in order of precedence."""

from dataclasses import replace

import pytest

from shared.domain.market import Currency, Network
from shared.domain.opportunity import Reason
from tests.domain.small_market import ASSETS, NOW, OPEN, D, book, found, paths, reasons, snapshot, top, venue
from tests.domain.two_venues import CHEAP, DEAR, LOOP, kraken, two_venues


def test_the_edge_is_real_unless_something_is_wrong():
    assert paths(found(two_venues())) == {LOOP}
    assert found(two_venues()).rejections == ()


@pytest.mark.parametrize("entry", ["BTC", "kraken:BTC", "BTC/USDT", "kraken:BTC/USDT", "binance:USDT"])
def test_a_blocked_asset_or_symbol_is_refused(entry):
    assert reasons(found(two_venues(), blocked=frozenset({entry}))) == {LOOP: "BLOCKED"}


@pytest.mark.parametrize("entry", ["bybit:BTC", "ETH", "kraken:BTC/USDC"])
def test_other_entries_of_the_block_list_do_not_matter(entry):
    assert paths(found(two_venues(), blocked=frozenset({entry}))) == {LOOP}


def test_an_instrument_that_does_not_trade_is_refused_and_an_unknown_one_is_not():
    halted = two_venues(kraken=kraken(instruments={"BTC/USDT": {"tradable": False}}))
    assert reasons(found(halted)) == {LOOP: "NOT_TRADABLE"}
    unknown = two_venues(kraken=kraken(instruments={"BTC/USDT": {"tradable": None}}))
    assert paths(found(unknown)) == {LOOP}


@pytest.mark.parametrize(
    ("base", "leveraged", "refused"),
    [
        ("BTC3L", None, True),
        ("ETH5S", None, True),
        ("JUP", None, False),
        ("BTC3L", False, False),
        ("UP", True, True),
    ],
)
def test_leveraged_tokens_are_judged_by_the_venue_else_by_their_ticker(base, leveraged, refused):
    symbol = f"{base}/USDT"
    market = snapshot(
        **{
            name: venue(name, {symbol: each}, instruments={symbol: {"leveraged": leveraged}})
            for name, each in (("binance", CHEAP), ("kraken", DEAR))
        }
    )
    detection = found(market)
    assert [each.reason for each in detection.rejections] == [Reason.LEVERAGED_TOKEN] * refused
    assert len(detection.opportunities) == (not refused)


def test_a_venue_that_is_out_is_refused_with_its_error():
    market = two_venues(kraken=kraken(status="banned", error="too many requests"))
    (refused,) = found(market).rejections
    assert (refused.reason, refused.detail) == (Reason.VENUE_COOLING_DOWN, "kraken is out: too many requests")


@pytest.mark.parametrize(
    "dear",
    [
        book([("100.9", 1), ("100.9", 1)], [(102, 1)]),
        book([("100.9", 1), ("101", 1)], [(102, 1)]),
        book([("100.9", 1), ("0", 1)], [(102, 1)]),
        book([("100.9", 1), ("x", 1)], [(102, 1)]),
        book([("100.9", "-1")], [(102, 1)]),
        book([("100.9", "many")], [(102, 1)]),
        book([("100.9", 1)], [(102, 1), ("NaN", 1)]),
        book([("100.9", 1)], [("102", "Infinity")]),
        book([("100.9", 1)], [("102", "1e99")]),
    ],
)
def test_a_bad_level_anywhere_refuses_the_book(dear):
    assert reasons(found(two_venues(dear=dear))) == {LOOP: "BAD_BOOK"}


@pytest.mark.parametrize("price", ["", "x", "NaN", "Infinity", "0", "-5"])
def test_a_book_that_cannot_be_priced_closes_no_loop(price):
    dear = book([(price, 1)], [(102, 1)])
    assert found(two_venues(dear=dear)).rejections == ()


def test_a_book_without_a_known_fee_is_refused():
    (refused,) = found(two_venues(kraken=kraken(bps=None))).rejections
    assert refused.reason is Reason.BAD_BOOK
    assert "fee is unknown" in refused.detail


def test_a_crossed_book_is_refused():
    assert reasons(found(two_venues(dear=top("100.9", "100.8")))) == {LOOP: "CROSSED_BOOK"}


def test_age_counts_from_the_exchanges_clock_else_from_our_receipt():
    old = top("100.9", 102, age_ms=3_001)
    (refused,) = found(two_venues(dear=old), max_skew_ms=9_999).rejections
    assert (refused.reason, refused.detail) == (Reason.STALE_BOOK, "kraken book is 3.001 s old, limit 3.0 s")
    in_time = top("100.9", 102, age_ms=3_000)
    assert paths(found(two_venues(dear=in_time), max_skew_ms=9_999)) == {LOOP}
    by_receipt = DEAR._replace(time_ms=None, received_ms=NOW - 3_001)
    assert reasons(found(two_venues(dear=by_receipt))) == {LOOP: "STALE_BOOK"}
    by_venue = two_venues(kraken=kraken({"BTC/USDT": DEAR._replace(time_ms=None)}, received_ms=NOW - 3_001))
    assert reasons(found(by_venue)) == {LOOP: "STALE_BOOK"}


def test_a_book_without_any_time_is_stale():
    timeless = kraken({"BTC/USDT": DEAR._replace(time_ms=None)}, received_ms=None)
    assert reasons(found(two_venues(kraken=timeless))) == {LOOP: "STALE_BOOK"}


def test_a_frozen_book_is_refused():
    (refused,) = found(two_venues(), frozen={("kraken", "BTC/USDT"): 90_000}).rejections
    assert refused.reason is Reason.FROZEN_BOOK
    assert "90.0 s" in refused.detail


def test_books_too_far_apart_in_time_are_refused():
    skewed = top("100.9", 102, age_ms=1_801)
    assert reasons(found(two_venues(dear=skewed))) == {LOOP: "SKEWED_BOOKS"}
    assert paths(found(two_venues(dear=top("100.9", 102, age_ms=1_800)))) == {LOOP}


def test_what_is_too_good_is_quarantined_above_the_limit_only():
    free = {"bps": 0}
    at_limit = two_venues(
        binance=venue("binance", {"BTC/USDT": CHEAP}, **free),
        kraken=kraken({"BTC/USDT": top(101, 102)}, **free),
    )
    assert paths(found(at_limit)) == {LOOP}
    above = two_venues(
        binance=venue("binance", {"BTC/USDT": CHEAP}, **free),
        kraken=kraken({"BTC/USDT": top("101.000000000000000001", 102)}, **free),
    )
    assert reasons(found(above)) == {LOOP: "TOO_GOOD_TO_BE_TRUE"}


def test_a_mispriced_cross_rate_on_one_venue_is_too_good():
    books = {
        "BTC/USDT": top(60000, 60001),
        "ETH/USDT": top(3000, "3000.1", 100),
        "ETH/BTC": top("5.03", "5.04", 100),
    }
    (refused,) = found(snapshot(binance=books)).rejections
    assert refused.reason is Reason.TOO_GOOD_TO_BE_TRUE


@pytest.mark.parametrize("terms", [{"min_notional": 2_000}, {"min_amount": 11}, {"amount_step": 11}])
def test_depth_below_the_venues_minimums_is_refused(terms):
    market = two_venues(kraken=kraken(instruments={"BTC/USDT": terms}))
    assert reasons(found(market)) == {LOOP: "BELOW_MIN_NOTIONAL"}


def test_what_rounding_eats_is_refused_with_the_edge_of_the_best_amount():
    terms = {"BTC/USDT": {"amount_step": 1}}
    market = two_venues(
        binance=venue("binance", {"BTC/USDT": CHEAP}, instruments=terms), kraken=kraken(instruments=terms)
    )
    (refused,) = found(market).rejections
    assert refused.reason is Reason.NET_EDGE_TOO_SMALL
    assert refused.net_bps < 0


def test_a_thin_top_earns_less_than_the_least_profit():
    thin = book([("100.9", "0.01"), ("100.1", 100)], [(102, 1)])
    (refused,) = found(two_venues(dear=thin), min_profit=D(1)).rejections
    assert refused.reason is Reason.BELOW_MIN_PROFIT
    assert refused.net_bps > 50


def test_an_edge_below_the_wanted_one_is_refused():
    (refused,) = found(two_venues(), min_net_bps=D(80)).rejections
    assert refused.reason is Reason.NET_EDGE_TOO_SMALL
    assert 0 < refused.net_bps < 80


def test_what_others_take_is_refused_as_depth_taken():
    market = two_venues(gateio={"BTC/USDT": top("100.8", 102)})
    detection = found(market)
    assert paths(detection) == {LOOP}
    assert reasons(detection) == {"binance:BTC/USDT:buy gateio:BTC/USDT:sell": "DEPTH_TAKEN"}


def test_balances_that_others_use_up_are_refused_as_no_inventory():
    market = snapshot(
        balances={"binance": {"USDT": 100}, "kraken": {"BTC": 1, "ETH": 1}},
        binance={"BTC/USDT": top(99, 100, 1), "ETH/USDT": top(99, 100, 1)},
        kraken={"BTC/USDT": top("100.9", 102, 2), "ETH/USDT": top("100.8", 102, 2)},
    )
    detection = found(market)
    assert paths(detection) == {LOOP}
    assert reasons(detection) == {LOOP.replace("BTC", "ETH"): "NO_INVENTORY"}


def test_a_trap_never_hides_the_second_best_venue():
    market = two_venues(gateio={"BTC/USDT": top("101.5", 103, age_ms=90_000)})
    detection = found(market)
    assert paths(detection) == {LOOP}
    assert reasons(detection) == {"binance:BTC/USDT:buy gateio:BTC/USDT:sell": "STALE_BOOK"}


def test_refusals_grow_with_books_not_with_loops():
    names = ("binance", "bybit", "gateio", "kraken")
    cheap = {f"C{i}/USDT": top(99, 100, age_ms=90_000) for i in range(20)}
    dear = {f"C{i}/USDT": top("100.9", 102, age_ms=90_000) for i in range(20)}
    market = snapshot(**{name: cheap if i % 2 else dear for i, name in enumerate(names)})
    assert len(found(market).rejections) <= 4 * 20


LAYERS = [
    ("BLOCKED", {"blocked": frozenset({"kraken:BTC"})}),
    ("NOT_TRADABLE", {"terms": {"tradable": False}}),
    ("LEVERAGED_TOKEN", {"terms": {"leveraged": True}}),
    ("VENUE_COOLING_DOWN", {"market": {"status": "maintenance"}}),
    ("BAD_BOOK", {"market": {"bps": None}}),
    ("CROSSED_BOOK", {"asks": [("100.5", 1)]}),
    ("STALE_BOOK", {"age_ms": 60_000}),
    ("FROZEN_BOOK", {"frozen": {("kraken", "BTC/USDT"): 60_000}}),
    ("SKEWED_BOOKS", {"age_ms": 2_500}),
    ("IDENTITY_CONFLICT", {"asset_id": "other"}),
    ("DEPOSIT_CLOSED", {"deposit": False}),
    ("TOO_GOOD_TO_BE_TRUE", {"too_good_bps": D(1)}),
    ("UNKNOWN_DEPTH", {"amount": None}),
    ("BELOW_MIN_NOTIONAL", {"terms": {"min_notional": 10_000}}),
]


@pytest.mark.parametrize("first", range(len(LAYERS)))
def test_of_several_reasons_the_first_in_order_is_reported(first):
    """Every wrong from one layer on is done to the market at once."""
    wrongs, terms, market = {}, {"amount_step": "0.1"}, {}
    for _, wrong in reversed(LAYERS[first:]):
        terms |= wrong.get("terms", {})
        market |= wrong.get("market", {})
        wrongs |= wrong
    dear = book(
        [("100.9", wrongs.get("amount", 10))],
        wrongs.get("asks", [(102, 10)]),
        age_ms=wrongs.get("age_ms", 300),
    )
    btc = Currency(wrongs.get("asset_id"), {"NET": Network(wrongs.get("deposit", True), withdraw=True)})
    known = dict.fromkeys(ASSETS, OPEN) | {"BTC": replace(OPEN, asset_id="bitcoin")}
    seen = snapshot(
        binance=venue("binance", {"BTC/USDT": CHEAP}, currencies=known),
        kraken=kraken(
            {"BTC/USDT": dear},
            instruments={"BTC/USDT": terms},
            currencies=dict.fromkeys(ASSETS, OPEN) | {"BTC": btc},
            **market,
        ),
    )
    limits = {name: wrongs[name] for name in ("blocked", "too_good_bps") if name in wrongs}
    assert reasons(found(seen, wrongs.get("frozen"), **limits)) == {LOOP: LAYERS[first][0]}
