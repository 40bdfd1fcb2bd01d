"""The desk under twice-run, crashed, late and stopped executions: trades once, the rest of the scan goes on."""

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest

from localhost.replay import EventType
from shared import steps
from shared.desk import commit, read_standing
from shared.web import endpoints
from tests.end_to_end.auditing import assert_balances_equal_the_fills, standing
from tests.end_to_end.desk.desk_floor import (
    BrokenAnalyst,
    Crash,
    approved,
    brittle,
    decided,
    elsewhere,
    filled,
    recorded,
    rewrite,
    traded,
)

DAY_MS = 86_400_000


async def test_executions_of_one_scan_at_once_book_its_trades_once(desk, found, environment):
    given = await approved(desk, found)
    blobs = await asyncio.gather(*(steps.execute(desk, given) for _ in range(3)))
    assert await steps.execute(desk, given) == blobs[0] == blobs[1] == blobs[2]
    first, again = await traded(desk, given), await traded(desk, given)
    assert filled(first)
    assert first == again
    assert_balances_equal_the_fills(environment)


def another(given):
    """A later scan that found the same."""
    return {**given, "scan_id": f"{given['scan_id']}-later"}


async def test_executions_of_two_scans_at_once_never_spend_the_same_unit(desk, found, environment):
    one = await approved(desk, found)
    two = another(one)
    trades = await asyncio.gather(traded(desk, one), traded(desk, two))
    assert all(map(filled, trades))
    assert set(standing(environment)["executed"]) == {one["scan_id"], two["scan_id"]}
    assert_balances_equal_the_fills(environment)


async def test_a_crash_at_any_write_of_execute_and_record_loses_no_trade_and_books_none_twice(
    desk, found, environment, tmp_path
):
    given = await approved(desk, found)
    for verdict in given["verdicts"][2:]:
        verdict["decision"] = "reject"
    crashes = {}
    for when in ("before", "after"):
        for write in range(1, 100):
            folder = tmp_path / f"{when}-{write}"
            whole = elsewhere(desk, environment, folder)
            try:
                await traded(brittle(whole, write, when), given)
            except Crash:
                crashes[when] = write
            else:
                break
            booked = standing(folder)["executed"].get(given["scan_id"])
            trades = await traded(whole, given)
            assert filled(trades)
            assert [trade["opportunity_id"] for trade in trades] == given["opportunities"]
            assert booked in {None, standing(folder)["executed"][given["scan_id"]]}
            assert len(recorded(folder, "trades")) == len(trades)
            assert not await whole.state.entries(whole.room("pending"))
            assert_balances_equal_the_fills(folder)
            await whole.state.close()
        await whole.state.close()
    assert crashes["before"] == crashes["after"] >= 8


async def test_the_orchestration_gives_the_same_actions_over_its_own_history_again(product):
    status, found = await product.scan({"min_net_bps": "30"})
    assert status == 200
    await product.host.drain(60)
    hub, instances = product.host._hub, product.host._instances
    instance, history = instances.get(found["scan_id"]), instances.history(found["scan_id"])
    ends = [
        index for index, event in enumerate(history) if event["EventType"] == EventType.ORCHESTRATOR_STARTED
    ]
    episodes = [history[:end] for end in (*ends[1:], len(history))]
    assert len(episodes) >= 3
    taken = []
    for part in episodes:
        (once, failure), (twice, _) = [await hub._call(instance, part, is_replaying=True) for _ in range(2)]
        assert failure is None
        assert once == twice
        taken.append(once)
    for earlier, later in pairwise(taken):
        done = [action for batch in earlier["actions"] for action in batch]
        assert [action for batch in later["actions"] for action in batch][: len(done)] == done
    assert taken[-1]["isDone"]
    _, told = await product.call("GET", found["orchestration"]["statusQueryGetUri"])
    assert taken[-1]["output"] == told["output"]


async def test_where_the_analyst_raises_the_rules_decide_and_the_verdict_says_so(desk, found, environment):
    given = await decided(replace(desk, analyst=BrokenAnalyst(), model_top=2), found)
    assert [verdict["fallback"] for verdict in given["verdicts"][:3]] == ["analyst_error"] * 2 + [None]
    assert {verdict["source"] for verdict in given["verdicts"]} == {"rules"}
    assert filled(await traded(desk, given))
    assert {row["fallback"] for row in recorded(environment, "verdicts")} == {"analyst_error", None}


