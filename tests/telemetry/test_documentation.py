"""docs/observability.md tells of every signal, metric and alarm, and of none that is not there."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from shared import settings
from shared.domain.alarms import AlarmLimits, holding
from shared.signals import EVENTS, METRICS, SPANS
from shared.web import prometheus
from tests.telemetry import kusto
from tests.telemetry.test_alarms import NOON, WELL

TEXT = (kusto.ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))


def rows(section):
    """The cells of each row of a section's table that begins with a code word, by that word."""
    cells = [
        line.strip("|").split(" | ") for line in SECTIONS[section].splitlines() if line.startswith("| `")
    ]
    return {re.findall(r"`(.+?)`", first)[0]: [first, *more] for first, *more in cells}


def words(cell):
    return re.findall(r"`(\w+)`", cell)


def test_every_span_is_told_with_its_place():
    filed = {
        "request": "request",
        "message": "request (message)",
        "call": "dependency",
        "internal": "dependency (in process)",
    }
    told = {
        name: (place.strip(), says.strip(" |")) for name, (_, place, says) in rows("One trace a scan").items()
    }
    assert told == {name: (filed[span.kind], span.says) for name, span in SPANS.items()}


def test_every_event_is_told_with_its_attributes():
    told = {
        name: (says.strip(), tuple(words(carries))) for name, (_, says, carries) in rows("Events").items()
    }
    assert told == {name: (event.says, event.attributes) for name, event in EVENTS.items()}


def test_every_metric_is_told_with_unit_and_labels():
    told = {name: (kind, unit, words(labels)) for name, (_, kind, unit, _, labels) in rows("Metrics").items()}
    assert told == {
        name: (metric.kind, "count" if metric.unit.startswith("{") else metric.unit, list(metric.labels))
        for name, metric in METRICS.items()
    }


def test_every_family_of_the_exposition_is_told_with_type_and_labels():
    told = {name: (kind, words(labels)) for name, (_, kind, labels, _) in rows("Prometheus").items()}
    found = {}
    for family in prometheus.families(prometheus.Stored("simulated", NOON, {})):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = [label for label in family._labelnames if label != "market"]
        found[name] = (family.type, [*labels, "le"] if family.type == "histogram" else labels)
    assert told == found


def test_every_alarm_is_told():
    trouble = replace(
        WELL,
        last_scan_ms=None,
        venues_down={"kraken": (0, "no answer")},
        oldest_load_ms=0,
        loads_poisoned=1,
        profit_today=Decimal(-500),
        drawdown=Decimal(500),
        kill_switch="x",
        ai_tokens=10,
    )
    held = {alarm.name.partition(":")[0] for alarm in holding(trouble, AlarmLimits(ai_tokens=10))}
    assert {name.partition(":")[0] for name in rows("Alarms")} == held


@pytest.mark.parametrize("name", re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)[`=]", TEXT))
def test_a_setting_that_is_named_exists(name):
    known = {
        item.metadata["name"] for item in settings.Settings.__dataclass_fields__.values() if item.metadata
    }
    foreign = {"APPLICATIONINSIGHTS_AUTHENTICATION_STRING"}
    assert name in {*known, *settings.FALLBACKS.values(), *foreign} or name.startswith("OTEL_EXPORTER_OTLP_")


@pytest.mark.parametrize("path", re.findall(r"`(infra/[\w./-]+)`", TEXT))
def test_a_file_that_is_named_exists(path):
    assert (kusto.ROOT / path).exists()


@pytest.mark.parametrize("name", kusto.documented())
def test_a_query_of_the_documentation_binds(kusto_complaints, name):
    assert kusto_complaints[name] == []


@pytest.mark.parametrize(("name", "query"), kusto.documented().items())
def test_a_query_of_the_documentation_asks_for_signals_that_are_sent(name, query):
    assert kusto.unknown_signals(query) == [], name
