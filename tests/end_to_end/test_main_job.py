"""The main job as a caller sees it: scan, status link, trades, rows."""

import asyncio
import re
from decimal import Decimal

import pytest

from shared import composition
from shared.web.scan_lock import ScanRunning, scan_lock


async def completed(product, link):
    for _ in range(200):
        status, told = await product.call("GET", link)
        if status == 200:
            return told
        assert status == 202
        await asyncio.sleep(0.05)
    raise AssertionError("the orchestration did not end")


async def test_a_manual_scan_is_analysed_traded_recorded_and_loaded(product):
    found = await product.scan_with_opportunity()
    assert set(found["orchestration"]) == {"id", "statusQueryGetUri"}
    assert set(found) >= {"scan_id", "time", "venues", "opportunities", "rejections", "orchestration"}

    told = await completed(product, found["orchestration"]["statusQueryGetUri"])
    assert told["runtimeStatus"] == "Completed"
    assert told["output"]["scan_id"] == found["scan_id"]
    ids = [opportunity["id"] for opportunity in found["opportunities"]]
    assert [verdict["opportunity_id"] for verdict in told["output"]["verdicts"]] == ids
    assert [trade["opportunity_id"] for trade in told["output"]["trades"]] == ids

    await product.host.drain(60)
    scan_id = found["scan_id"]
    assert len(product.rows(f"SELECT * FROM arbitrage_opportunities WHERE scan_id = '{scan_id}'")) == len(ids)
    assert len(product.rows(f"SELECT * FROM trades WHERE scan_id = '{scan_id}'")) == len(ids)
    status, page = await product.call("GET", f"trades?scan_id={scan_id}")
    assert status == 200
    for trade in page["items"]:
        flows = Decimal(0)
        for fill in trade["fills"]:
            sign = 1 if fill["side"] == "sell" else -1
            if fill["quote"] == trade["start_asset"]:
                flows += sign * Decimal(fill["notional"])
            if fill["base"] == trade["start_asset"]:
                flows -= sign * Decimal(fill["amount"])
            if fill["fee_asset"] == trade["start_asset"]:
                flows -= Decimal(fill["fee"])
        assert Decimal(trade["realised_profit"]) == flows


async def test_the_status_of_a_scan_tells_verdicts_and_every_fill(product):
    found = await product.scan_with_opportunity()
    await product.host.drain(60)
    status, told = await product.call("GET", f"scans/{found['scan_id']}")
    assert status == 200
    assert told["state"] == "done"
    assert len(told["verdicts"]) == len(told["trades"]) == len(found["opportunities"])
    assert all("fills" in trade for trade in told["trades"])


async def test_a_scan_nobody_made_has_no_status(product):
    status, told = await product.call("GET", "scans/20200101T000000000Z-00000000")
    assert status == 404
    assert "20200101T000000000Z-00000000" in told["detail"]


async def test_the_timer_scans_and_its_rows_arrive(product):
    await product.host.invoke_timer("refresh_markets_timer")
    await product.host.invoke_timer("scan_timer")
    await product.host.drain(60)
    (scan,) = product.rows("SELECT * FROM scans")
    assert scan["triggered_by"] == "timer"
    assert scan["venues_ok"] == 4
    assert scan["instruments_compared"] > 600
    assert product.rows("SELECT * FROM market_data")
    assert product.rows("SELECT * FROM v_exchange_performance")


async def test_a_second_manual_scan_while_one_runs_gets_409(product):
    await product.scan()
    answers = await asyncio.gather(*(product.scan() for _ in range(3)))
    statuses = sorted(status for status, _ in answers)
    assert statuses[0] == 200
    assert statuses[-1] == 409
    told = next(answer["detail"] for status, answer in answers if status == 409)
    assert re.search(r"wait until it is done, or 20\S+Z if its process died", told)


async def test_a_scan_that_outlived_its_lock_leaves_the_lock_of_the_next_one_alone(product):
    desk = await composition.desk()
    room = desk.room("locks")
    async with scan_lock(desk):
        held = await desk.state.get(room, "manual-scan")
        await desk.state.put(room, "manual-scan", {"until_ms": held.value["until_ms"] + 1}, held.etag)
    assert await desk.state.get(room, "manual-scan")
    with pytest.raises(ScanRunning):
        async with scan_lock(desk):
            pass


async def test_every_route_but_health_and_the_page_wants_the_key(product):
    for method, path in (
        ("POST", "scan"),
        ("GET", "scans/x"),
        ("GET", "opportunities"),
        ("GET", "trades"),
        ("GET", "kill-switch"),
        ("POST", "kill-switch"),
        ("POST", "reload"),
    ):
        assert (await product.call(method, path, key=False))[0] == 401, path
    assert (await product.call("GET", "health", key=False))[0] == 200


async def test_wrong_requests_are_refused_with_everything_that_is_wrong(product):
    status, told = await product.scan({"venues": ["mtgox"], "min_net_bps": -1, "capital": "x", "size": 1})
    assert status == 400
    assert len(told["errors"]) == 4
    assert "'mtgox' is unknown; known are binance, bybit, gateio, kraken" in told["detail"]
    for raw in ("[1]", "{", "x" * 20_000):
        status, told = await product.call("POST", "scan", raw=raw)
        assert status == 400
        assert told["errors"]
    status, told = await product.call("GET", "trades?limit=0&colour=red")
    assert status == 400
    assert len(told["errors"]) == 2


async def test_a_scan_goes_on_without_a_venue_and_says_which_and_why(product, venues):
    await product.scan()
    venues.set_fault("kraken", "server_error_5xx")
    status, found = await product.scan()
    assert status == 200
    assert found["venues"]["kraken"]["status"] != "ok"
    assert found["venues"]["kraken"]["error"]
    assert found["venues"]["binance"] == {"status": "ok", "error": None}
    assert not any("kraken:" in leg for refused in found["rejections"] for leg in refused["path"])


async def test_a_scan_that_no_venue_answers_is_a_503_and_is_recorded(product, venues):
    await product.scan()
    for venue in ("binance", "bybit", "gateio", "kraken"):
        venues.set_fault(venue, "html_body")
    before = len(product.blobs("scans"))
    status, told = await product.scan()
    assert status == 503
    assert "binance" in told["detail"]
    assert len(product.blobs("scans")) == before + 1


async def test_a_tripped_kill_switch_stops_execution_and_scanning_goes_on(product):
    await product.scan()
    status, told = await product.call(
        "POST", "kill-switch", {"tripped": True, "by": "Ada", "reason": "looks odd"}
    )
    assert (status, told["tripped"]) == (200, True)
    found = await product.scan_with_opportunity()
    await product.host.drain(60)
    trades = product.rows(f"SELECT * FROM trades WHERE scan_id = '{found['scan_id']}'")
    assert {trade["reason"] for trade in trades} == {"KILL_SWITCH"}
    assert not product.rows(f"SELECT * FROM fills WHERE scan_id = '{found['scan_id']}'")
    status, told = await product.call("POST", "kill-switch", {"tripped": False, "by": "risk", "reason": "x"})
    assert status == 400
    status, told = await product.call(
        "POST", "kill-switch", {"tripped": False, "by": "Ada", "reason": "fine"}
    )
    assert (status, told["tripped"]) == (200, False)
    assert [event["by"] for event in told["history"]] == ["Ada", "Ada"]