@pytest.mark.parametrize("dies", ["after_the_decision", "while_the_orders_are_under_way"])
async def test_a_venue_that_dies_before_the_fills_leaves_the_other_trades(
    desk, found, environment, clock, venues, dies
):
    given = await approved(desk, found)

    async def die():
        venues.set_fault("gateio", "server_error_5xx")

    if dies == "after_the_decision":
        await die()
    else:
        clock.meanwhile = die
    trades = await traded(desk, given)
    attempted = [trade for trade in trades if trade["status"] != "refused"]
    dead = [trade for trade in attempted if any(leg.startswith("gateio") for leg in trade["path"])]
    assert dead
    assert {trade["status"] for trade in dead} <= {"partial", "missed"}
    assert all("found no book in time" in trade["detail"] for trade in dead)
    assert not any(fill["venue"] == "gateio" for trade in dead for fill in trade["fills"])
    assert len(filled(trade for trade in attempted if trade not in dead)) >= 2
    assert len(recorded(environment, "trades")) == len(given["opportunities"])
    assert_balances_equal_the_fills(environment)


def _unknown_venue(opportunity):
    opportunity["legs"][0]["venue"] = "mtgox"


def _unknown_instrument(opportunity):
    opportunity["legs"][0]["symbol"] = "NOTHING/USDT"


def _no_pair(opportunity):
    opportunity["legs"][1]["symbol"] = "BTC"


def _no_number(opportunity):
    opportunity["legs"][0]["amount"] = "NaN"


def _legs_beyond_the_start_amount(opportunity):
    opportunity["legs"][0]["amount"] = str(Decimal(opportunity["legs"][0]["amount"]) * 1000)


def _beyond_all_numbers(opportunity):
    for leg in opportunity["legs"]:
        leg["amount"] = "1" + "0" * 400
    opportunity["start_amount"] = "1" + "0" * 410


def _negative(opportunity):
    opportunity["legs"][0]["amount"] = "-1"


def _no_legs(opportunity):
    opportunity["legs"] = []


def _free(opportunity):
    opportunity["legs"][0]["average_price"] = "0"


@pytest.mark.parametrize(
    "poison",
    [
        _unknown_venue,
        _unknown_instrument,
        _no_pair,
        _no_number,
        _legs_beyond_the_start_amount,
        _beyond_all_numbers,
        _negative,
        _no_legs,
        _free,
    ],
)
async def test_a_poisoned_opportunity_leaves_the_rest_of_the_scan_traded_and_recorded(
    desk, found, environment, poison
):
    await rewrite(desk, found, lambda payload: poison(payload["opportunities"][0]))
    given = await decided(desk, found)
    for verdict in given["verdicts"]:
        if verdict["fallback"] is None:
            verdict |= {"decision": "approve", "confidence": "0.9"}
    trades = await traded(desk, given)
    poisoned, others = trades[0], trades[1:]
    assert poisoned["opportunity_id"] == given["opportunities"][0]
    assert (poisoned["status"], poisoned["fills"]) == ("refused", [])
    assert poisoned["reason"]
    assert poisoned["detail"]
    assert filled(others)
    assert len(recorded(environment, "trades")) == len(given["opportunities"])
    assert_balances_equal_the_fills(environment)


async def by_http(desk, **body):
    answer = await endpoints.turn_kill_switch(lambda: asyncio.sleep(0, desk), json.dumps(body).encode())
    return answer.status, json.loads(answer.body)


async def test_tripped_by_http_while_orders_are_under_way_it_lets_nothing_be_booked(
    desk, found, environment, clock
):
    given = await approved(desk, found)

    async def trip():
        assert (await by_http(desk, tripped=True, by="Ada", reason="odd books"))[0] == 200

    clock.meanwhile = trip
    trades = await traded(desk, given)
    assert {(trade["status"], trade["reason"]) for trade in trades} == {("refused", "KILL_SWITCH")}
    assert {trade["detail"] for trade in trades} == {"tripped by Ada: odd books"}
    assert not recorded(environment, "fills")
    assert standing(environment)["usage"]["recent"] == []

    clock.ms += DAY_MS
    assert (await read_standing(desk)).kill_switch.tripped
    assert (await by_http(desk, tripped=False, by="setting", reason="me"))[0] == 400
    status, told = await by_http(desk, tripped=False, by="Grace", reason="looked into it")
    assert (status, told["tripped"]) == (200, False)
    assert [(event["tripped"], event["by"]) for event in told["history"]] == [
        (True, "Ada"),
        (False, "Grace"),
    ]


