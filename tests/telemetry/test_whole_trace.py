"""A scan through function_app.py with its workflow and loads, as Application Insights receives it."""

import json
import sqlite3
from collections import Counter

import pytest

from shared.domain.market import VENUE_IDS
from shared.signals import EVENTS, METRICS, SPANS


@pytest.fixture(scope="module")
def sent(scanned):
    _, receiver, _ = scanned
    return receiver


def named(envelopes, name):
    return [envelope for envelope in envelopes if envelope["data"]["baseData"]["name"] == name]


def trace_of(envelope):
    return envelope["tags"]["ai.operation.id"]


def measured(receiver, name, label, what="value"):
    """Sums of a metric's values, or of their counts, by one label."""
    sums = Counter()
    for envelope in receiver.envelopes("MetricData"):
        data = envelope["data"]["baseData"]
        for point in data["metrics"]:
            if point["name"] == name:
                sums[data["properties"][label]] += point[what]
    return dict(sums)


@pytest.fixture(scope="module")
def trade(sent):
    """The event of a simulated trade."""
    return named(sent.envelopes("EventData"), "arbitrage_opportunity_simulated")[0]


@pytest.fixture(scope="module")
def scan(sent, trade):
    """The span of the scan that found it."""
    scans = named(sent.envelopes("RequestData"), "scan")
    return next(span for span in scans if trace_of(span) == trace_of(trade))


def test_one_trace_goes_from_the_timer_to_both_loads_with_the_right_parents(sent, scan):
    spans = [*sent.envelopes("RequestData"), *sent.envelopes("RemoteDependencyData")]
    names = {span["data"]["baseData"]["id"]: span["data"]["baseData"]["name"] for span in spans}
    parents = Counter(
        (span["data"]["baseData"]["name"], names.get(span["tags"].get("ai.operation.parentId")))
        for span in spans
        if trace_of(span) == trace_of(scan)
    )
    detected = named(sent.envelopes("EventData"), "arbitrage_opportunity_detected")
    found = len([event for event in detected if trace_of(event) == trace_of(scan)])
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


def test_the_events_of_a_scan_lie_in_its_trace(sent, scan):
    events = sent.envelopes("EventData")
    kinds = ("detected", "rejected", "simulated")
    of_the_scan = {event["data"]["baseData"]["name"] for event in events if trace_of(event) == trace_of(scan)}
    assert of_the_scan == {f"arbitrage_opportunity_{kind}" for kind in kinds}
    assert {trace_of(event) for event in events} <= {
        trace_of(span) for span in named(sent.envelopes("RequestData"), "scan")
    }
    for event in events:
        properties = event["data"]["baseData"]["properties"]
        assert properties["market"] == "simulated"
        carried = set(properties) - {"market", "logger_name"}
        assert carried == set(EVENTS[event["data"]["baseData"]["name"]].attributes)


def test_the_metrics_agree_with_the_warehouse(sent, scanned):
    folder, _, _ = scanned
    with sqlite3.connect(folder / "warehouse.db") as connection:
        refused = dict(connection.execute("SELECT reason, SUM(refused) FROM rejections GROUP BY reason"))
        trades = dict(connection.execute("SELECT status, COUNT(*) FROM trades GROUP BY status"))
        ((scans, duration_ms, profit),) = connection.execute(
            "SELECT COUNT(*), SUM(duration_ms), (SELECT SUM(realised_value + unrealised_value) FROM trades) "
            "FROM scans"
        )
    connection.close()
    assert measured(sent, "arbitrage_rejections", "reason") == refused
    assert measured(sent, "arbitrage_trades", "status") == trades
    assert measured(sent, "arbitrage_scan_duration_ms", "trigger") == {"timer": duration_ms}
    assert measured(sent, "arbitrage_scan_duration_ms", "trigger", "count") == {"timer": scans}
    assert sum(measured(sent, "arbitrage_profit_usdt", "pair").values()) == pytest.approx(profit)
    assert set(measured(sent, "arbitrage_venue_latency_ms", "venue")) == set(VENUE_IDS)


def test_nothing_but_the_declared_signals_is_sent(sent):
    names = {
        envelope["data"]["baseData"].get("name") or envelope["data"]["baseData"]["metrics"][0]["name"]
        for envelope in sent.envelopes()
        if envelope["data"]["baseType"] != "MessageData"
    }
    assert names <= {*SPANS, *EVENTS, *METRICS}
    assert sent.paths == {"/v2.1/track"}


def test_the_scans_line_is_a_message_of_its_trace(sent, scan):
    lines = [line for line in sent.envelopes("MessageData") if trace_of(line) == trace_of(scan)]
    (told,) = [line["data"]["baseData"]["message"] for line in lines]
    assert "[simulated market] 4 of 4 venues answered" in told


def test_with_log_format_json_every_line_of_the_product_is_an_object(scanned, scan):
    _, _, log = scanned
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert not [line for line in log.splitlines() if not line.startswith("{") and " scan " in line]
    told = [line for line in lines if line.get("trace_id") == trace_of(scan)]
    assert {"arbitrage_opportunity_detected", "arbitrage_opportunity_simulated"} <= {
        line.get("event") for line in told
    }
    (line,) = [line for line in told if line["message"].startswith("scan ")]
    assert (line["level"], line["logger"]) == ("INFO", "arbitrage")
