"""The JSON behind the page: what it says of an empty desk, of a busy one, and of one in trouble."""

import json
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.exact import text
from shared.errors import TransientLoadError
from shared.records import iso
from shared.web import endpoints, figures
from tests.page.page_world import EVERY_MS, left_out, overview_of, scan_rows, stored_desk
from tests.telemetry.stored import row


@pytest.fixture
async def desk(tmp_path):
    async with stored_desk(tmp_path) as opened:
        yield opened


def trade_row(number, time_ms, **values):
    plain = {"trade_id": f"t-{number}", "opportunity_id": f"o-{number}", "scan_id": f"scan-{number}"}
    return row(
        "trades", **{**plain, "time": iso(time_ms), "status": "filled", "start_asset": "USDT", **values}
    )


async def test_a_desk_that_has_done_nothing_shows_nothing_and_says_so(desk):
    shown = await overview_of(desk)
    assert shown["scan"] is None
    assert shown["opportunities"] == shown["trades"] == shown["alarms"] == shown["scans"] == []
    assert shown["profit"]["total"] == "0"
    assert shown["profit"]["curve"] == []
    assert shown["kill_switch"] == {"tripped": False, "setting": False, "ready": False, "history": []}
    assert [venue["status"] for venue in shown["venues"]] == [None] * 4


async def test_the_newest_scan_stands_first_with_its_opportunity_verdict_and_trade(desk):
    await desk.live(scans=10)
    shown = await overview_of(desk)
    assert shown["scan"]["scan_id"] == "scan-0010"
    newest = shown["opportunities"][0]
    assert newest["scan_id"] == "scan-0010"
    assert newest["verdict"]["explanation"] == "no rule objects"
    assert newest["trade"]["status"] == "filled"
    assert newest["trade"]["result"] == "1.10"
    assert len(shown["opportunities"]) == len(shown["trades"]) == 2
    assert shown["lifetimes"]["seconds"]["median"] == EVERY_MS / 1000


async def test_refusals_add_up_over_the_last_scans_and_show_the_best_of_the_newest_that_has_any(desk):
    now_ms = desk.clock.now_ms()
    await desk.load(1, scan_rows(1, now_ms - 60_000, refused=(("STALE_BOOK", 3), ("DEPOSIT_CLOSED", 5))))
    await desk.load(2, scan_rows(2, now_ms - 30_000, refused=(("STALE_BOOK", 4),)))
    refused = (await overview_of(desk))["refused"]
    assert refused["scans"] == 2
    stale, deposit = refused["reasons"]
    assert (stale["reason"], stale["refused"], stale["in_newest_scan"]) == ("STALE_BOOK", 7, 4)
    assert (stale["best_detail"], stale["best_net_bps"]) == ("detail 2", "14.5")
    assert (deposit["refused"], deposit["in_newest_scan"], deposit["best_detail"]) == (5, 0, "detail 1")


async def test_what_a_trade_leaves_short_counts_in_its_result(desk):
    now_ms = desk.clock.now_ms()
    half = trade_row(
        1,
        now_ms,
        status="partial",
        realised_profit="500.5",
        unrealised_profit="-499.25",
        realised_value="501",
        unrealised_value="-499.75",
    )
    await desk.load(1, {"trades": [half]})
    shown = await overview_of(desk)
    assert shown["trades"][0]["result"] == "1.25"
    assert shown["trades"][0]["result_value"] == "1.25"
    assert [value for _, value in shown["profit"]["curve"]] == [1.25]


async def test_the_profit_curve_of_more_trades_than_it_shows_ends_at_the_profit_of_all(desk, monkeypatch):
    monkeypatch.setattr("shared.web.overview.TRADES", 3)
    now_ms = desk.clock.now_ms()
    rows = [
        trade_row(number, now_ms - 10_000 + number, realised_profit=str(number), realised_value=str(number))
        for number in range(1, 6)
    ]
    await desk.load(1, {"trades": rows})
    await desk.fund("115")
    curve = (await overview_of(desk))["profit"]["curve"]
    assert [value for _, value in curve] == [106, 110, 115]


