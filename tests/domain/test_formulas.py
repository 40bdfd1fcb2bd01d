"""The design's formulas, on loops small enough to follow by hand."""

from dataclasses import replace

import pytest

from shared.domain.detection import candidates
from shared.domain.opportunity import Reason
from tests.domain.small_market import D, book, found, paths, policy, reasons, snapshot, top, venue


def only(detection):
    (opportunity,) = detection.opportunities
    return opportunity


def test_a_loop_of_two_pays_both_fees_each_from_the_asset_received():
    market = snapshot(
        binance={"BTC/USDT": book([("59990", "1")], [("60001", "0.4"), ("60003", "1")])},
        kraken={"BTC/USDT": book([("60300", "0.6")], [("60310", "1")])},
    )
    loop = only(found(market))
    assert loop.path == ("binance:BTC/USDT:buy", "kraken:BTC/USDT:sell")
    buy, sell = loop.legs
    assert (buy.amount, sell.amount) == (D("0.600600600600600601"), D("0.6"))
    assert (buy.fee, buy.fee_asset) == (buy.amount * D("0.001"), "BTC")
    assert (sell.fee, sell.fee_asset) == (sell.amount * D("60300") * D("0.001"), "USDT")
    assert loop.start_amount == D("60001") * D("0.4") + D("60003") * (buy.amount - D("0.4"))
    assert loop.end_amount == sell.amount * D("60300") * D("0.999")
    assert loop.net_profit == loop.end_amount - loop.start_amount
    assert loop.net_bps == pytest.approx(loop.net_profit / loop.start_amount * 10_000)
    assert (buy.limit_price, sell.limit_price) == (D(60003), D(60300))
    assert loop.gross_profit == pytest.approx(
        loop.start_amount * (sell.average_price / buy.average_price - 1)
    )


def test_a_fee_from_the_quote_asset_is_paid_on_top():
    market = snapshot(
        binance=venue("binance", {"BTC/USDT": top(99, 100, 1)}, fee="quote"),
        kraken=venue("kraken", {"BTC/USDT": top(101, 102, 1)}, fee="quote"),
    )
    loop = only(found(market))
    buy, sell = loop.legs
    assert loop.start_amount == D("100.1")
    assert (buy.amount, sell.amount) == (1, 1)
    assert (buy.fee, buy.fee_asset) == (D("0.1"), "USDT")
    assert loop.end_amount == D("100.899")


def test_an_instruments_own_fee_goes_before_the_venues():
    terms = {"BTC/USDT": {"taker_bps": 0, "fee_asset": None}}
    market = snapshot(
        binance=venue("binance", {"BTC/USDT": top(99, 100, 1)}, bps=90, instruments=terms),
        kraken=venue("kraken", {"BTC/USDT": top("100.5", 102, 1)}, bps=0),
    )
    assert only(found(market)).net_profit == D("0.5")


def test_the_loop_starts_with_the_first_known_start_asset():
    market = snapshot(
        binance={"ABC/BTC": top("0.00099", "0.00100", 100)},
        kraken={"ABC/BTC": top("0.001005", "0.0011", 100)},
    )
    refused = found(market).rejections[0]
    assert refused.path == ("binance:ABC/BTC:buy", "kraken:ABC/BTC:sell")
    assert refused.reason is Reason.BELOW_MIN_PROFIT, "a profit in BTC has no value without a price of BTC"


def test_a_triangle_on_one_venue_is_found_in_the_direction_that_pays():
    books = {
        "BTC/USDT": top(60000, 60001, 10),
        "ETH/USDT": top(3000, "3000.1", 100),
        "ETH/BTC": top("0.0503", "0.0504", 100),
    }
    loop = only(found(snapshot(binance=books)))
    assert loop.kind == "three_leg"
    assert loop.path == ("binance:ETH/USDT:buy", "binance:ETH/BTC:sell", "binance:BTC/USDT:sell")
    assert loop.marks == ()


def test_a_difference_between_quote_currencies_closes_through_their_own_book():
    """BTC is 1 % dearer in USD, but USD is 1 % cheaper too: at par this would be a gift."""
    books = {
        "binance": {"BTC/USDT": top(60000, 60010, 1)},
        "kraken": {"BTC/USD": top(60600, 60610, 1), "USDT/USD": top("1.0100", "1.0101", 100_000)},
    }
    assert found(snapshot(**books)).opportunities == ()
    cheap = books["kraken"] | {"USDT/USD": top("1.0050", "1.0051", 100_000)}
    assert paths(found(snapshot(binance=books["binance"], kraken=cheap))) == {
        "binance:BTC/USDT:buy kraken:BTC/USD:sell kraken:USDT/USD:buy"
    }


def test_books_of_opposite_orientation_close_a_loop():
    market = snapshot(
        binance={"EUR/BTC": top("0.0000199", "0.00002", 100_000), "BTC/USDT": top(50_000, 50_001, 1)},
        kraken={"BTC/EUR": top(49_000, "49_700", 1)},
    )
    loops = paths(found(market, min_profit=D(0))) | set(reasons(found(market)))
    assert "kraken:BTC/EUR:buy" in " ".join(loops)


