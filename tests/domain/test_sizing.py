"""The size of a loop against a brute-force search, and its properties."""

import random
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.fees import TakerFee
from shared.domain.grid import first_within
from shared.domain.ladder import Order
from shared.domain.market import FeeAsset, Side
from shared.domain.sizing import Size, Unsizable, size
from tests.domain.small_market import D
from tests.worlds.brute_force import brute_force, fills

FEES = ("0", "0.001", "0.0004", "0.00075")


def random_order(draw, side, price, rows, step, limits):
    """Up to `rows` levels around a price, with or without steps and limits."""
    levels = []
    for _ in range(rows):
        amount = draw.randint(1, 12) * step * D(draw.choice(["1", "0.5", "0.37"]))
        levels.append((price, amount))
        price = round(price * (1 + D(draw.randint(1, 30)) / 10_000 * (1 if side is Side.BUY else -1)), 6)
    top = levels[0][0]
    fee = TakerFee(D(draw.choice(FEES)), draw.choice(list(FeeAsset)))
    if not limits:
        return Order(side, tuple(levels), fee)
    some = draw.random() < 0.4
    return Order(
        side,
        tuple(levels),
        fee,
        amount_step=step * draw.choice([1, 1, 2, 3]),
        min_amount=draw.choice([None, D(draw.randint(1, 4)) * step]),
        max_amount=D(draw.randint(5, 40)) * step if some else None,
        min_notional=top * step * D(draw.randint(1, 6)) if draw.random() < 0.5 else None,
        budget=(top if side is Side.BUY else 1) * step * D(draw.randint(4, 40)) if some else None,
    )


def random_loop(draw, rows=3, *, limits=True):
    """A loop of two or three legs in one of the shapes that buys and sells can take, its edge -20 to 120 bps."""
    edge = 1 + D(draw.randint(-20, 120)) / 10_000
    one, two = D(draw.randint(2_000, 9_000)) / 1_000, D(draw.randint(2_000, 9_000)) / 1_000
    shapes = [
        [(Side.BUY, one), (Side.SELL, one * edge)],
        [(Side.SELL, one), (Side.BUY, one / edge)],
        [(Side.BUY, one), (Side.SELL, one / two), (Side.SELL, two * edge)],
        [(Side.BUY, two), (Side.BUY, one / two), (Side.SELL, one * edge)],
        [(Side.SELL, two), (Side.BUY, one), (Side.SELL, one / two * edge)],
        [(Side.SELL, one), (Side.SELL, two), (Side.BUY, one * two / edge)],
    ]
    step = D("0.1")
    return [
        random_order(
            draw, side, round(price, 6), draw.randint(1, rows), step * draw.choice([1, 2, 3]), limits
        )
        for side, price in draw.choice(shapes)
    ]


@pytest.mark.parametrize("part", range(4))
def test_on_small_grids_the_size_is_what_brute_force_finds(part):
    outcomes = set()
    for seed in range(part * 150, part * 150 + 150):
        orders = random_loop(random.Random(seed))
        expected, found = brute_force(orders), size(orders)
        if isinstance(found, Unsizable):
            assert expected is None, seed
            outcomes.add("infeasible")
        else:
            assert (Fraction(found.profit), -Fraction(found.start)) == expected, seed
            outcomes.add("profit" if found.profit > 0 else "loss")
    assert outcomes == {"infeasible", "profit", "loss"}


def continuous_profit(orders, start):
    """End minus start of a loop without steps, by walking its levels with what comes in."""
    have = Fraction(start)
    for order in orders:
        rate, got = Fraction(order.fee.rate), Fraction(0)
        on_top = 1 + rate if order.side is Side.BUY and order.fee.asset is FeeAsset.QUOTE else 1
        kept = 1 if on_top != 1 else 1 - rate
        for price, offered in (map(Fraction, level) for level in order.levels):
            whole = offered * price * on_top if order.side is Side.BUY else offered
            part = min(have, whole) / whole
            have -= part * whole
            got += part * offered * kept * (1 if order.side is Side.BUY else price)
        have = got
    return have - Fraction(start)


seeds = st.integers(0, 10**9).map(random.Random)


@given(seeds, st.integers(0, 400))
@settings(max_examples=60, deadline=None)
def test_without_steps_no_other_amount_earns_more(draw, permille):
    orders = random_loop(draw, rows=6, limits=False)
    found = size(orders)
    assert isinstance(found, Size)
    for start in (
        found.start * permille / 200,
        found.start * D("0.999"),
        found.start * D("1.001"),
        D(permille),
    ):
        assert continuous_profit(orders, start) <= Fraction(found.profit) + Fraction(1, 10**15)


@given(seeds, st.integers(0, 2), st.integers(1, 10**6))
@settings(max_examples=60, deadline=None)
def test_another_level_never_lowers_the_profit(draw, leg, amount):
    orders = random_loop(draw, rows=6, limits=False)
    leg %= len(orders)
    order = orders[leg]
    worse = order.levels[-1][0] * (D("1.0002") if order.side is Side.BUY else D("0.9998"))
    deeper = Order(order.side, (*order.levels, (worse, D(amount) / 1_000)), order.fee)
    grown = size([*orders[:leg], deeper, *orders[leg + 1 :]])
    assert best_profit(grown) >= best_profit(size(orders)) - D("1e-15")