async def test_a_venue_that_did_not_answer_is_told_with_its_error_and_its_last_answer(desk):
    now_ms = desk.clock.now_ms()
    await desk.load(1, scan_rows(1, now_ms - 60_000))
    await desk.load(2, scan_rows(2, now_ms - 30_000, missing="kraken"))
    kraken = next(each for each in (await overview_of(desk))["venues"] if each["venue"] == "kraken")
    assert kraken["status"] == "banned"
    assert kraken["error"] == "banned until 12:00: 418"
    assert (kraken["asked"], kraken["answered"]) == (2, 1)
    assert kraken["last_answer"] == iso(now_ms - 60_000)


async def test_a_scan_that_our_rate_limit_kept_from_a_venue_does_not_count_against_it(desk):
    now_ms = desk.clock.now_ms()
    await desk.load(1, scan_rows(1, now_ms - 60_000))
    await desk.load(2, left_out(scan_rows(2, now_ms - 30_000, missing="kraken"), "kraken"))
    kraken = next(each for each in (await overview_of(desk))["venues"] if each["venue"] == "kraken")
    assert (kraken["status"], kraken["asked"], kraken["answered"]) == ("rate_limited", 1, 1)


async def test_the_inventory_is_valued_at_the_mids_of_the_newest_scan(desk):
    await desk.load(1, scan_rows(1, desk.clock.now_ms()))
    await desk.fund()
    inventory = (await overview_of(desk))["inventory"]
    assert inventory["value"] == "80000.0"
    assert Decimal(inventory["revaluation"]) == 1000
    assert [each["asset"] for each in inventory["assets"]] == ["USDT", "BTC"]
    bitcoin = inventory["assets"][1]
    assert Decimal(bitcoin["price"]) == 80_000
    assert bitcoin["venues"]["binance"] == {"amount": "0.3", "funded": "0.25"}


async def test_markets_never_mix(desk):
    await desk.live(scans=5)
    desk.market = "live"
    shown = await overview_of(desk)
    assert shown["market"] == "live"
    assert shown["scan"] is None
    assert shown["opportunities"] == []


async def test_alarms_that_hold_and_records_that_cannot_load_are_told(desk):
    alarm = {"severity": "critical", "detail": "no scan", "since_ms": 0, "told_ms": 0}
    await desk.state.replace(
        desk.room("alarms"),
        "memory",
        {"missing_scans": {**alarm, "absent_ms": None}, "over": {**alarm, "absent_ms": 5}},
    )
    await desk.state.replace(desk.room("poisoned"), "blob", {"reason": "bad", "at_ms": 0})
    shown = await overview_of(desk)
    assert [each["name"] for each in shown["alarms"]] == ["missing_scans"]
    assert shown["loads"]["poisoned"] == 1


async def test_a_warehouse_that_does_not_answer_is_a_503_that_says_so():
    async def promise():
        raise TransientLoadError("the warehouse is busy")

    answer = await endpoints.overview(promise)
    assert answer.status == 503
    assert json.loads(answer.body)["errors"] == ["the warehouse is busy"]


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300))
def test_every_value_is_in_one_bin_and_bins_leave_no_gap(values):
    found = figures.distribution(values)
    assert sum(count for _, count in found["bins"]) == found["count"] == len(values)
    assert len(found["bins"]) <= figures.BINS + 2
    starts = [start for start, _ in found["bins"]]
    for before, after in pairwise(starts):
        assert after - before == pytest.approx(found["width"], rel=1e-3)


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.decimals(-1000, 1000, places=6))),
    st.decimals(-100, 100, places=2),
)
def test_a_running_total_closes_at_its_end(moves, end):
    points = figures.running_total(moves, end)
    assert [time for time, _ in points] == sorted({time for time, _ in moves})
    if points:
        assert points[-1][1] == pytest.approx(float(end), abs=1e-3)


def test_a_price_is_the_median_of_the_venues_and_crossed_books_do_not_count():
    quotes = [
        {"symbol": "BTC/USDT", "bid": "99", "ask": "101"},
        {"symbol": "BTC/USDT", "bid": "109", "ask": "111"},
        {"symbol": "BTC/USDT", "bid": "500", "ask": "400"},
        {"symbol": "BTC/USDT", "bid": None, "ask": "400"},
        {"symbol": "USDT/EUR", "bid": "0.8", "ask": "0.8"},
    ]
    prices = figures.prices(quotes, {"XRP": Decimal(2)})
    assert {asset: text(price) for asset, price in prices.items()} == {
        "USDT": "1",
        "XRP": "2",
        "BTC": "105",
        "EUR": "1.25",
    }
