from dataclasses import replace
from decimal import Decimal

import pytest

from shared.domain.latency import Latencies, Latency
from shared.domain.market import Side
from shared.domain.opportunity import Reason
from shared.domain.simulation import due_times, execute, refused
from shared.domain.trade import Purpose, TradeStatus
from shared.errors import InputError
from tests.desk.desk_world import (
    STILL,
    VALUES,
    D,
    book,
    by_symbol,
    conditions,
    instrument,
    listed,
    opportunity,
    portfolio,
)

BUY_LOW = ("binance", "BTC/USDT", Side.BUY)
SELL_HIGH = ("kraken", "BTC/USDT", Side.SELL)
MARKETS = listed(instrument("binance", bps=10), instrument("kraken", bps=40, fee="quote"))
BINANCE = book("binance", [("59990", 2)], [("60000", "0.1"), ("60010", 2)], at_ms=1_000)
KRAKEN = book("kraken", [("60900", "0.1"), ("60890", 2)], [("60910", 2)], at_ms=1_000)
FOUND = opportunity([BUY_LOW, SELL_HIGH], by_symbol(BINANCE, KRAKEN), MARKETS, "0.3")
HOLDINGS = portfolio(binance={"USDT": 100_000, "BTC": 1}, kraken={"USDT": 100_000, "BTC": 1})


def seen(shown, at_ms, **changes):
    return replace(shown, received_ms=at_ms, **changes)


def moved(shown, factor):
    return replace(
        shown,
        bids=tuple(level._replace(price=level.price * D(factor)) for level in shown.bids),
        asks=tuple(level._replace(price=level.price * D(factor)) for level in shown.asks),
    )


def run(*books, found=FOUND, holdings=HOLDINGS, markets=MARKETS, taken=None, scan_id="scan", **around):
    scale = around.pop("scale", Decimal(1))
    return execute(
        found,
        scan_id=scan_id,
        decided_ms=1_000,
        conditions=conditions(by_symbol(*books), markets, **around),
        portfolio=holdings,
        taken=taken or {},
        scale=scale,
    )


def causes(trade):
    assert sum(amount for _, amount in trade.causes) == trade.realised_profit - trade.decision_profit
    return dict(trade.causes)


def test_unchanged_books_earn_exactly_what_was_decided():
    trade = run(seen(BINANCE, 1_100), seen(KRAKEN, 1_100)).trade
    assert trade.status is TradeStatus.FILLED
    assert trade.realised_profit == trade.decision_profit == FOUND.net_profit
    assert not any(causes(trade).values())
    assert trade.detail == ""


def test_fills_walk_the_levels_with_the_fee_on_the_right_asset():
    trade = run(seen(BINANCE, 1_100), seen(KRAKEN, 1_100)).trade
    bought, deeper, sold, *_ = trade.fills
    assert (bought.price, bought.amount, bought.fee, bought.fee_asset) == (
        60_000,
        D("0.1"),
        D("0.0001"),
        "BTC",
    )
    assert (deeper.price, deeper.amount) == (60_010, D("0.2"))
    assert (sold.price, sold.notional, sold.fee, sold.fee_asset) == (60_900, 6_090, D("24.36"), "USDT")


def test_a_fill_never_goes_beyond_the_limit_price():
    worse = seen(moved(BINANCE, "1.0001"), 1_100)
    trade = run(worse, seen(KRAKEN, 1_100)).trade
    bought = [fill for fill in trade.fills if fill.venue == "binance"]
    assert [fill.price for fill in bought] == [D("60006.0000")]
    assert trade.status is TradeStatus.PARTIAL
    assert "leg 0 binance:BTC/USDT:buy filled 0.10000 of 0.30000 at 60010 or better" in trade.detail


def test_a_better_price_is_kept_as_profit_of_delay_or_latency():
    early = run(
        seen(BINANCE, 1_000), seen(KRAKEN, 1_000), seen(moved(BINANCE, "0.999"), 1_060), seen(KRAKEN, 1_060)
    )
    assert causes(early.trade)["latency"] > 0
    assert causes(early.trade)["delay"] == 0
    late = run(seen(moved(BINANCE, "0.999"), 1_060), seen(KRAKEN, 1_060))
    assert causes(late.trade)["delay"] > 0
    assert causes(late.trade)["latency"] == 0
    assert early.trade.realised_profit == late.trade.realised_profit > FOUND.net_profit


