"""A scan through function_app.py with its workflow and loads, as Application Insights receives it."""

import json
import sqlite3
import subprocess
import sys
from collections import Counter

import pytest

from shared.domain.market import VENUE_IDS
from shared.signals import EVENTS, METRICS, SPANS
from tests.telemetry.conftest import ROOT, localhost_environment


@pytest.fixture(scope="module")
def sent(scanned):
    _, receiver = scanned
    return receiver


def named(envelopes, name):
    return [envelope for envelope in envelopes if envelope["data"]["baseData"]["name"] == name]


def values(receiver, name):
    """Measured values of a metric by its labels: sum and count."""
    return {
        tuple(
            value
            for key, value in sorted(envelope["data"]["baseData"]["properties"].items())
            if key != "market"
        ): (
            point["value"],
            point["count"],
        )
        for envelope in receiver.envelopes("MetricData")
        for point in envelope["data"]["baseData"]["metrics"]
        if point["name"] == name
    }


def test_one_trace_goes_from_the_timer_to_both_loads_with_the_right_parents(sent):
    spans = [*sent.envelopes("RequestData"), *sent.envelopes("RemoteDependencyData")]
    (scan,) = named(spans, "scan")
    ids = {span["data"]["baseData"]["id"]: span["data"]["baseData"]["name"] for span in spans}
    trace = scan["tags"]["ai.operation.id"]
    parents = Counter(
        (span["data"]["baseData"]["name"], ids.get(span["tags"].get("ai.operation.parentId")))
        for span in spans
        if span["tags"]["ai.operation.id"] == trace
    )
    found = len(named(sent.envelopes("EventData"), "arbitrage_opportunity_detected"))
    assert found > 0
    assert parents == {
        ("scan", None): 1,
        ("fetch_quotes", "scan"): 1,
        ("fetch_books", "scan"): 1,
        ("detect", "scan"): 1,
        ("store", "scan"): 1,
        ("analyze", "scan"): found,
        ("execute", "scan"): 1,
        ("record", "scan"): 1,
        ("load", "scan"): 1,
        ("load", "record"): 1,
    }


def test_the_events_of_the_scan_lie_in_its_trace(sent):
    (scan,) = named(sent.envelopes("RequestData"), "scan")
    events = sent.envelopes("EventData")
    assert {event["data"]["baseData"]["name"] for event in events} == {
        "arbitrage_opportunity_detected",
        "arbitrage_opportunity_rejected",
        "arbitrage_opportunity_simulated",
    }
    assert {event["tags"]["ai.operation.id"] for event in events} == {scan["tags"]["ai.operation.id"]}
    for event in events:
        properties = event["data"]["baseData"]["properties"]
        assert properties["market"] == "simulated"
        sent_with_it = set(properties) - {"market", "logger_name"}
        assert sent_with_it == set(EVENTS[event["data"]["baseData"]["name"]].attributes)


def test_the_metrics_agree_with_the_warehouse(sent, scanned):
    folder, _ = scanned
    with sqlite3.connect(folder / "warehouse.db") as connection:
        refused = dict(connection.execute("SELECT reason, refused FROM rejections"))
        trades = dict(connection.execute("SELECT status, COUNT(*) FROM trades GROUP BY status"))
        ((duration_ms, profit),) = connection.execute(
            "SELECT duration_ms, (SELECT SUM(realised_value) FROM trades) FROM scans"
        )
    connection.close()
    assert {
        labels[0]: value for labels, (value, _) in values(sent, "arbitrage_rejections").items()
    } == refused
    assert {labels[0]: value for labels, (value, _) in values(sent, "arbitrage_trades").items()} == trades
    assert values(sent, "arbitrage_scan_duration_ms") == {("timer",): (duration_ms, 1)}
    assert sum(value for value, _ in values(sent, "arbitrage_profit_usdt").values()) == pytest.approx(profit)
    assert {labels[0] for labels in values(sent, "arbitrage_venue_latency_ms")} == set(VENUE_IDS)


def test_nothing_but_the_declared_signals_is_sent(sent):
    names = {
        envelope["data"]["baseData"].get("name") or envelope["data"]["baseData"]["metrics"][0]["name"]
        for envelope in sent.envelopes()
        if envelope["data"]["baseType"] != "MessageData"
    }
    assert names <= {*SPANS, *EVENTS, *METRICS}
    assert sent.paths == {"/v2.1/track"}


def test_the_scans_line_is_a_message_of_its_trace(sent):
    (scan,) = named(sent.envelopes("RequestData"), "scan")
    (line,) = [
        m for m in sent.envelopes("MessageData") if m["data"]["baseData"]["message"].startswith("scan ")
    ]
    assert line["tags"]["ai.operation.id"] == scan["tags"]["ai.operation.id"]
    assert "[simulated market] 4 of 4 venues answered" in line["data"]["baseData"]["message"]


def test_with_log_format_json_every_line_of_the_product_is_an_object(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "localhost", "--once"],
        cwd=ROOT,
        env=localhost_environment(tmp_path, LOG_FORMAT="json"),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    lines = [json.loads(line) for line in run.stderr.splitlines() if line.startswith("{")]
    assert run.returncode == 0, run.stderr
    assert {"arbitrage_opportunity_detected", "arbitrage_opportunity_simulated"} <= {
        line.get("event") for line in lines
    }
    (scan,) = [line for line in lines if line["message"].startswith("scan ")]
    assert (scan["level"], scan["logger"]) == ("INFO", "arbitrage")
    assert not [line for line in run.stderr.splitlines() if not line.startswith("{") and " scan " in line]
