import json
from dataclasses import replace
from decimal import Decimal

import pytest

from shared.domain.kill_switch import HISTORY_KEPT, KillSwitch
from shared.domain.market import Side
from shared.domain.opportunity import Leg, Opportunity, Reason
from shared.domain.risk import RiskPolicy, RiskUsage, allowed_scale, check, check_losses
from shared.domain.simulation import refused
from shared.domain.trade import Decision, TradeStatus, Verdict
from shared.errors import InputError, MalformedRecord
from tests.desk.desk_world import VALUES, D

NOON = 20_000 * 86_400_000 + 43_200_000
LEGS = (
    Leg("binance", "SOL/USDT", Side.BUY, D(6), D(150), D(150), D("0.9"), "USDT"),
    Leg("kraken", "SOL/USDT", Side.SELL, D(6), D(151), D(151), D("0.9"), "USDT"),
)
FOUND = Opportunity(
    "found", "two_leg", "USDT", D(900), D(904), D(4), D(6), D(44), LEGS, 100, 50, (), D(4), D(44)
)
TRADED = replace(
    refused(FOUND, "scan", NOON, Reason.VETOED, ""),
    status=TradeStatus.FILLED,
    reason=None,
    start_amount=D(900),
    realised_profit=D(4),
)


def verdict(decision=Decision.APPROVE, confidence="0.9"):
    return Verdict("found", decision, D(confidence), (), "fine", ("edge.net",), "rules")


def breaches(policy=None, usage=None, found=FOUND, confidence="0.9", scale=1, now_ms=NOON, scan_id="next"):
    return check(
        policy or RiskPolicy(),
        usage or RiskUsage(),
        found,
        verdict(confidence=confidence),
        scan_id=scan_id,
        scale=D(scale),
        values=VALUES,
        now_ms=now_ms,
    )


def used(*trades, values=VALUES):
    usage = RiskUsage()
    for trade in trades:
        usage = usage.add(trade, values)
    return usage


def test_a_trade_within_every_limit_breaks_none():
    assert breaches() == ()


@pytest.mark.parametrize(
    ("limit", "bound", "value"),
    [
        ("max_trade", D(899), D(900)),
        ("max_asset", D(1_799), D(1_800)),
        ("max_venue", D(1_799), D(1_800)),
        ("max_day", D(1_799), D(1_800)),
        ("max_trades_per_hour", 1, D(2)),
        ("max_trades_per_pair", 1, D(2)),
    ],
)
def test_each_limit_reports_its_value_and_its_bound(limit, bound, value):
    found = breaches(RiskPolicy(**{limit: bound}), used(TRADED))
    assert {breach.limit for breach in found} == {limit}
    assert all((breach.value, breach.bound) == (value, bound) for breach in found)
    assert str(found[0]).startswith(f"{limit}: ")
    exactly = RiskPolicy(**{limit: bound + 1})
    assert breaches(exactly, used(TRADED)) == ()


def test_every_breach_is_reported_not_the_first_alone():
    nothing = RiskPolicy(D(0), D(0), D(0), D(0), D(0), D(0), D(0), D(1), 0, 0)
    losing = used(replace(TRADED, realised_profit=D(-1)))
    limits = {breach.limit for breach in breaches(nothing, losing)}
    assert limits == set(RiskPolicy.__slots__)


def test_both_venues_of_a_loop_count_and_the_start_asset_does_not():
    found = breaches(RiskPolicy(max_venue=D(100), max_asset=D(100)))
    assert [breach.detail for breach in found] == [
        "the day's value in SOL",
        "the day's value at binance",
        "the day's value at kraken",
    ]


def test_the_scan_limit_counts_this_scan_only():
    policy = RiskPolicy(max_scan=D(1_000))
    assert [b.limit for b in breaches(policy, used(TRADED), scan_id="scan")] == ["max_scan"]
    assert breaches(policy, used(TRADED), scan_id="next") == ()


def test_a_smaller_scale_uses_less_of_the_limits():
    assert breaches(RiskPolicy(max_trade=D(450)), scale="0.5") == ()


def test_a_verdict_below_the_floor_of_confidence_is_not_traded():
    (breach,) = breaches(RiskPolicy(min_confidence=D("0.5")), confidence="0.49")
    assert (breach.limit, breach.value, breach.bound) == ("min_confidence", D("0.49"), D("0.5"))


