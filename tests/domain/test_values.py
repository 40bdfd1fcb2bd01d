"""What assets are worth in USDT, and that nothing inexact is ever reported."""

import dataclasses
from decimal import Decimal, localcontext

import pytest

from shared.domain.detection import detect
from shared.domain.exact import EXACT
from shared.domain.gates import Books
from shared.domain.policy import DetectionPolicy
from shared.domain.values import Values
from tests.domain.small_market import D, found, policy, snapshot, top, venue
from tests.worlds.crowded import crowded_world


def worth(asset, **venues):
    market = snapshot(**venues)
    return Values(Books(market, policy(), {})).of(asset)


def test_the_median_of_the_venues_mids_counts():
    assert worth("ABC", binance={"ABC/USDT": top(9, 11)}, kraken={"ABC/USDT": top(10, 12)}) == D("10.5")
    assert (
        worth(
            "ABC",
            binance={"ABC/USDT": top(9, 11)},
            kraken={"ABC/USDT": top(10, 12)},
            bybit={"ABC/USDT": top(900, 1100)},
        )
        == 11
    )


def test_two_prices_far_apart_tell_nothing():
    assert worth("ABC", binance={"ABC/USDT": top(9, 11)}, kraken={"ABC/USDT": top(90, 110)}) is None


def test_a_book_quoted_the_other_way_round_counts_too():
    assert worth("USD", kraken={"USDT/USD": top("0.99", "1.01")}) == 1


def test_what_has_no_price_in_usdt_is_valued_through_btc():
    books = {"ABC/BTC": top("0.0009", "0.0011"), "BTC/USDT": top(59_000, 61_000)}
    assert worth("ABC", binance=books) == 60
    assert worth("ABC", binance={"ABC/BTC": top("0.0009", "0.0011")}) is None


def test_refused_and_one_sided_books_have_no_say():
    stale = {"ABC/USDT": top(9, 11, age_ms=60_000)}
    assert worth("ABC", binance=stale, kraken={"ABC/USDT": top(10, 14)}) == 12
    assert worth("ABC", binance={"ABC/USDT": top(9, 11)._replace(asks=[])}) is None


def numbers(value):
    """Every number in a detection."""
    if dataclasses.is_dataclass(value):
        value = [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from numbers(each)
    elif not isinstance(value, str):
        yield value


@pytest.mark.parametrize("seed", range(6))
def test_no_float_reaches_a_reported_number_and_amounts_hang_together_exactly(seed):
    world = crowded_world(seed)
    detection = detect(world, DetectionPolicy(min_profit=D(0), capital=D(700)))
    assert {type(number) for number in numbers(detection)} <= {Decimal, int}
    for opportunity in detection.opportunities:
        with localcontext(EXACT):
            assert opportunity.net_profit == opportunity.end_amount - opportunity.start_amount
        for leg in opportunity.legs:
            step = world.venues[leg.venue].instruments[leg.symbol].amount_step
            assert leg.amount % step == 0


def test_a_capital_too_small_for_the_minimums_is_named():
    terms = {"BTC/USDT": {"min_notional": 50}}
    market = snapshot(
        binance={"BTC/USDT": top(99, 100)},
        kraken=venue("kraken", {"BTC/USDT": top("100.9", 102)}, instruments=terms),
    )
    (refused,) = found(market, capital=D(20)).rejections
    assert (
        refused.detail == "no amount that could be sent fits a capital of 20 USDT, though the depth holds one"
    )
