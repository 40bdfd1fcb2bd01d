"""The log: one JSON object a line, with the trace it belongs to and without secrets."""

import io
import json
import logging

import pytest

from shared.adapters.telemetry import SilentMetrics, log_json, make_metrics, redact
from shared.adapters.telemetry.lines import LOGGERS
from shared.signals import EVENTS


@pytest.fixture
def log():
    """Lines written while the test runs, parsed."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger, logger.handlers.copy(), logger.level, logger.propagate) for logger in loggers]
    stream = io.StringIO()
    log_json(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    for logger, handlers, level, propagate in before:
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)


def test_with_telemetry_off_an_event_is_still_one_line(log):
    SilentMetrics().event("venue_down", venue="kraken", kind="timeout", error="no answer in 6000 ms")
    (line,) = log()
    assert line["message"] == 'venue_down venue=kraken kind=timeout error="no answer in 6000 ms"'
    assert (line["level"], line["event"], line["venue"]) == ("WARNING", "venue_down", "kraken")
    assert "trace_id" not in line


def test_asking_for_json_twice_writes_each_line_once(log):
    log_json()
    again = io.StringIO()
    log_json(again)
    logging.getLogger("shared.somewhere").info("hello")
    assert log() == []
    assert json.loads(again.getvalue())["message"] == "hello"


async def test_a_line_names_the_span_it_was_written_in(log, receiver):
    metrics = make_metrics(receiver.connection, None, "arbitrage-bot", "1.2.3", "simulated")
    with metrics.span("scan") as span:
        logging.getLogger("arbitrage").info("hello")
    await metrics.close()
    (line,) = log()
    assert span.traceparent.split("-")[1:3] == [line["trace_id"], line["span_id"]]


def test_a_stack_stays_on_the_line_of_its_record(log):
    error = ValueError("first\nsecond, Authorization: Bearer abcdefghijkl")
    logging.getLogger("arbitrage").error("failed", exc_info=error)
    (line,) = log()
    assert "second, Authorization: Bearer ***" in line["exception"]


def test_no_handler_of_anybody_gets_a_secret_of_the_product(caplog):
    make_metrics(None, None, "arbitrage-bot", "1.2.3", "simulated")
    refused = OSError("https://x.example/a?sig=topsecret refused")
    logging.getLogger("shared.adapters.somewhere").error("cannot read: %s", refused, exc_info=refused)
    assert "topsecret" not in caplog.text
    assert "cannot read: https://x.example/a?sig=*** refused" in caplog.text


def test_the_records_of_others_stay_as_they_are(caplog):
    make_metrics(None, None, "arbitrage-bot", "1.2.3", "simulated")
    logging.getLogger("somebody.else").error("code %s", "?code=theirs")
    assert "?code=theirs" in caplog.text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=bm90IGEga2V5;X=1", "bm90IGEga2V5"),
        ("Server=tcp:x;UID=bot;PWD=hunter2;Encrypt=yes", "hunter2"),
        ("https://x.blob.core.windows.net/a?sv=1&sig=abc%2Fdef&se=2", "abc%2Fdef"),
        ("http://localhost:7071/api/scan?code=hostkey== failed", "hostkey=="),
        ("https://api.binance.com/sapi/v1/x?timestamp=1&signature=deadbeef", "deadbeef"),
        ("headers {'X-MBX-APIKEY': 'vmPUZE6m', 'Accept': '*/*'}", "vmPUZE6m"),
        ("headers {'API-Sign': 'kQH5HW/8p1uGOVjbgWA7Fun'}", "kQH5HW/8p1uGOVjbgWA7Fun"),
        ("x-functions-key: mNop123", "mNop123"),
        ("Authorization: Bearer eyJhbGciOi.eyJ.abc", "eyJhbGciOi"),
        ("Incorrect API key provided: sk-proj-abcdefghijklmnop1234", "abcdefghijklmnop1234"),
        ("POST https://hooks.slack.com/services/T0/B0/xyz refused", "T0/B0/xyz"),
        ("POST https://prod-1.westeurope.logic.azure.com:443/workflows/abc refused", "workflows/abc"),
        ("proxy http://user:pass@proxy:3128/ refused", "user:pass"),
    ],
)
def test_a_credential_is_hidden_and_the_rest_stays(text, secret):
    shown = redact(text)
    assert secret not in shown
    assert "***" in shown
    assert shown.split()[0][:5] == text.split()[0][:5]


@pytest.mark.parametrize(
    "text",
    [
        "binance:BTC/USDT:buy > kraken:BTC/USDT:sell at 60001.2",
        "scan 20261122T120000000Z-1a2b3c4d took 812 ms",
        "https://api.kraken.com/0/public/Depth?pair=XBTUSD&count=50",
    ],
)
def test_what_holds_no_credential_is_left_alone(text):
    assert redact(text) == text


def test_no_event_attribute_collides_with_a_field_of_a_log_record():
    fields = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "market"}
    assert not fields & {name for event in EVENTS.values() for name in event.attributes}
