"""What is reported together is attainable together, and close to the most that a linear program finds."""

from decimal import Decimal

import pytest

from shared.domain.detection import detect
from shared.domain.fees import TakerFee
from shared.domain.gates import Books
from shared.domain.policy import DetectionPolicy
from shared.domain.values import Values
from tests.worlds.crowded import crowded_world
from tests.worlds.linear_program import loops_that_passed_the_gates, most_together

ANY_PROFIT = DetectionPolicy(min_profit=Decimal("0.01"), too_good_bps=Decimal(1_000))


def compared(world):
    """Profit in value that was reported, and the linear program's bound over the same loops."""
    detection = detect(world, ANY_PROFIT)
    paths = loops_that_passed_the_gates(detection)
    values = Values(Books(world, ANY_PROFIT, {}))
    starts = {"USDT", "USDC", "EUR", "BTC", *(path[0].split(":")[1].split("/")[0] for path in paths)}
    worth = {asset: value for asset in starts if (value := values.of(asset)) is not None}
    reported = sum(opportunity.profit_value for opportunity in detection.opportunities)
    return float(reported), most_together(world, paths, worth), detection


def test_depth_is_shared_within_two_hundredths_of_the_most():
    total = bound = 0.0
    for seed in range(30):
        reported, most, _ = compared(crowded_world(seed))
        assert reported <= most * (1 + 1e-9) + 1e-6, f"world {seed} reports more than there is"
        if most > 1:
            assert reported >= 0.9 * most, f"world {seed}: {reported} of {most}"
        total, bound = total + reported, bound + most
    assert bound > 300
    assert total >= 0.98 * bound


def test_tight_balances_cost_little_more():
    total = bound = 0.0
    for seed in range(15):
        reported, most, _ = compared(crowded_world(seed, balances=True))
        assert reported <= most * (1 + 1e-9) + 1e-6, f"world {seed} reports more than there is"
        total, bound = total + reported, bound + most
    assert total >= 0.96 * bound


@pytest.mark.parametrize("balances", [False, True])
def test_reported_orders_take_no_level_and_no_balance_twice(balances):
    for seed in range(5):
        world = crowded_world(seed, balances=balances)
        detection = detect(world, ANY_PROFIT)
        taken, spent = {}, {}
        for opportunity in detection.opportunities:
            for number, leg in enumerate(opportunity.legs):
                book = world.venues[leg.venue].books[leg.symbol]
                rows = book.asks if leg.side == "buy" else book.bids
                worst = [Decimal(amount) for price, amount in rows if _reaches(leg, Decimal(price))]
                key = leg.venue, leg.symbol, leg.side
                taken[key] = taken.get(key, 0) + leg.amount
                assert leg.amount <= sum(worst)
                assert taken[key] <= sum(Decimal(amount) for _, amount in rows)
                if number == 0 or opportunity.legs[number - 1].venue != leg.venue:
                    account = leg.venue, leg.symbol.split("/")[leg.side == "buy"]
                    fee = TakerFee(
                        world.venues[leg.venue].taker_bps / 10_000, world.venues[leg.venue].fee_asset
                    )
                    on_top = 1 + fee.rate if leg.side == "buy" and fee.asset == "quote" else 1
                    paid = leg.amount * (leg.average_price * on_top if leg.side == "buy" else 1)
                    spent[account] = spent.get(account, 0) + paid
        if balances:
            for (venue, asset), paid in spent.items():
                assert paid <= world.balances[venue][asset] * (1 + Decimal("1e-20"))


def _reaches(leg, price):
    return price <= leg.limit_price if leg.side == "buy" else price >= leg.limit_price