async def test_tripped_by_its_setting_after_the_analysis_it_stays_on_without_the_setting(
    desk, found, environment
):
    given = await approved(desk, found)
    trades = await traded(replace(desk, halted=True), given)
    assert {trade["reason"] for trade in trades} == {"KILL_SWITCH"}
    later = await traded(desk, another(given))
    assert {trade["reason"] for trade in later} == {"KILL_SWITCH"}
    assert not recorded(environment, "fills")
    switch = standing(environment)["kill_switch"]
    assert [event["by"] for event in switch["history"]] == ["setting"]
    await by_http(desk, tripped=False, by="Ada", reason="checked")
    assert filled(await traded(desk, {**given, "scan_id": "third"}))


async def test_a_loss_beyond_its_limit_stops_the_trades_that_follow_and_those_under_way(
    desk, found, environment, clock, venues
):
    desk = replace(desk, risk=replace(desk.risk, max_daily_loss=Decimal(0)))
    losing = await approved(desk, found)
    under_way = another(losing)
    lost = []

    async def lose():
        venues.set_fault("binance", "server_error_5xx", path="/depth")
        lost.extend(await traded(desk, losing))

    clock.meanwhile = lose
    trades = await traded(desk, under_way)
    worst = next(index for index, trade in enumerate(lost) if Decimal(trade["realised_profit"]) < 0)
    assert {trade["reason"] for trade in lost[worst + 1 :]} == {"KILL_SWITCH"}
    assert {trade["reason"] for trade in trades} == {"KILL_SWITCH"}
    assert "max_daily_loss: the day's loss is" in trades[0]["detail"]
    (event,) = standing(environment)["kill_switch"]["history"]
    assert event["by"] == "risk"
    assert_balances_equal_the_fills(environment)


async def test_clearing_the_switch_lets_losses_count_anew_and_forgets_none(desk, found, environment):
    await traded(desk, await approved(desk, found))
    before = (await read_standing(desk)).usage
    assert before.day_profit != 0
    await by_http(desk, tripped=False, by="Ada", reason="it was off all along")
    assert (await read_standing(desk)).usage == before

    await by_http(desk, tripped=True, by="Ada", reason="lunch")
    await by_http(desk, tripped=False, by="Ada", reason="back")
    after = (await read_standing(desk)).usage
    assert (after.day_profit, after.peak) == (before.day_profit, before.peak)
    assert (after.counted_day_profit, after.counted_fall) == (0, 0)


async def test_a_desk_that_is_past_its_limit_already_trips_the_switch_and_goes_on_once_it_is_cleared(
    desk, found
):
    await traded(desk, await approved(desk, found))
    fallen = (await read_standing(desk)).usage
    fallen = replace(fallen, counted_peak=fallen.profit + 5, peak=fallen.profit + 5)
    await commit(desk, replace(await read_standing(desk), usage=fallen))
    desk = replace(desk, risk=replace(desk.risk, max_drawdown=Decimal(1)))
    given = await approved(desk, found)
    trades = await traded(desk, another(given))
    assert {trade["reason"] for trade in trades} == {"KILL_SWITCH"}
    cause = (await read_standing(desk)).kill_switch.cause
    assert cause.by == "risk"
    assert cause.reason.startswith("max_drawdown: the fall from the highest profit is 5")
    await by_http(desk, tripped=False, by="Ada", reason="the limit was lowered on purpose")
    assert filled(await traded(desk, {**given, "scan_id": "third"}))


async def test_the_switch_tripped_in_the_middle_of_an_orchestration_ends_it_without_a_fill(
    product, clock, environment
):
    async def trip():
        body = {"tripped": True, "by": "Ada", "reason": "stop"}
        assert (await product.call("POST", "kill-switch", body))[0] == 200

    clock.meanwhile = trip
    status, found = await product.scan({"min_net_bps": "30"})
    assert (status, clock.meanwhile is None or bool(found["opportunities"])) == (200, True)
    await product.host.drain(60)
    assert clock.meanwhile is None
    _, told = await product.call("GET", found["orchestration"]["statusQueryGetUri"])
    assert told["runtimeStatus"] == "Completed"
    assert {trade["reason"] for trade in told["output"]["trades"]} == {"KILL_SWITCH"}
    assert not recorded(environment, "fills")
    _, switch = await product.call("GET", "kill-switch")
    assert switch["tripped"]
