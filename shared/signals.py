"""The declared signals: every span, event and metric, with unit, labels and what it tells.

Adapters export these and nothing else; queries, dashboards and tests are checked against them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import permutations
from types import MappingProxyType

from shared.domain.market import VENUE_IDS
from shared.domain.opportunity import Reason
from shared.domain.trade import Decision, TradeStatus
from shared.errors import (
    VenueBanned,
    VenueError,
    VenueLied,
    VenueRateLimited,
    VenueTimeout,
    VenueUnavailable,
)

OTHER = "other"
"""What a label value outside its bounded set becomes."""

SEVERAL = "several"
"""The pair label of a loop across more than two venues."""

VENUE_PAIRS = (*VENUE_IDS, *(">".join(pair) for pair in permutations(VENUE_IDS, 2)), SEVERAL)
ERROR_KINDS = tuple(
    error.kind
    for error in (VenueTimeout, VenueRateLimited, VenueUnavailable, VenueBanned, VenueLied, VenueError)
)
TRIGGERS = ("timer", "http", "command")
LOOP_KINDS = ("two_leg", "three_leg")
SOURCES = ("rules", "model")
LOAD_RESULTS = ("loaded", "duplicate", "retried", "poisoned")


class SpanKind(StrEnum):
    """Where a piece of work comes from: request kinds start at a trigger, the others belong to one.

    Application Insights files request and message spans under requests, the others under dependencies.
    """

    REQUEST = "request"
    MESSAGE = "message"
    CALL = "call"
    INTERNAL = "internal"


class MetricKind(StrEnum):
    """How measured values add up: a sum, a distribution, or the latest value."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class SpanSignal:
    """A piece of work that is timed; a call names the `peer` that it waits for."""

    name: str
    kind: SpanKind
    says: str
    peer: str | None = None


@dataclass(frozen=True, slots=True)
class EventSignal:
    """Something that happened; `attributes` are all it may carry, `warning` events need a person's look."""

    name: str
    says: str
    attributes: tuple[str, ...]
    warning: bool = False


@dataclass(frozen=True, slots=True)
class MetricSignal:
    """A measured value. `labels` maps each label to all its values; `buckets` are upper bounds in `unit`.

    A `signed` histogram takes negative values too.
    """

    name: str
    kind: MetricKind
    unit: str
    says: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    buckets: tuple[float, ...] = ()
    signed: bool = False


_MILLISECONDS = (5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e4, 3e4, 6e4, 3e5, 9e5, 3.6e6)
_PERCENT = (-1.0, -0.5, -0.2, -0.1, -0.05, 0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
_BASIS_POINTS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 50.0, 75.0, 100.0, 200.0)
_USDT = (-50.0, -20.0, -10.0, -5.0, -2.0, -1.0, 0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)


def _spans(*signals: SpanSignal) -> Mapping[str, SpanSignal]:
    return MappingProxyType({signal.name: signal for signal in signals})


def _events(*signals: EventSignal) -> Mapping[str, EventSignal]:
    return MappingProxyType({signal.name: signal for signal in signals})


def _metrics(*signals: MetricSignal) -> Mapping[str, MetricSignal]:
    return MappingProxyType({signal.name: signal for signal in signals})


SPANS = _spans(
    SpanSignal("scan", SpanKind.REQUEST, "One scan, from the first request to the stored snapshot"),
    SpanSignal("fetch_quotes", SpanKind.CALL, "All tops of book of every venue", "venues"),
    SpanSignal("fetch_books", SpanKind.CALL, "Order books of the candidates", "venues"),
    SpanSignal("detect", SpanKind.INTERNAL, "Candidates to opportunities and rejections"),
    SpanSignal("store", SpanKind.CALL, "Blobs and state written to storage", "storage"),
    SpanSignal(
        "refresh_markets", SpanKind.REQUEST, "Instruments, fees and network status asked of the venues"
    ),
    SpanSignal("analyze", SpanKind.REQUEST, "The analyst's verdict on one opportunity"),
    SpanSignal("ask_model", SpanKind.CALL, "One question to the language model", "model"),
    SpanSignal("execute", SpanKind.REQUEST, "Simulated fills of one scan's opportunities"),
    SpanSignal("record", SpanKind.REQUEST, "Verdicts and trades of one scan written to the lake"),
    SpanSignal("load", SpanKind.MESSAGE, "One blob loaded into the warehouse"),
    SpanSignal("compact", SpanKind.REQUEST, "Parquet, retention and purge"),
    SpanSignal("watch", SpanKind.REQUEST, "The watchdog's round"),
    SpanSignal("send_alarm", SpanKind.CALL, "One note to the alarm webhook", "webhook"),
)

