"""What the real exporters send, read from a receiver on loopback."""

import logging
import socket
from decimal import Decimal

import pytest
from opentelemetry.context import attach, detach
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from shared.adapters.telemetry import make_metrics
from shared.signals import METRICS, SPANS

PAIR = "binance>kraken"


def to_insights(receiver, **options):
    return make_metrics(receiver.connection, None, "arbitrage-bot", "1.2.3", "simulated", **options)


def by_name(envelopes):
    return {envelope["data"]["baseData"]["name"]: envelope for envelope in envelopes}


def points(receiver, name):
    return [
        (envelope["data"]["baseData"]["properties"], point)
        for envelope in receiver.envelopes("MetricData")
        for point in envelope["data"]["baseData"]["metrics"]
        if point["name"] == name
    ]


@pytest.fixture
def host_span():
    """The span that the host opens for an invocation, as the worker puts it into the context."""
    context = SpanContext(0xA1, 0xB2, is_remote=True, trace_flags=TraceFlags(1))
    token = attach(set_span_in_context(NonRecordingSpan(context)))
    yield context
    detach(token)


async def test_a_trace_goes_from_the_scan_over_the_queue_to_the_load(receiver):
    metrics = to_insights(receiver)
    with metrics.span("scan", trigger="timer") as scan, metrics.span("fetch_quotes"):
        handed_over = scan.traceparent
    with metrics.span("load", handed_over):
        pass
    await metrics.close()

    requests = by_name(receiver.envelopes("RequestData"))
    fetch = by_name(receiver.envelopes("RemoteDependencyData"))["fetch_quotes"]
    scan_id = requests["scan"]["data"]["baseData"]["id"]
    traces = {envelope["tags"]["ai.operation.id"] for envelope in (*requests.values(), fetch)}
    assert traces == {handed_over.split("-")[1]}
    assert "ai.operation.parentId" not in requests["scan"]["tags"]
    assert fetch["tags"]["ai.operation.parentId"] == scan_id
    assert requests["load"]["tags"]["ai.operation.parentId"] == scan_id
    assert fetch["data"]["baseData"]["target"] == "venues"
    assert requests["scan"]["data"]["baseData"]["properties"] == {"market": "simulated", "trigger": "timer"}
    assert requests["scan"]["tags"]["ai.cloud.role"] == "arbitrage-bot"
    assert requests["scan"]["tags"]["ai.application.ver"] == "1.2.3"


async def test_a_failure_marks_its_span_and_shows_the_error_without_its_secret(receiver):
    metrics = to_insights(receiver)
    with pytest.raises(OSError, match="topsecret"), metrics.span("load"):
        raise OSError("GET https://x.example/a?sig=topsecret failed")
    await metrics.close()

    request = by_name(receiver.envelopes("RequestData"))["load"]
    (exception,) = receiver.envelopes("ExceptionData")
    assert request["data"]["baseData"]["success"] is False
    assert exception["tags"]["ai.operation.parentId"] == request["data"]["baseData"]["id"]
    (details,) = exception["data"]["baseData"]["exceptions"]
    assert details["message"] == "GET https://x.example/a?sig=*** failed"
    assert not any(b"topsecret" in body for _, _, body in receiver.requests)


async def test_an_event_is_a_custom_event_inside_its_trace(receiver):
    metrics = to_insights(receiver)
    with metrics.span("execute") as span:
        metrics.event(
            "arbitrage_opportunity_simulated",
            trade_id="t1",
            realised_profit=Decimal("0.000000012345678901"),
            profit_percent=0.25,
        )
    await metrics.close()

    (event,) = receiver.envelopes("EventData")
    assert event["data"]["baseData"]["name"] == "arbitrage_opportunity_simulated"
    properties = event["data"]["baseData"]["properties"]
    assert properties["realised_profit"] == "0.000000012345678901"
    assert properties["market"] == "simulated"
    assert [event["tags"]["ai.operation.id"], event["tags"]["ai.operation.parentId"]] == (
        span.traceparent.split("-")[1:3]
    )


async def test_losses_and_profits_add_up_and_each_point_stands_for_its_own_minute(receiver):
    metrics = to_insights(receiver)
    for percent in ("-0.5", "0.25", "1.75"):
        metrics.measure("arbitrage_profit_percent", Decimal(percent), kind="two_leg", pair=PAIR)
    metrics.flush()
    metrics.measure("arbitrage_profit_percent", 0.5, kind="two_leg", pair=PAIR)
    await metrics.close()

    (first, second) = (point for _, point in points(receiver, "arbitrage_profit_percent"))
    assert (first["value"], first["count"], first["min"], first["max"]) == (1.5, 3, -0.5, 1.75)
    assert (second["value"], second["count"]) == (0.5, 1)