def test_books_from_before_the_order_arrived_do_not_fill_it():
    trade = run(seen(BINANCE, 1_049), seen(KRAKEN, 1_049)).trade
    assert trade.status is TradeStatus.MISSED
    assert trade.fills == ()
    assert trade.realised_profit == 0
    assert causes(trade)["partial_fill"] == -(FOUND.net_profit + sum_of_fees(FOUND))


def sum_of_fees(found):
    return found.legs[0].fee * VALUES["BTC"] + found.legs[1].fee


def test_books_that_come_later_than_the_age_limit_do_not_fill():
    assert run(seen(BINANCE, 1_550), seen(KRAKEN, 1_551), max_age_ms=500).trade.status is TradeStatus.PARTIAL
    assert run(seen(BINANCE, 1_550), seen(KRAKEN, 1_550), max_age_ms=500).trade.status is TradeStatus.FILLED


def test_a_book_that_was_old_when_it_was_seen_does_not_fill():
    frozen = seen(KRAKEN, 1_100, time_ms=1_100 - 3_001)
    assert (
        "leg 1 kraken:BTC/USDT:sell found no book in time" in run(seen(BINANCE, 1_100), frozen).trade.detail
    )


def test_a_book_without_a_time_of_receipt_counts_from_the_exchange_clock():
    by_clock = [replace(shown, received_ms=None, time_ms=1_070) for shown in (BINANCE, KRAKEN)]
    assert run(*by_clock).trade.status is TradeStatus.FILLED
    timeless = [replace(shown, received_ms=None, time_ms=None) for shown in (BINANCE, KRAKEN)]
    assert run(*timeless).trade.status is TradeStatus.MISSED


def test_a_leg_whose_venue_died_is_unwound_where_it_is_held_at_its_real_cost():
    done = run(seen(BINANCE, 1_100))
    trade = done.trade
    unwound = [fill for fill in trade.fills if fill.purpose is Purpose.UNWIND]
    assert [(fill.venue, fill.side, fill.leg, fill.price) for fill in unwound] == [
        ("binance", Side.SELL, 1, D("59990"))
    ]
    assert trade.status is TradeStatus.PARTIAL
    assert trade.realised_profit < 0
    assert causes(trade)["unwind"] < 0
    assert abs(done.portfolio.total("BTC") - 2) < D("0.00001")


def test_a_short_leg_is_bought_back_where_it_was_sold():
    done = run(seen(KRAKEN, 1_100))
    unwound = [fill for fill in done.trade.fills if fill.purpose is Purpose.UNWIND]
    assert [(fill.venue, fill.side, fill.leg) for fill in unwound] == [("kraken", Side.BUY, 0)]
    assert abs(done.portfolio.total("BTC") - 2) < D("0.00001")


def test_a_buyback_allows_for_the_fee_taken_from_what_it_buys():
    markets = listed(instrument("binance"), instrument("kraken", bps=100, fee="received"))
    done = run(seen(KRAKEN, 1_100), markets=markets)
    assert abs(done.portfolio.total("BTC") - 2) < D("0.00001")


DOLLARS = [
    ("binance", "BTC/USDT", Side.BUY),
    ("kraken", "BTC/USD", Side.SELL),
    ("kraken", "USDT/USD", Side.BUY),
]
DOLLAR_MARKETS = listed(
    instrument("binance"),
    instrument("kraken", "BTC/USD", fee="quote"),
    instrument("kraken", "USDT/USD", step="0.01", fee="quote"),
)
DOLLAR_BOOKS = (
    BINANCE,
    book("kraken", [(60_900, 2)], [(60_910, 2)], 1_000, "BTC/USD"),
    book("kraken", [("0.9989", 10**6)], [("0.9990", 10**6)], 1_000, "USDT/USD"),
)


