import math
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.market import Side
from shared.domain.opportunity import Leg, Opportunity, Reason
from shared.domain.simulation import refused
from shared.domain.statistics import Durations, TradeStatistics
from shared.domain.trade import Fill, Purpose, TradeStatus
from tests.desk.desk_world import D

LEG = Leg("binance", "SOL/USDT", Side.BUY, D(1), D(100), D(100), D(0), "SOL")
FOUND = Opportunity(
    "found", "two_leg", "USDT", D(100), D(104), D(4), D(4), D(400), (LEG,), 0, 0, (), D(4), D(400)
)
FILL = Fill("v", "SOL/USDT", "SOL", "USDT", Side.BUY, Purpose.LEG, 0, D(100), D(1), D(100), D(0), "SOL", 0)
MISSED = replace(
    refused(FOUND, "scan", 0, Reason.VETOED, ""),
    status=TradeStatus.MISSED,
    reason=None,
    start_amount=D(100),
    decision_profit=D(4),
    causes=(("partial_fill", D(-4)),),
)


def filled(profit, unrealised=0):
    return replace(
        MISSED,
        status=TradeStatus.FILLED,
        fills=(FILL,),
        realised_profit=D(profit),
        unrealised_profit=D(unrealised),
        causes=(("latency", D(profit) - 4),),
    )


def summed(*trades, price=1):
    found = TradeStatistics()
    for trade in trades:
        found = found.add(trade, D(price))
    return found


def test_profit_and_its_causes_add_up():
    found = summed(filled(3), filled(-5), filled(2, unrealised=1), MISSED)
    assert (found.decided, found.realised, found.unrealised) == (16, 0, 1)
    assert sum(found.causes.values()) == found.realised - found.decided
    assert (found.best, found.worst) == (3, -5)
    assert found.kept_share == D(1) / 16


def test_the_hit_rate_counts_trades_with_fills():
    assert summed(MISSED).hit_rate is None
    assert summed(filled(1), filled(1), filled(-1), filled(0), MISSED).hit_rate == D("0.5")


def test_drawdown_is_the_deepest_fall_from_a_peak():
    found = summed(*(filled(profit) for profit in (10, -4, 2, -7, 20, -3)))
    assert (found.peak, found.max_drawdown) == (21, 9)


def test_refused_trades_count_by_reason_only():
    found = summed(
        refused(FOUND, "scan", 0, Reason.RISK_LIMIT, ""), refused(FOUND, "scan", 0, Reason.VETOED, "")
    )
    assert found.reasons == {"RISK_LIMIT": 1, "VETOED": 1}
    assert (found.traded, found.decided, found.traded_value) == (0, 0, 0)


def test_another_start_asset_counts_by_its_price():
    assert summed(filled("0.001"), price=60_000).realised == 60


def test_the_size_does_not_grow_with_what_was_seen():
    rng = Random(1)
    found, spans = TradeStatistics(), Durations()
    for _ in range(2_000):
        found = found.add(filled(round(rng.uniform(-5, 5), 4)), D(1))
        spans = spans.add(rng.randint(0, 10**7))
    assert found.statuses == {TradeStatus.FILLED: 2_000}
    assert len(found.causes) == 1
    assert len(spans.buckets) <= 25


@given(st.lists(st.integers(0, 10**9), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_known_to_a_factor_of_two(durations, share):
    spans = Durations()
    for duration in durations:
        spans = spans.add(duration)
    bound = spans.at_most_ms(share)
    exact = sorted(durations)[math.ceil(share * len(durations)) - 1]
    assert exact <= bound <= max(2 * exact, 1)
    assert spans.mean_ms == sum(durations) / len(durations)


def test_nothing_seen_has_no_mean_and_no_quantile():
    assert (Durations().mean_ms, Durations().at_most_ms(0.5)) == (None, None)