@pytest.mark.parametrize("name", METRICS)
async def test_every_declared_metric_arrives_under_its_name_with_its_labels(receiver, name):
    metrics = to_insights(receiver)
    labels = {label: values[-1] for label, values in METRICS[name].labels.items()}
    metrics.measure(name, 2, **labels)
    await metrics.close()

    ((properties, point),) = points(receiver, name)
    assert properties == {"market": "simulated", **labels}
    assert point["value"] == 2
    assert {e["data"]["baseType"] for e in receiver.envelopes()} == {"MetricData"}


@pytest.mark.parametrize("name", SPANS)
async def test_request_and_message_spans_are_requests_and_the_others_dependencies(receiver, name):
    metrics = to_insights(receiver)
    with metrics.span(name):
        pass
    await metrics.close()

    (envelope,) = receiver.envelopes()
    filed = "RequestData" if SPANS[name].kind in {"request", "message"} else "RemoteDependencyData"
    assert (envelope["data"]["baseType"], envelope["data"]["baseData"]["name"]) == (filed, name)


async def test_a_label_value_outside_its_set_counts_as_other(receiver):
    metrics = to_insights(receiver)
    metrics.measure("arbitrage_venue_errors", 1, venue="kraken", kind="EGeneral:Internal error 4711")
    await metrics.close()

    ((properties, _),) = points(receiver, "arbitrage_venue_errors")
    assert properties == {"market": "simulated", "venue": "kraken", "kind": "other"}


async def test_what_is_not_declared_is_dropped_with_one_warning(receiver, caplog):
    metrics = to_insights(receiver)
    for _ in range(3):
        metrics.measure("arbitrage_nonsense", 1)
        metrics.measure("arbitrage_trades", 1, colour="red", status="filled")
    metrics.event("nonsense_happened", a=1)
    await metrics.close()

    assert points(receiver, "arbitrage_nonsense") == []
    ((properties, point),) = points(receiver, "arbitrage_trades")
    assert (properties, point["value"]) == ({"market": "simulated", "status": "filled"}, 3)
    assert receiver.envelopes("EventData") == []
    warnings = [record.getMessage() for record in caplog.records if record.name == "arbitrage"]
    assert [text.split(":")[0] for text in warnings] == [
        "undeclared metric arbitrage_nonsense",
        "undeclared label colour of metric arbitrage_trades",
        "undeclared event nonsense_happened dropped",
    ]


async def test_log_lines_follow_the_trace_and_lose_their_secrets(receiver):
    metrics = to_insights(receiver)
    with metrics.span("scan") as span:
        logging.getLogger("arbitrage").warning("cannot reach AccountName=a;AccountKey=c2VjcmV0;Suffix=b")
    logging.getLogger("somebody.else").warning("not ours")
    await metrics.close()

    (line,) = receiver.envelopes("MessageData")
    assert line["data"]["baseData"]["message"] == "cannot reach AccountName=a;AccountKey=***;Suffix=b"
    assert line["tags"]["ai.operation.id"] == span.traceparent.split("-")[1]


async def test_nothing_is_sampled_away_unless_asked_for(receiver):
    metrics = to_insights(receiver)
    for _ in range(40):
        with metrics.span("scan"):
            pass
    await metrics.close()
    assert len(receiver.envelopes("RequestData")) == 40


async def test_sampling_keeps_whole_traces_and_says_how_many_they_stand_for(receiver):
    metrics = to_insights(receiver, sampling_ratio=0.5)
    for _ in range(60):
        with metrics.span("scan"), metrics.span("detect"):
            pass
    await metrics.close()

    requests = receiver.envelopes("RequestData")
    kept = {envelope["tags"]["ai.operation.id"] for envelope in requests}
    assert 0 < len(kept) < 60
    assert {envelope["sampleRate"] for envelope in requests} == {50.0}
    parts = receiver.envelopes("RemoteDependencyData")
    assert {envelope["tags"]["ai.operation.id"] for envelope in parts} == kept


async def test_under_the_hosts_span_a_step_is_no_second_request(receiver, host_span):
    metrics = to_insights(receiver)
    with metrics.span("scan"):
        pass
    await metrics.close()

    (scan,) = receiver.envelopes()
    assert scan["data"]["baseType"] == "RemoteDependencyData"
    assert scan["tags"]["ai.operation.id"] == f"{host_span.trace_id:032x}"
    assert scan["tags"]["ai.operation.parentId"] == f"{host_span.span_id:016x}"