EVENTS = _events(
    EventSignal(
        "arbitrage_opportunity_detected",
        "A loop that survived every cost and gate",
        (
            "scan_id",
            "opportunity_id",
            "kind",
            "path",
            "pair",
            "start_asset",
            "start_amount",
            "net_profit",
            "net_bps",
            "profit_value",
        ),
    ),
    EventSignal(
        "arbitrage_opportunity_simulated",
        "A simulated execution, missed and refused ones too",
        (
            "scan_id",
            "opportunity_id",
            "trade_id",
            "status",
            "reason",
            "kind",
            "path",
            "pair",
            "start_asset",
            "start_amount",
            "decision_profit",
            "realised_profit",
            "unrealised_profit",
            "realised_value",
            "unrealised_value",
            "profit_percent",
        ),
    ),
    EventSignal(
        "arbitrage_opportunity_rejected",
        "The refused loops of one scan that share a reason, with the best of them",
        ("scan_id", "reason", "refused", "best_net_bps", "best_path", "best_detail"),
    ),
    EventSignal(
        "kill_switch_tripped", "Execution was stopped; scanning goes on", ("by", "reason"), warning=True
    ),
    EventSignal(
        "venue_down",
        "A venue did not answer; the scan went on without it",
        ("scan_id", "venue", "kind", "error", "retry_at"),
        warning=True,
    ),
    EventSignal("load_poisoned", "A blob that cannot be loaded", ("blob", "error"), warning=True),
    EventSignal(
        "alarm", "An alarm was raised, repeated or recovered", ("alarm", "state", "detail"), warning=True
    ),
)

METRICS = _metrics(
    MetricSignal(
        "arbitrage_profit_percent",
        MetricKind.HISTOGRAM,
        "%",
        "Profit of a simulated trade, realised and carried, over what it started with",
        {"kind": LOOP_KINDS, "pair": VENUE_PAIRS},
        _PERCENT,
        signed=True,
    ),
    MetricSignal(
        "arbitrage_profit_usdt",
        MetricKind.HISTOGRAM,
        "USDT",
        "Profit of a simulated trade, realised and carried, at value",
        {"kind": LOOP_KINDS, "pair": VENUE_PAIRS},
        _USDT,
        signed=True,
    ),
    MetricSignal(
        "arbitrage_net_bps",
        MetricKind.HISTOGRAM,
        "bps",
        "Net edge of a detected opportunity at its size, after taker fees",
        {"kind": LOOP_KINDS, "pair": VENUE_PAIRS},
        _BASIS_POINTS,
    ),
    MetricSignal(
        "arbitrage_opportunities",
        MetricKind.COUNTER,
        "{opportunity}",
        "Opportunities detected",
        {"kind": LOOP_KINDS, "pair": VENUE_PAIRS},
    ),
    MetricSignal(
        "arbitrage_rejections",
        MetricKind.COUNTER,
        "{loop}",
        "Loops that the screen found profitable and a gate refused",
        {"reason": tuple(Reason)},
    ),
    MetricSignal(
        "arbitrage_trades",
        MetricKind.COUNTER,
        "{trade}",
        "Simulated executions by how they ended",
        {"status": tuple(TradeStatus)},
    ),
    MetricSignal(
        "arbitrage_scan_duration_ms",
        MetricKind.HISTOGRAM,
        "ms",
        "From the first request of a scan to its last detection",
        {"trigger": TRIGGERS},
        _MILLISECONDS,
    ),
    MetricSignal(
        "arbitrage_book_age_ms",
        MetricKind.HISTOGRAM,
        "ms",
        "Age of the oldest book of a detected opportunity",
        {"pair": VENUE_PAIRS},
        _MILLISECONDS,
    ),
    MetricSignal(
        "arbitrage_venue_latency_ms",
        MetricKind.HISTOGRAM,
        "ms",
        "Duration of a venue's quotes request",
        {"venue": VENUE_IDS},
        _MILLISECONDS,
    ),
    MetricSignal(
        "arbitrage_venue_errors",
        MetricKind.COUNTER,
        "{error}",
        "Requests that a venue did not answer with a market",
        {"venue": VENUE_IDS, "kind": ERROR_KINDS},
    ),
    MetricSignal(
        "arbitrage_loader_lag_ms",
        MetricKind.HISTOGRAM,
        "ms",
        "From a scan's time to its rows in the warehouse",
        {},
        _MILLISECONDS,
    ),
    MetricSignal(
        "arbitrage_loads",
        MetricKind.COUNTER,
        "{blob}",
        "Blobs handled by the loader",
        {"result": LOAD_RESULTS},
    ),
    MetricSignal(
        "arbitrage_verdicts",
        MetricKind.COUNTER,
        "{verdict}",
        "Verdicts by who decided and what",
        {"source": SOURCES, "decision": tuple(Decision)},
    ),
    MetricSignal(
        "arbitrage_analysis_ms",
        MetricKind.HISTOGRAM,
        "ms",
        "Time an analyst took for one verdict",
        {"source": SOURCES},
        _MILLISECONDS,
    ),
    MetricSignal(
        "arbitrage_ai_cost_usd",
        MetricKind.COUNTER,
        "USD",
        "What the language model charged",
    ),
    MetricSignal(
        "arbitrage_alarms",
        MetricKind.GAUGE,
        "{alarm}",
        "Alarms that hold now",
    ),
)


def venue_pair(venues: Iterable[str]) -> str:
    """The `pair` label of a loop: its distinct venues in leg order, as `binance>kraken` or `kraken`."""
    distinct = tuple(dict.fromkeys(venues))
    return ">".join(distinct) if len(distinct) <= 2 else SEVERAL  # noqa: PLR2004 - a pair has two
