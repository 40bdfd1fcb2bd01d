import json
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.market import Side
from shared.domain.opportunity import Reason
from shared.domain.portfolio import GRAIN, Portfolio, floor_to_step, fund, net_flows, value
from shared.domain.simulation import execute, refused
from shared.domain.trade import Fill, Purpose, Transfer
from shared.errors import MalformedRecord, Overdraft
from tests.desk.desk_world import (
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

MARKETS = listed(instrument("binance"), instrument("kraken", bps=40, fee="quote"))
BINANCE = book("binance", [("59990", 2)], [("60000", 2)], at_ms=1_100)
KRAKEN = book("kraken", [("60900", 2)], [("60910", 2)], at_ms=1_100)
FOUND = opportunity(
    [("binance", "BTC/USDT", Side.BUY), ("kraken", "BTC/USDT", Side.SELL)],
    by_symbol(BINANCE, KRAKEN),
    MARKETS,
    "0.3",
)
START = portfolio(binance={"USDT": 100_000, "BTC": 1}, kraken={"USDT": 100_000, "BTC": 1})


def traded(*books):
    return execute(
        FOUND,
        scan_id="scan",
        decided_ms=1_000,
        conditions=conditions(by_symbol(*books), MARKETS),
        portfolio=START,
        taken={},
    )


def transfer(amount="0.5", fee="0.0002", arrives_ms=5_000):
    return Transfer("t", "BTC", "BTC", "binance", "kraken", D(amount), D(fee), 1_000, arrives_ms)


def test_both_sides_of_watched_instruments_are_funded_by_value():
    watched = [instrument("binance"), instrument("binance", "SOL/BTC"), instrument("kraken", "SOL/USDT")]
    funded = fund(watched, VALUES, base_value=D(3_000), quote_value=D(20_000))
    assert funded.balances == {
        "binance": {"BTC": D("0.33333333"), "USDT": D(20_000), "SOL": D(20)},
        "kraken": {"SOL": D(20), "USDT": D(20_000)},
    }
    assert funded.unaccounted() == {}
    assert value(funded, VALUES).total == value(funded, VALUES).initial


def test_an_asset_without_a_value_is_not_funded():
    funded = fund([instrument("binance", "ODD/USDT")], VALUES, base_value=D(1), quote_value=D(1))
    assert funded.balances == {"binance": {"USDT": 1}}


def test_a_trade_moves_balances_at_both_venues_and_is_realised():
    done = traded(BINANCE, KRAKEN)
    after = done.portfolio
    assert after.balance("binance", "USDT") == 82_000
    assert after.balance("binance", "BTC") == D("1.2997")
    assert after.balance("kraken", "BTC") == D("0.7003")
    assert after.realised == {"USDT": done.trade.realised_profit}
    assert after.unaccounted() == {}


def test_valuation_keeps_realised_unrealised_and_revaluation_apart():
    done = traded(BINANCE)
    carried = replace(done.trade, fills=tuple(f for f in done.trade.fills if f.purpose is Purpose.LEG))
    after = START.book(carried)
    doubled = {**VALUES, "BTC": D(120_000)}
    worth = value(after, doubled)
    assert worth.realised == -18_000
    assert worth.unrealised == D("0.2997") * 120_000
    assert worth.revaluation == 2 * 60_000
    assert worth.initial == 200_000 + 2 * 60_000
    assert worth.total == worth.initial + worth.revaluation + worth.realised + worth.unrealised
    assert worth.unvalued == ()


def test_transfers_are_under_way_then_arrive_less_their_fee_and_are_shown_apart():
    sent = START.send(transfer())
    assert sent.balance("binance", "BTC") == D("0.5")
    assert sent.settle(4_999) == sent
    worth = value(sent, VALUES)
    assert worth.in_transit == D("0.4998") * 60_000
    assert worth.transfer_fees == D("0.0002") * 60_000
    assert worth.total == worth.initial + worth.revaluation - worth.transfer_fees
    arrived = sent.settle(5_000)
    assert arrived.balance("kraken", "BTC") == D("1.4998")
    assert arrived.in_transit == ()
    assert arrived.unaccounted() == {}


def test_an_asset_without_a_value_is_named_and_in_no_sum():
    worth = value(START, {"USDT": D(1)})
    assert worth.unvalued == ("BTC",)
    assert worth.total == 200_000


def test_a_balance_never_goes_below_zero():
    done = traded(BINANCE, KRAKEN)
    with pytest.raises(
        Overdraft, match=r"kraken: BTC would fall to -0\.19970, the limit is 0; nothing was booked"
    ):
        portfolio(binance={"USDT": 100_000}, kraken={"BTC": "0.1"}).book(done.trade)
    with pytest.raises(Overdraft, match=r"the fee 0\.0002 exceeds the amount 0\.0001"):
        START.send(transfer(amount="0.0001"))


def test_a_refused_trade_changes_nothing():
    assert START.book(refused(FOUND, "scan", 1_000, Reason.VETOED, "no")) == START


def test_money_the_books_do_not_explain_is_named():
    lost = replace(START, balances={**START.balances, "kraken": {"USDT": D(99_999), "BTC": D(1)}})
    assert lost.unaccounted() == {"USDT": -1}


def test_a_portfolio_survives_json():
    busy = traded(BINANCE).portfolio.send(transfer("0.1"))
    assert Portfolio.from_dict(json.loads(json.dumps(busy.to_dict()))) == busy


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"version": 2}, "portfolio.version: 2"),
        ({"balances": {"kraken": {"BTC": "-1"}}}, "portfolio.balances.kraken.BTC"),
        ({"balances": {"kraken": {"BTC": "much"}}}, "portfolio: "),
        ({"balances": {"kraken": {"BTC": "NaN"}}}, "portfolio.balances.kraken.BTC"),
        ({"in_transit": [{"id": "t"}]}, "portfolio: "),
    ],
)
def test_a_record_that_is_no_portfolio_is_refused_by_field(change, told):
    with pytest.raises(MalformedRecord, match=told):
        Portfolio.from_dict({**START.to_dict(), **change})


digits = st.decimals(min_value="1e-18", max_value="1e19", places=18)


@given(digits, digits, digits)
def test_long_numbers_are_moved_to_the_last_digit(price, amount, fee):
    fill = Fill("v", "A/B", "A", "B", Side.SELL, Purpose.LEG, 0, price, amount, price, fee, "B", 0)
    flows = net_flows([fill])
    assert flows["A"] == amount.copy_negate()
    assert flows.get("B", 0) == Fraction(price) - Fraction(fee)


@given(
    st.decimals(min_value=0, max_value="1e19", places=18),
    st.sampled_from([None, "0.001", "0.5", "7", "1e-8"]),
)
def test_an_amount_is_floored_to_the_nearest_step_below(amount, step):
    floored = floor_to_step(amount, None if step is None else D(step))
    assert floored <= amount
    assert amount.copy_abs() - floored < (D(step) if step else GRAIN)