def dollar_loop(*books, balances):
    values = {**VALUES, "USD": D("0.999")}
    return execute(
        opportunity(DOLLARS, by_symbol(*DOLLAR_BOOKS), DOLLAR_MARKETS, "0.3", values),
        scan_id="scan",
        decided_ms=1_000,
        conditions=conditions(by_symbol(*books), DOLLAR_MARKETS, values=values),
        portfolio=portfolio(**balances),
        taken={},
    )


def test_a_surplus_of_a_quote_asset_buys_the_start_asset_back():
    dearer = replace(DOLLAR_BOOKS[2], asks=(DOLLAR_BOOKS[2].asks[0]._replace(price=D("0.9995")),))
    done = dollar_loop(
        seen(BINANCE, 1_200),
        seen(DOLLAR_BOOKS[1], 1_200),
        seen(dearer, 1_200),
        balances={"binance": {"USDT": 20_000}, "kraken": {"BTC": 1}},
    )
    unwound = [fill for fill in done.trade.fills if fill.purpose is Purpose.UNWIND]
    assert [(fill.symbol, fill.side, fill.leg) for fill in unwound] == [("USDT/USD", Side.BUY, 2)]
    assert 0 <= done.portfolio.balance("kraken", "USD") < D("0.02")
    assert done.trade.realised_profit > 0


def test_a_shortage_of_a_quote_asset_is_covered_by_selling_the_start_asset():
    loop = [
        ("kraken", "USDT/USD", Side.SELL),
        ("bybit", "BTC/USD", Side.BUY),
        ("binance", "BTC/USDT", Side.SELL),
    ]
    markets = listed(
        instrument("kraken", "USDT/USD", step="0.01"),
        instrument("bybit", "BTC/USD"),
        instrument("bybit", "USDT/USD", step="0.01"),
        instrument("binance"),
    )
    books = (
        book("kraken", [("1.0010", 10**6)], [("1.0011", 10**6)], 1_000, "USDT/USD"),
        book("bybit", [(59_800, 2)], [(59_810, 2)], 1_000, "BTC/USD"),
        BINANCE,
    )
    values = {**VALUES, "USD": D("0.999")}
    later = (
        seen(books[1], 1_100),
        seen(BINANCE, 1_100),
        book("bybit", [("1.0009", 10**6)], [], 1_100, "USDT/USD"),
    )
    done = execute(
        opportunity(loop, by_symbol(*books), markets, 18_000, values),
        scan_id="scan",
        decided_ms=1_000,
        conditions=conditions(by_symbol(*later), markets, values=values),
        portfolio=portfolio(
            kraken={"USDT": 20_000}, bybit={"USD": 20_000, "USDT": 20_000}, binance={"BTC": 1}
        ),
        taken={},
    )
    unwound = [fill for fill in done.trade.fills if fill.purpose is Purpose.UNWIND]
    assert [(fill.venue, fill.symbol, fill.side, fill.leg) for fill in unwound] == [
        ("bybit", "USDT/USD", Side.SELL, 0)
    ]
    one_step_of_bitcoin = D("0.00001") * 59_810
    assert abs(done.portfolio.total("USD") - 20_000) < one_step_of_bitcoin


def test_an_exposure_without_a_direct_pair_is_carried_at_mid():
    loop = [
        ("gateio", "SOL/USDT", Side.BUY),
        ("gateio", "SOL/BTC", Side.SELL),
        ("kraken", "BTC/USDT", Side.SELL),
    ]
    markets = listed(
        instrument("gateio", "SOL/USDT", step="0.01"),
        instrument("gateio", "SOL/BTC", step="0.01", notional="0.0001"),
        instrument("kraken", "BTC/USDT", fee="quote"),
    )
    sol = book("gateio", [(149, 100)], [(150, 100)], 1_100, "SOL/USDT")
    cross = book("gateio", [("0.00251", 100)], [("0.00252", 100)], 1_100, "SOL/BTC")
    found = opportunity(loop, by_symbol(sol, cross, KRAKEN), markets, 20)
    holdings = portfolio(gateio={"USDT": 5_000}, kraken={"BTC": 1})
    trade = execute(
        found,
        scan_id="scan",
        decided_ms=1_000,
        conditions=conditions(
            by_symbol(replace(sol, received_ms=1_200), replace(cross, received_ms=1_200)), markets
        ),
        portfolio=holdings,
        taken={},
    ).trade
    held = dict(trade.exposure)["BTC"]
    assert trade.realised_profit == -3_000
    assert trade.unrealised_profit == sum(amount * VALUES[asset] for asset, amount in trade.exposure)
    assert (trade.realised_value, trade.unrealised_value) == (-3_000, trade.unrealised_profit)
    assert trade.profit == trade.profit_value == trade.unrealised_profit - 3_000
    assert held == D("19.98") * D("0.00251") * D("0.999")
    assert causes(trade)["unwind"] < -2_900


