"""Every reason to refuse, alone and in order of precedence."""

from dataclasses import replace

import pytest

from shared.domain.market import Currency, Network
from shared.domain.opportunity import Reason
from tests.domain.small_market import ASSETS, NOW, OPEN, D, book, found, paths, reasons, snapshot, top, venue

LOOP = "binance:BTC/USDT:buy kraken:BTC/USDT:sell"
CHEAP, DEAR = top(99, 100), top("100.9", 102)


def two_venues(cheap=CHEAP, dear=DEAR, **markets):
    """A true edge of about 70 bps between two venues."""
    return snapshot(
        **{"binance": {"BTC/USDT": cheap}, "kraken": {"BTC/USDT": dear}} | markets,
    )


def travelling(**networks):
    return dict.fromkeys(ASSETS, Currency(networks=networks))


def kraken(books=None, **changes):
    return venue("kraken", books or {"BTC/USDT": DEAR}, **changes)


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


def test_assets_with_different_ids_or_contracts_are_different():
    other = dict.fromkeys(ASSETS, OPEN) | {"BTC": replace(OPEN, asset_id="bitcoin-of-another-chain")}
    known = dict.fromkeys(ASSETS, OPEN) | {"BTC": replace(OPEN, asset_id="bitcoin")}
    cheap = venue("binance", {"BTC/USDT": CHEAP}, currencies=known)
    assert reasons(found(two_venues(binance=cheap, kraken=kraken(currencies=other)))) == {
        LOOP: "IDENTITY_CONFLICT"
    }
    assert paths(found(two_venues(binance=cheap))) == {LOOP}
    here = travelling(ERC20=Network(deposit=True, withdraw=True, contract="0xAbC"))
    there = travelling(ETH=Network(deposit=True, withdraw=True, contract="0xdef"))
    same = travelling(ETH=Network(deposit=True, withdraw=True, contract="0xABC"))
    cheap = venue("binance", {"BTC/USDT": CHEAP}, currencies=here)
    assert reasons(found(two_venues(binance=cheap, kraken=kraken(currencies=there)))) == {
        LOOP: "IDENTITY_CONFLICT"
    }
    assert paths(found(two_venues(binance=cheap, kraken=kraken(currencies=same)))) == {LOOP}


def test_of_three_venues_the_odd_price_is_named_and_the_others_still_trade():
    market = two_venues(bybit={"BTC/USDT": top(200, 201)})
    detection = found(market)
    assert paths(detection) == {LOOP}
    assert set(reasons(detection).values()) == {"IDENTITY_CONFLICT"}
    assert all("bybit" in path for path in reasons(detection))


def test_of_two_venues_neither_price_is_believed():
    detection = found(two_venues(dear=top(200, 201)))
    assert reasons(detection) == {LOOP: "IDENTITY_CONFLICT"}


def test_a_collision_is_seen_across_quote_currencies():
    market = snapshot(
        binance={"ABC/USDT": top(1, "1.001", 1000), "USDC/USDT": top("0.9999", "1.0001", 10_000)},
        kraken={"ABC/USDC": top(3, "3.01", 1000)},
    )
    assert set(reasons(found(market)).values()) == {"IDENTITY_CONFLICT"}


def test_a_colliding_ticker_still_trades_with_itself_on_its_own_venue():
    triangle = {
        "ABC/USDT": top(2, "2.001", 1000),
        "ABC/BTC": top("0.00003360", "0.000034", 1000),
        "BTC/USDT": top(60_000, 60_010),
    }
    market = snapshot(gateio=triangle, binance={"ABC/USDT": top(1, "1.001", 1000)})
    assert paths(found(market)) == {"gateio:ABC/USDT:buy gateio:ABC/BTC:sell gateio:BTC/USDT:sell"}


def test_one_mispriced_book_among_three_is_odd_and_hides_nothing():
    market = two_venues(bybit={"BTC/USDT": top(9_900, 10_000)}, gateio={"BTC/USDT": top("100.5", 101)})
    detection = found(market)
    assert LOOP in paths(detection)
    assert set(reasons(detection).values()) <= {"IDENTITY_CONFLICT", "DEPTH_TAKEN"}


@pytest.mark.parametrize(
    ("leaves", "arrives", "expected"),
    [
        ({"A": (True, True)}, {"A": (True, True)}, None),
        ({"A": (None, True)}, {"A": (False, True)}, "DEPOSIT_CLOSED"),
        ({"A": (True, False)}, {"A": (True, True)}, "WITHDRAW_CLOSED"),
        ({"A": (True, False)}, {"A": (False, True)}, "DEPOSIT_CLOSED"),
        ({"A": (True, True)}, {"B": (True, True)}, "NO_COMMON_NETWORK"),
        (
            {"A": (True, True), "B": (True, False)},
            {"A": (False, True), "B": (True, True)},
            "NO_COMMON_NETWORK",
        ),
        ({"A": (True, True), "B": (True, False)}, {"A": (True, True), "B": (False, True)}, None),
        ({"A": (True, None)}, {"A": (True, True)}, "TRANSFER_UNKNOWN"),
        ({"A": (True, True), "B": (True, True)}, {"A": (False, True), "B": (None, True)}, "TRANSFER_UNKNOWN"),
        ({}, {"A": (True, True)}, "TRANSFER_UNKNOWN"),
        ({}, {}, "TRANSFER_UNKNOWN"),
        ({}, {"A": (False, False)}, "DEPOSIT_CLOSED"),
        ({"ERC20": (True, True)}, {"ETH": (True, True)}, None),
        ({"BEP20": (True, True)}, {"BSC": (True, True)}, None),
        ({"ARBEVM": (True, True)}, {"ARBI": (True, True)}, None),
        ({"CAVAX": (True, True)}, {"AVAX_C": (True, True)}, None),
    ],
)
def test_what_piles_up_must_find_a_way_to_where_it_runs_short(leaves, arrives, expected):
    """BTC bought on binance has to reach kraken; USDT comes back on an open way. Flags: (deposit, withdraw)."""

    def currencies(networks):
        btc = Currency(networks={name: Network(*flags) for name, flags in networks.items()})
        return dict.fromkeys(ASSETS, OPEN) | {"BTC": btc}

    market = two_venues(
        binance=venue("binance", {"BTC/USDT": CHEAP}, currencies=currencies(leaves)),
        kraken=kraken(currencies=currencies(arrives)),
    )
    strict = reasons(found(market, transfer_unknown_allowed=False))
    assert strict == ({} if expected is None else {LOOP: expected})
    if expected == "TRANSFER_UNKNOWN":
        (loop,) = found(market).opportunities
        assert loop.marks == ("TRANSFER_UNKNOWN",)


def test_the_start_asset_must_be_able_to_come_back():
    closed = dict.fromkeys(ASSETS, OPEN) | {
        "USDT": Currency(networks={"NET": Network(deposit=False, withdraw=True)})
    }
    market = two_venues(binance=venue("binance", {"BTC/USDT": CHEAP}, currencies=closed))
    assert reasons(found(market)) == {LOOP: "DEPOSIT_CLOSED"}


def test_loops_on_one_venue_need_no_transfer():
    closed = dict.fromkeys(ASSETS, Currency(networks={"NET": Network(deposit=False, withdraw=False)}))
    books = {
        "BTC/USDT": top(60000, 60001),
        "ETH/USDT": top(3000, "3000.1", 100),
        "ETH/BTC": top("0.0503", "0.0504", 100),
    }
    assert len(found(snapshot(binance=venue("binance", books, currencies=closed))).opportunities) == 1


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
