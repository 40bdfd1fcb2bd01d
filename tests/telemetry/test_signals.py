"""The declared signals against the code that sends them."""

import ast
from pathlib import Path

import pytest

from shared.domain.market import VENUE_IDS
from shared.signals import EVENTS, METRICS, SPANS, MetricKind, venue_pair

ROOT = Path(__file__).resolve().parents[2]
DECLARED = {"span": SPANS, "event": EVENTS, "measure": METRICS}
SERIES_LIMIT = 100


def calls_to_metrics(source):
    """(method, name or None, keywords, line) of each call to span, event and measure on a `metrics`."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        receiver = node.func.value
        owner = receiver.attr if isinstance(receiver, ast.Attribute) else getattr(receiver, "id", None)
        if node.func.attr in DECLARED and owner in {"metrics", "_metrics"}:
            first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
            keywords = {keyword.arg for keyword in node.keywords if keyword.arg}
            yield node.func.attr, first, keywords, node.lineno


def undeclared(source):
    """What a source sends without declaration, as sentences."""
    problems = []
    for method, name, keywords, line in calls_to_metrics(source):
        signal = DECLARED[method].get(name)
        if signal is None:
            problems.append(f"line {line}: {method} {name} is not declared")
        elif method == "event":
            problems += [f"line {line}: {name} has no {key}" for key in keywords - set(signal.attributes)]
        elif method == "measure":
            problems += [f"line {line}: {name} has no label {key}" for key in keywords - set(signal.labels)]
    return problems


def test_the_product_sends_nothing_that_is_not_declared():
    problems = {
        str(path.relative_to(ROOT)): found
        for path in (ROOT / "function_app.py", *(ROOT / "shared").rglob("*.py"))
        if (found := undeclared(path.read_text(encoding="utf-8")))
    }
    assert problems == {}


def test_everything_declared_is_sent_by_the_product():
    sent = {
        name
        for path in (ROOT / "shared").rglob("*.py")
        for _, name, _, _ in calls_to_metrics(path.read_text(encoding="utf-8"))
    }
    assert {*SPANS, *EVENTS, *METRICS} - sent == set()


def test_a_misspelt_name_or_label_would_be_found():
    source = (
        'desk.metrics.span("scam")\nmetrics.event("venue_down", vanue="x")\n'
        'self.metrics.measure("arbitrage_trades", 1, status="filled")\n'
        'desk.metrics.measure("arbitrage_trade", 1)'
    )
    assert undeclared(source) == [
        "line 1: span scam is not declared",
        "line 2: venue_down has no vanue",
        "line 4: measure arbitrage_trade is not declared",
    ]


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_a_metric_has_a_unit_a_meaning_and_few_series(metric):
    assert metric.unit
    assert metric.says
    series = 1
    for values in metric.labels.values():
        assert len(set(values)) == len(values)
        series *= len(values)
    assert series <= SERIES_LIMIT
    assert bool(metric.buckets) == (metric.kind is MetricKind.HISTOGRAM)
    assert list(metric.buckets) == sorted(metric.buckets)


@pytest.mark.parametrize(
    ("venues", "pair"),
    [
        (("kraken", "kraken", "kraken"), "kraken"),
        (("kraken", "binance"), "kraken>binance"),
        (("bybit", "bybit", "gateio"), "bybit>gateio"),
        (VENUE_IDS[:3], "several"),
    ],
)
def test_a_loop_is_labelled_by_its_venues_in_leg_order(venues, pair):
    assert venue_pair(venues) == pair
    assert pair in METRICS["arbitrage_net_bps"].labels["pair"]