def test_unknown_depth_ends_what_may_be_sized():
    market = snapshot(
        binance={"BTC/USDT": book([(99, 1)], [(100, "0.5"), ("100.1", None), ("100.2", 5)])},
        kraken={"BTC/USDT": top(101, 102, 5)},
    )
    assert only(found(market)).legs[0].amount == D("0.5")
    unknown = snapshot(
        binance={"BTC/USDT": book([(99, 1)], [(100, None)])}, kraken={"BTC/USDT": top(101, 102, 5)}
    )
    assert reasons(found(unknown)) == {"binance:BTC/USDT:buy kraken:BTC/USDT:sell": "UNKNOWN_DEPTH"}


def test_levels_without_amount_are_passed_over():
    market = snapshot(
        binance={"BTC/USDT": book([(99, 1)], [(100, 0), ("100.5", 1)])}, kraken={"BTC/USDT": top(101, 102, 5)}
    )
    loop = only(found(market))
    assert loop.legs[0].average_price == D("100.5")


def test_capital_bounds_what_a_loop_starts_with():
    market = snapshot(binance={"BTC/USDT": top(99, 100, 10)}, kraken={"BTC/USDT": top("100.9", 102, 10)})
    assert only(found(market, capital=D(250))).start_amount == 250


def test_each_leg_spends_its_own_venues_balance():
    books = {"binance": {"BTC/USDT": top(99, 100, 10)}, "kraken": {"BTC/USDT": top("100.9", 102, 10)}}
    funded = {"binance": {"USDT": 1000}, "kraken": {"BTC": 3}}
    assert only(found(snapshot(balances=funded, **books))).legs[1].amount == 3
    unfunded = {"binance": {"USDT": 1000}, "kraken": {"USDT": 1000}}
    assert reasons(found(snapshot(balances=unfunded, **books))) == {
        "binance:BTC/USDT:buy kraken:BTC/USDT:sell": "NO_INVENTORY"
    }


def test_legs_on_one_venue_live_on_what_came_in():
    books = {
        "BTC/USDT": top(60000, 60001, 10),
        "ETH/USDT": top(3000, "3000.1", 100),
        "ETH/BTC": top("0.0503", "0.0504", 100),
    }
    market = snapshot(balances={"binance": {"USDT": 3000}}, binance=books)
    assert only(found(market)).start_amount == pytest.approx(3000)


def test_the_cost_of_transfers_is_taken_off_after_sizing():
    market = snapshot(binance={"BTC/USDT": top(99, 100, 10)}, kraken={"BTC/USDT": top("100.9", 102, 10)})
    fee = {
        asset: replace(
            currency, networks={"NET": replace(currency.networks["NET"], withdraw_fee=D(withdrawal))}
        )
        for (asset, currency), withdrawal in zip(
            list(market.venues["binance"].currencies.items()), [2, 0, 0, 0, "0.01", 0, 0, 0, 0], strict=True
        )
    }
    costly = replace(
        market, venues={name: replace(each, currencies=fee) for name, each in market.venues.items()}
    )
    free = only(found(costly))
    charged = only(found(costly, rebalance_trades=D(10)))
    value_of_btc = (D("99.5") + D("101.45")) / 2
    assert charged.legs == free.legs
    assert free.net_profit - charged.net_profit == pytest.approx((2 + D("0.01") * value_of_btc) / 10)
    assert only(found(market, rebalance_trades=D(10))).marks == ("REBALANCING_UNKNOWN",)


def test_the_best_profit_comes_first_and_ids_follow_from_content():
    market = snapshot(
        binance={"BTC/USDT": top(99, 100, 1), "ETH/USDT": top(99, 100, 5)},
        kraken={"BTC/USDT": top("100.9", 102, 1), "ETH/USDT": top("100.9", 102, 5)},
    )
    first, second = found(market).opportunities
    assert first.legs[0].symbol == "ETH/USDT"
    assert first.id != second.id
    assert [first.id, second.id] == [loop.id for loop in found(market).opportunities]


def test_candidates_are_the_books_of_clean_loops_and_the_pairs_to_unwind_on():
    market = snapshot(
        binance={
            "ABC/BTC": top("0.00099", "0.001", 100),
            "ABC/USDT": top(59, 60),
            "BTC/USDT": top(60000, 60010),
        },
        kraken={"ABC/BTC": top("0.001005", "0.0011", 100), "BTC/USDT": top(60000, 60010)},
        bybit={"ABC/BTC": top("0.00101", "0.0012", 100, age_ms=60_000)},
    )
    wanted = candidates(market, policy())
    assert {("binance", "ABC/BTC"), ("kraken", "ABC/BTC")} <= set(wanted)
    assert all(venue != "bybit" for venue, _ in wanted)
    unwinding = snapshot(
        binance={"ABC/USDT": top(59, 60), "BTC/USDT": top(60000, 60010)},
        kraken={
            "ABC/BTC": top("0.001007", "0.0011", 100),
            "ABC/USDT": top(55, 65),
            "BTC/USDT": top(59000, 61000),
        },
    )
    assert ("kraken", "ABC/USDT") in candidates(unwinding, policy())


@pytest.mark.parametrize("kind", ["two_leg", "three_leg"])
def test_only_the_kinds_that_the_policy_wants_are_looked_for(kind):
    market = snapshot(
        binance={
            "BTC/USDT": top(99, 100, 10),
            "ETH/USDT": top(99, 100, 10),
            "ETH/BTC": top("1.000", "1.02", 1),
        },
        kraken={"BTC/USDT": top("100.9", 102, 10)},
    )
    assert {loop.kind for loop in found(market, kinds=frozenset({kind})).opportunities} == {kind}
