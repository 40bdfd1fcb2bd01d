"""The whole way through an app in service: health, a manual scan, its workflow, its rows and its trace."""

from __future__ import annotations

import pytest

VENUES = {"binance", "bybit", "gateio", "kraken"}


@pytest.fixture(scope="session")
def workflow(deployment, scan, within):
    """The scan's workflow at its end; None where nothing was found to trade."""
    if scan["orchestration"] is None:
        return None

    def ended():
        reply = deployment.ask(scan["orchestration"]["statusQueryGetUri"])
        return reply.json() if reply.status == 200 else None

    return within(120, "the workflow's end", ended)


def test_health_needs_no_key_and_is_good(deployment):
    reply = deployment.ask("/api/health", key=None)
    assert reply.status == 200
    assert reply.json()["status"] == "healthy"


@pytest.mark.parametrize("path", ["/api/opportunities", "/api/trades", "/api/metrics", "/api/kill-switch"])
def test_everything_that_carries_data_asks_for_the_key(deployment, path):
    assert deployment.ask(path, key=None).status == 401
    assert deployment.ask(path, key="wrong").status == 401
    assert deployment.ask(path).status == 200


def test_the_page_needs_no_key_because_it_carries_no_data(deployment):
    reply = deployment.ask("/api/dashboard", key=None)
    assert reply.status == 200
    assert b"<html" in reply.body


def test_a_scan_without_a_key_is_refused(deployment):
    assert deployment.ask("/api/scan", body={}, key=None).status == 401


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"venues": ["mtgox"]}', b'{"min_net_bps": -1}'])
def test_a_wrong_request_is_told_what_is_wrong(deployment, raw):
    reply = deployment.ask("/api/scan", raw=raw)
    assert reply.status == 400
    assert reply.json()["title"]


def test_a_scan_tells_of_every_venue_and_of_everything_it_saw(scan):
    assert scan["venues"].keys() == VENUES
    assert "ok" in {venue["status"] for venue in scan["venues"].values()}
    assert isinstance(scan["opportunities"], list)
    assert isinstance(scan["rejections"], list)


def test_a_scan_can_be_looked_up(deployment, scan):
    reply = deployment.ask(f"/api/scans/{scan['scan_id']}")
    assert reply.status == 200
    assert reply.json()["scan_id"] == scan["scan_id"]


def test_its_workflow_completes_with_a_verdict_for_each_opportunity(scan, workflow):
    if workflow is None:
        pytest.skip("no opportunity stood in the market at the time of the scan")
    assert workflow["runtimeStatus"] == "Completed"
    assert workflow["output"]["scan_id"] == scan["scan_id"]
    assert len(workflow["output"]["verdicts"]) == len(scan["opportunities"])


def test_a_caller_gets_no_link_that_ends_workflows(scan):
    assert scan["orchestration"] is None or scan["orchestration"].keys() == {"id", "statusQueryGetUri"}


def test_the_scan_reaches_the_database_once(deployment, scan, within):
    scan_id = scan["scan_id"]
    within(90, "the scan's row", lambda: deployment.count("scans", scan_id))
    assert deployment.count("scans", scan_id) == 1
    assert deployment.count("arbitrage_opportunities", scan_id) == len(scan["opportunities"])


def test_its_trades_reach_the_database_once(deployment, scan, workflow, within):
    if workflow is None or not workflow["output"]["trades"]:
        pytest.skip("the scan led to no trade")
    trades = len(workflow["output"]["trades"])
    within(90, "the trades' rows", lambda: deployment.count("trades", scan["scan_id"]) == trades)


def test_prometheus_learns_when_the_last_scan_was(deployment, scan):
    lines = deployment.ask("/api/metrics").body.decode().splitlines()
    assert any(line.startswith("arbitrage_last_scan_timestamp_seconds{") for line in lines)


def test_the_scans_trace_reaches_application_insights(deployment, scan, within):
    spans = within(300, "the scan's spans", lambda: deployment.spans_of(scan["scan_id"]))
    assert "fetch_quotes" in spans