def test_a_new_day_and_a_new_hour_start_afresh():
    usage = used(TRADED)
    tomorrow = NOON + 86_400_000
    assert (
        breaches(RiskPolicy(max_day=D(900), max_asset=D(900), max_venue=D(900)), usage, now_ms=tomorrow) == ()
    )
    assert breaches(RiskPolicy(max_trades_per_hour=1), usage, now_ms=NOON + 3_600_000) == ()
    assert breaches(RiskPolicy(max_trades_per_hour=1), usage, now_ms=NOON + 3_599_999) != ()


def test_a_daily_loss_trips_and_counts_what_is_carried():
    losing = replace(TRADED, realised_profit=D(-900), unrealised_profit=D(799))
    (breach,) = check_losses(RiskPolicy(max_daily_loss=D(100)), used(losing), NOON)
    assert (breach.limit, breach.value, breach.trips) == ("max_daily_loss", 101, True)
    assert check_losses(RiskPolicy(max_daily_loss=D(101)), used(losing), NOON) == ()


def test_a_fall_from_the_highest_profit_trips_over_days():
    rise, fall = replace(TRADED, realised_profit=D(150)), replace(TRADED, realised_profit=D(-90))
    later = replace(fall, decided_ms=NOON + 86_400_000)
    policy = RiskPolicy(max_daily_loss=D(500), max_drawdown=D(170))
    assert check_losses(policy, used(rise, fall), NOON) == ()
    (breach,) = check_losses(policy, used(rise, fall, later), NOON + 86_400_000)
    assert (breach.limit, breach.value) == ("max_drawdown", 180)


def test_losses_count_anew_once_a_person_has_cleared_the_switch():
    losing = used(replace(TRADED, realised_profit=D(-1_000)))
    assert {breach.limit for breach in check_losses(RiskPolicy(), losing, NOON)} == {
        "max_daily_loss",
        "max_drawdown",
    }
    pardoned = losing.pardoned()
    assert check_losses(RiskPolicy(), pardoned, NOON) == ()
    assert (pardoned.day_value, pardoned.day_profit) == (losing.day_value, -1_000), (
        "what happened is told all the same"
    )
    assert pardoned.peak - pardoned.profit == 1_000
    assert (
        check_losses(RiskPolicy(), pardoned.add(replace(TRADED, realised_profit=D(-101)), VALUES), NOON) != ()
    )


def test_a_trade_of_yesterday_that_comes_late_does_not_reset_today():
    late = replace(TRADED, decided_ms=NOON - 86_400_000)
    assert used(TRADED, late).day_value == 1_800


def test_what_was_refused_uses_nothing():
    assert used(refused(FOUND, "scan", NOON, Reason.VETOED, "")) == RiskUsage()


def test_a_trade_in_another_start_asset_counts_by_its_value():
    inbtc = replace(TRADED, start_asset="BTC", start_amount=D("0.01"), realised_profit=D("-0.001"))
    usage = used(inbtc)
    assert (usage.day_value, usage.day_profit) == (600, -60)
    with pytest.raises(InputError, match="BTC has no value"):
        used(inbtc, values={})


def test_usage_survives_json():
    usage = used(TRADED, replace(TRADED, realised_profit=D("-0.000000000000000001")))
    assert RiskUsage.from_dict(json.loads(json.dumps(usage.to_dict()))) == usage
    with pytest.raises(MalformedRecord, match="usage"):
        RiskUsage.from_dict({"day": "many"})


def test_a_verdict_can_veto_or_shrink_and_never_enlarge():
    scales = [allowed_scale(verdict(decision), D("0.5")) for decision in Decision]
    assert scales == [1, Decimal("0.5"), 0]


def test_the_kill_switch_stays_on_until_a_person_clears_it():
    switch = KillSwitch().trip("risk", "max_drawdown: 201", 1)
    assert switch.tripped
    assert switch.trip("ada", "again", 2) == switch
    for name in ("risk", " Setting ", ""):
        with pytest.raises(InputError, match="name the person"):
            switch.clear(name, "", 3)
    cleared = switch.clear("ada", "looked into it", 4)
    assert not cleared.tripped
    assert cleared.cause is None
    assert [(event.tripped, event.by, event.at_ms) for event in cleared.history] == [
        (True, "risk", 1),
        (False, "ada", 4),
    ]


def test_the_kill_switch_survives_json_and_stays_small():
    switch = KillSwitch()
    for moment in range(HISTORY_KEPT):
        switch = switch.trip("ada", "x" * 10_000, moment).clear("ada", "", moment)
    assert len(json.dumps(switch.to_dict())) < 100_000
    assert KillSwitch.from_dict(json.loads(json.dumps(switch.to_dict()))) == switch
    with pytest.raises(MalformedRecord, match="kill_switch"):
        KillSwitch.from_dict({"history": [{}]})