async def test_an_activitys_nearest_parent_is_the_hosts_span_of_the_same_trace(receiver, host_span):
    metrics = to_insights(receiver)
    with metrics.span("analyze", f"00-{host_span.trace_id:032x}-00000000000000c3-01"):
        pass
    await metrics.close()

    (analyze,) = receiver.envelopes()
    assert analyze["tags"]["ai.operation.parentId"] == f"{host_span.span_id:016x}"


async def test_a_load_joins_its_scans_trace_and_links_to_the_hosts(receiver, host_span):
    metrics = to_insights(receiver)
    with metrics.span("load", "00-000000000000000000000000000000d4-00000000000000c3-01"):
        pass
    await metrics.close()

    (load,) = receiver.envelopes("RequestData")
    assert load["tags"]["ai.operation.id"] == f"{0xD4:032x}"
    assert load["tags"]["ai.operation.parentId"] == f"{0xC3:016x}"
    assert f"{host_span.trace_id:032x}" in load["data"]["baseData"]["properties"]["_MS.links"]


@pytest.mark.parametrize("broken", ["", "hello", "00-0-0-00", f"00-{'0' * 32}-{'0' * 16}-01"])
async def test_a_broken_traceparent_starts_a_trace_of_its_own(receiver, broken):
    metrics = to_insights(receiver)
    with metrics.span("load", broken) as span:
        pass
    await metrics.close()
    (load,) = receiver.envelopes("RequestData")
    assert load["tags"]["ai.operation.id"] == span.traceparent.split("-")[1]
    assert "ai.operation.parentId" not in load["tags"]


async def test_otlp_takes_the_same_three_signals(receiver):
    metrics = make_metrics(None, receiver.address, "arbitrage-bot", "1.2.3", "live")
    with metrics.span("scan"):
        metrics.event("venue_down", venue="kraken", kind="timeout", error="no answer in 6000 ms")
    metrics.measure("arbitrage_profit_percent", -0.5, kind="two_leg", pair=PAIR)
    await metrics.close()

    sent = {path: body for path, _, body in receiver.requests}
    assert set(sent) == {"/v1/traces", "/v1/metrics", "/v1/logs"}
    spans = ExportTraceServiceRequest.FromString(sent["/v1/traces"]).resource_spans[0].scope_spans[0].spans
    logs = ExportLogsServiceRequest.FromString(sent["/v1/logs"]).resource_logs[0].scope_logs[0].log_records
    metric = ExportMetricsServiceRequest.FromString(sent["/v1/metrics"]).resource_metrics[0].scope_metrics[0]
    assert [span.name for span in spans] == ["scan"]
    assert logs[0].trace_id == spans[0].trace_id
    attributes = {item.key: item.value.string_value for item in logs[0].attributes}
    assert attributes["microsoft.custom_event.name"] == "venue_down"
    assert attributes["market"] == "live"
    (point,) = metric.metrics[0].histogram.data_points
    assert (metric.metrics[0].name, point.sum, point.count) == ("arbitrage_profit_percent", -0.5, 1)
    assert list(point.explicit_bounds) == list(METRICS["arbitrage_profit_percent"].buckets)


async def test_both_destinations_get_the_same_trace(receiver):
    metrics = make_metrics(receiver.connection, receiver.address, "arbitrage-bot", "1.2.3", "simulated")
    with metrics.span("scan") as span:
        pass
    await metrics.close()

    trace_id = span.traceparent.split("-")[1]
    otlp = next(body for path, _, body in receiver.requests if path == "/v1/traces")
    assert bytes.fromhex(trace_id) in otlp
    assert receiver.envelopes("RequestData")[0]["tags"]["ai.operation.id"] == trace_id


async def test_a_connection_string_that_cannot_be_used_switches_telemetry_off_with_one_line(caplog):
    metrics = make_metrics("InstrumentationKey=nonsense;AccountKey=c2VjcmV0", None, "bot", "1", "live")
    with metrics.span("scan") as span:
        metrics.measure("arbitrage_trades", 1, status="filled")
    await metrics.close()
    assert span.traceparent is None
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert line.startswith("telemetry is off, check its connection string and endpoint: ")
    assert "c2VjcmV0" not in caplog.text


async def test_a_receiver_that_is_down_stops_no_work(monkeypatch, caplog):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    metrics = make_metrics(None, address, "arbitrage-bot", "1.2.3", "simulated")
    with metrics.span("scan") as span:
        metrics.measure("arbitrage_trades", 1, status="filled")
    await metrics.close()
    assert span.traceparent
    assert "Failed to export spans batch" in caplog.text