@given(seeds, st.integers(0, 2), st.sampled_from(["0.0001", "0.001", "0.01"]))
@settings(max_examples=60, deadline=None)
def test_a_higher_fee_never_raises_the_profit(draw, leg, more):
    orders = random_loop(draw, rows=6, limits=False)
    leg %= len(orders)
    order = orders[leg]
    dearer = Order(order.side, order.levels, TakerFee(order.fee.rate + D(more), order.fee.asset))
    assert best_profit(size([*orders[:leg], dearer, *orders[leg + 1 :]])) <= best_profit(size(orders)) + D(
        "1e-15"
    )


def best_profit(found):
    """No trade is always possible."""
    return max(found.profit, D(0))


@given(seeds, st.integers(-300, 300))
@settings(max_examples=80, deadline=None)
def test_no_other_multiple_of_a_step_earns_more(draw, away):
    """With any first amount, the best that the following legs make of it is no better."""
    orders = random_loop(draw, rows=6)
    found = size(orders)
    if isinstance(found, Unsizable):
        return
    first = list(fills(orders[0]))
    amounts = [paid for paid, _ in first]
    here = amounts.index(Fraction(found.start))
    paid, have = first[(here + away) % len(first)]
    for order in orders[1:]:
        have = max((got for needed, got in fills(order) if needed <= have), default=None)
        if have is None:
            return
    assert have - paid <= Fraction(found.profit)


def test_the_smaller_of_two_equal_sizes_is_chosen():
    free = TakerFee(D(0), FeeAsset.RECEIVED)
    buy = Order(Side.BUY, ((D(100), D(1)), (D(101), D(5))), free, amount_step=D("0.01"))
    sell = Order(Side.SELL, ((D(101), D(10)),), free, amount_step=D("0.01"))
    found = size([buy, sell])
    assert (found.amounts, found.profit) == ((1, 1), 1)


def test_a_sellers_minimum_notional_may_only_be_met_on_a_better_level():
    """0.1 at 100 is worth 10; a little more falls to a limit price of 50 and is worth 5."""
    free = TakerFee(D(0), FeeAsset.RECEIVED)
    buy = Order(Side.BUY, ((D(49), D(10)),), free, amount_step=D("0.01"))
    sell = Order(Side.SELL, ((D(100), D("0.1")), (D(50), D("0.09"))), free, D("0.01"), min_notional=D(10))
    assert size([buy, sell]).amounts == (D("0.1"), D("0.1"))


def test_budgets_are_told_from_minimums():
    fee = TakerFee(D(0), FeeAsset.RECEIVED)
    levels = ((D(100), D(1)),)
    sell = Order(Side.SELL, ((D(101), D(1)),), fee)
    assert size([Order(Side.BUY, levels, fee, budget=D(0)), sell]) is Unsizable.NO_BUDGET
    assert size([Order(Side.BUY, levels, fee, min_amount=D(2)), sell]) is Unsizable.BELOW_MINIMUM


def test_a_flat_optimum_with_tiny_steps_is_found_quickly():
    """A million steps of equal continuous profit, of which only each thousandth loses nothing to rounding."""
    fee = TakerFee(D("0.001"), FeeAsset.RECEIVED)
    step = D("0.000001")
    buy = Order(Side.BUY, ((D("99.9"), D(1)), (D("99.9") / D("0.9"), D(1))), fee, step)
    flat = D("99.9") / D("0.9") / D("0.999") / D("0.999")
    sell = Order(Side.SELL, ((flat * D("1.0000000001"), D(5)),), fee, step)
    found = size([buy, sell])
    assert found.profit > 0
    assert found.amounts[0] * D("0.999") == found.amounts[1]


@given(st.integers(2, 60), st.integers(0, 200), st.data())
def test_the_first_multiple_within_a_range_is_found_as_by_counting(modulus, step, data):
    low = data.draw(st.integers(0, modulus - 1))
    high = data.draw(st.integers(low, modulus - 1))
    counted = next((n for n in range(modulus) if low <= n * step % modulus <= high), None)
    assert first_within(step, modulus, low, high) == counted


def test_leaping_finds_what_trying_every_step_finds(monkeypatch):
    loops = [random_loop(random.Random(seed), rows=8) for seed in range(300)]
    finer = [
        [Order(o.side, tuple((p, x * 40) for p, x in o.levels), o.fee, o.amount_step / 7) for o in orders]
        for orders in loops
    ]
    leaping = [size(orders) for orders in finer]
    monkeypatch.setattr("shared.domain.grid.Stretch.at", lambda *_: None)
    assert [size(orders) for orders in finer] == leaping
    assert len({found for found in leaping if found.profit > 0}) > 100


def test_levels_are_best_first_in_random_loops():
    for orders in (random_loop(random.Random(seed)) for seed in range(50)):
        for order in orders:
            prices = [price for price, _ in order.levels]
            assert all((a < b) is (order.side is Side.BUY) for a, b in pairwise(prices))