def test_a_leg_on_the_same_venue_is_floored_to_what_came_in():
    loop = [
        ("gateio", "SOL/USDT", Side.BUY),
        ("gateio", "SOL/BTC", Side.SELL),
        ("gateio", "BTC/USDT", Side.SELL),
    ]
    markets = listed(
        instrument("gateio", "SOL/USDT", step="0.01"),
        instrument("gateio", "SOL/BTC", step="0.01", notional="0.0001"),
        instrument("gateio", "BTC/USDT"),
    )
    sol = book("gateio", [(149, 100)], [(150, 100)], 1_000, "SOL/USDT")
    cross = book("gateio", [("0.00251", 10), ("0.00250", 100)], [("0.00252", 100)], 1_000, "SOL/BTC")
    bitcoin = book("gateio", [(60_000, 5)], [(60_001, 5)], 1_000)
    found = opportunity(loop, by_symbol(sol, cross, bitcoin), markets, 20)
    later = by_symbol(
        seen(sol, 1_300),
        seen(cross, 1_300, bids=cross.bids[1:]),
        seen(bitcoin, 1_300),
    )
    trade = execute(
        found,
        scan_id="scan",
        decided_ms=1_000,
        conditions=conditions(later, markets),
        portfolio=portfolio(gateio={"USDT": 5_000, "BTC": 10}),
        taken={},
    ).trade
    sold = sum(fill.amount for fill in trade.fills if fill.symbol == "BTC/USDT")
    assert sold < found.legs[2].amount
    assert sold == (D("19.98") * D("0.00250") * D("0.999")).quantize(D("0.00001"), "ROUND_FLOOR")
    assert trade.status is TradeStatus.FILLED
    assert causes(trade)["delay"] < 0
    assert abs(dict(trade.exposure).get("BTC", Decimal(0))) < D("0.00001")


def test_orders_of_one_venue_go_out_one_after_another():
    both = replace(FOUND, legs=(FOUND.legs[0], replace(FOUND.legs[1], venue="binance")))
    assert due_times(both, "scan", 1_000, STILL) == (1_050, 1_100)
    assert due_times(FOUND, "scan", 1_000, STILL) == (1_050, 1_050)


def test_trades_of_one_scan_eat_the_depth_they_take():
    books = (seen(BINANCE, 1_100), seen(KRAKEN, 1_100))
    first = run(*books)
    second = run(*books, holdings=first.portfolio, taken=first.taken)
    assert {fill.price for fill in second.trade.fills if fill.venue == "binance"} == {60_010}
    assert causes(second.trade)["slippage"] < 0
    assert causes(second.trade)["latency"] == causes(second.trade)["delay"] == 0


def test_a_scaled_trade_is_smaller_and_floored_to_steps():
    trade = run(seen(BINANCE, 1_100), seen(KRAKEN, 1_100), scale=D("0.33333")).trade
    bought = sum(fill.amount for fill in trade.fills if fill.leg == 0)
    sold = sum(fill.amount for fill in trade.fills if fill.leg == 1)
    assert bought == D("0.09999")
    assert bought * D("0.999") - D("0.00001") < sold <= bought * D("0.999")
    assert trade.status is TradeStatus.FILLED
    assert 0 < trade.start_amount < FOUND.start_amount / 3
    causes(trade)


def test_a_scaled_loop_never_sells_more_than_it_buys():
    for share in range(3, 211):
        trade = run(seen(BINANCE, 1_100), seen(KRAKEN, 1_100), scale=D(share) / 211).trade
        assert trade.status is TradeStatus.FILLED
        assert 0 <= dict(trade.exposure).get("BTC", 0) < D("0.00002")


@pytest.mark.parametrize("scale", ["0", "-0.5", "1.0001"])
def test_no_scale_can_enlarge_or_reverse_a_trade(scale):
    with pytest.raises(InputError, match="never enlarged"):
        run(seen(BINANCE, 1_100), seen(KRAKEN, 1_100), scale=D(scale))


def test_a_scale_below_the_minimums_is_refused():
    trade = run(seen(BINANCE, 1_100), seen(KRAKEN, 1_100), scale=D("0.0001")).trade
    assert (trade.status, trade.reason) == (TradeStatus.REFUSED, Reason.BELOW_MIN_NOTIONAL)


def test_balances_that_pay_for_less_shrink_the_whole_loop():
    poor = portfolio(binance={"USDT": 100_000}, kraken={"BTC": "0.1"})
    done = run(seen(BINANCE, 1_100), seen(KRAKEN, 1_100), holdings=poor)
    assert done.trade.status is TradeStatus.FILLED
    assert D("0.0999") < sum(fill.amount for fill in done.trade.fills if fill.leg == 1) <= D("0.1")
    assert done.portfolio.balance("kraken", "BTC") >= 0
    assert abs(done.trade.unrealised_profit) < 1


def test_an_asset_that_is_not_held_is_refused_and_nothing_is_booked():
    poor = portfolio(binance={"USDT": 100_000}, kraken={"USDT": 100_000})
    done = run(seen(BINANCE, 1_100), seen(KRAKEN, 1_100), holdings=poor)
    assert (done.trade.status, done.trade.reason) == (TradeStatus.REFUSED, Reason.NO_INVENTORY)
    assert done.portfolio == poor


def test_unknown_depth_is_not_filled():
    thin = replace(KRAKEN, bids=(KRAKEN.bids[0], KRAKEN.bids[1]._replace(amount=None)))
    trade = run(seen(BINANCE, 1_100), seen(thin, 1_100)).trade
    assert sum(fill.amount for fill in trade.fills if fill.leg == 1 and fill.purpose is Purpose.LEG) == D(
        "0.1"
    )


def test_fees_beyond_those_expected_are_a_cause_of_their_own():
    dearer = listed(instrument("binance", bps=10), instrument("kraken", bps=50, fee="quote"))
    split = causes(run(seen(BINANCE, 1_100), seen(KRAKEN, 1_100), markets=dearer).trade)
    assert split["fees"] == -(FOUND.legs[1].fee / 4)
    assert not any(amount for cause, amount in split.items() if cause != "fees")


def test_an_unknown_fee_or_value_is_an_error_that_names_it():
    with pytest.raises(InputError, match=r"kraken BTC/USDT.*fee"):
        run(BINANCE, KRAKEN, markets=listed(instrument("binance")))
    with pytest.raises(InputError, match="USDT has no value"):
        run(BINANCE, KRAKEN, values={})


def test_the_same_seed_gives_the_same_trade_and_another_seed_another():
    wild = Latencies(Latency(80, 0.8), seed=7)
    books = [seen(moved(BINANCE, 1 - D(k) / 10**5), 1_000 + 10 * k) for k in range(1, 40)]
    books += [seen(KRAKEN, 1_000 + 10 * k) for k in range(1, 40)]
    first, again = (run(*books, latencies=wild).trade for _ in range(2))
    other = run(*books, latencies=replace(wild, seed=8)).trade
    assert first == again
    assert first.fills != other.fills


def test_a_refused_trade_says_why_and_moves_nothing():
    trade = refused(FOUND, "scan", 1_000, Reason.KILL_SWITCH, "tripped by ops")
    assert (trade.status, trade.reason, trade.detail) == (
        TradeStatus.REFUSED,
        Reason.KILL_SWITCH,
        "tripped by ops",
    )
    assert trade.fills == ()
    assert trade.id == run(seen(BINANCE, 1_100), seen(KRAKEN, 1_100)).trade.id


def test_a_following_leg_may_wait_for_its_own_book():
    late = run(seen(BINANCE, 1_100), seen(KRAKEN, 2_000)).trade
    assert [fill.time_ms for fill in late.fills] == [1_100, 1_100, 2_000, 2_000]
    assert late.completed_ms == 2_000
