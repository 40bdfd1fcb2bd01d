"""The Prometheus text from what is stored: every instance answers alike, and no restart resets a counter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from shared import alerting
from shared.desk import Desk, Standing, read_standing
from shared.domain.opportunity import Reason
from shared.domain.risk import RiskUsage
from shared.domain.trade import TradeStatus
from shared.records import from_iso, plain
from shared.records.totals import PROFIT_BOUNDS
from shared.signals import venue_pair
from shared.version import VERSION
from shared.web.answers import Answer

_TOTALS_LIMIT = 10_000
"""More rows than the table of totals has: its labels come from bounded sets."""

Labels = tuple[str, ...]
Values = dict[Labels, float]


@dataclass(frozen=True, slots=True)
class Stored:
    """What the warehouse and the state know at one moment; times are milliseconds since the epoch."""

    market: str
    now_ms: int
    totals: Mapping[str, Values]
    last_scan_ms: int | None = None
    load_lag_ms: int | None = None
    venues: Iterable[Mapping[str, Any]] = ()
    loads: Mapping[str, int] = field(default_factory=dict)
    alarms: Iterable[str] = ()
    standing: Standing | None = None


async def answer(desk: Desk) -> Answer:
    """The exposition of a desk.

    Raises:
        TransientLoadError: the warehouse cannot answer now.
        StorageError: the state cannot be read.
    """
    kind, _, _ = CONTENT_TYPE_PLAIN_0_0_4.rpartition(";")  # the host adds the charset to every text itself
    return Answer(200, exposition(await read_stored(desk)), kind)


def exposition(stored: Stored) -> bytes:
    """The Prometheus text of what is stored, in format 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(stored))
    return generate_latest(registry)


def families(stored: Stored) -> Iterable[Metric]:
    """The metric families of what is stored, also those without a sample."""
    return _Families(stored).collect()


async def read_stored(desk: Desk) -> Stored:
    """Everything that is shown: the totals, the newest scan, and some entries of the state."""
    here = {"market": desk.market}
    totals: dict[str, Values] = {}
    for row in await desk.warehouse.select("totals", here, (), _TOTALS_LIMIT):
        totals.setdefault(row["name"], {})[(row["label_1"], row["label_2"])] = float(row["value"] or 0)
    newest = await desk.warehouse.select("scans", here, ("-time",), 1)
    venues: list[dict[str, Any]] = []
    last_scan_ms = load_lag_ms = None
    for scan in newest:
        last_scan_ms = from_iso(scan["time"], "time")
        venues = await desk.warehouse.select("venue_health", {"scan_id": scan["scan_id"]}, ("venue",), 100)
        for loaded in await desk.warehouse.select("load_ledger", {"blob": scan["blob"]}, (), 1):
            load_lag_ms = from_iso(loaded["loaded"], "loaded") - last_scan_ms
    watched = await desk.state.get(desk.room("watchdog"), "loads")
    memory = await desk.state.get(desk.room("alarms"), alerting.KEY)
    return Stored(
        desk.market,
        desk.clock.now_ms(),
        totals,
        last_scan_ms,
        load_lag_ms,
        venues,
        {
            "waiting": watched.value["missing"] if watched else 0,
            "retrying": len(await desk.state.entries(desk.room("retries"))),
            "poisoned": len(await desk.state.entries(desk.room("poisoned"))),
        },
        [name for name, alarm in memory.value.items() if alarm["absent_ms"] is None] if memory else [],
        await read_standing(desk),
    )


class _Families(Collector):
    """The metric families of what is stored; every sample carries the market."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored

    def collect(self) -> Iterator[Metric]:
        """All families."""
        yield self._gauge("arbitrage_build_info", "Version of the product.", {(VERSION,): 1}, "version")
        yield from self._scans()
        yield from self._market()
        yield from self._desk()
        yield from self._loads()
        alarms: Values = {(name,): 1.0 for name in self._stored.alarms}
        yield self._gauge("arbitrage_alarm", "Alarms that hold: 1 each.", alarms, "alarm")

    def _scans(self) -> Iterator[Metric]:
        yield self._summary(
            "arbitrage_scan_duration_seconds",
            "Scans, and their time from the first request to the last detection.",
            self._total("scans", parts=1),
            self._total("scan_duration_ms", parts=1),
            "trigger",
        )
        answers = self._total("venue_answers", parts=2)
        yield self._counter(
            "arbitrage_venue_answers",
            "Answers of venues to scans: ok or the kind of error.",
            answers,
            "venue",
            "status",
        )
        yield self._summary(
            "arbitrage_venue_latency_seconds",
            "Quotes requests that a venue answered, and their duration.",
            {labels[:1]: count for labels, count in answers.items() if labels[1] == "ok"},
            self._total("venue_latency_ms", parts=1),
            "venue",
        )
        up: Values = {(row["venue"],): float(row["status"] == "ok") for row in self._stored.venues}
        yield self._gauge("arbitrage_venue_up", "Whether the venue answered the newest scan.", up, "venue")
        drift: Values = {
            (row["venue"],): row["clock_drift_ms"] / 1000
            for row in self._stored.venues
            if row["clock_drift_ms"] is not None
        }
        yield self._gauge(
            "arbitrage_venue_clock_drift_seconds", "The venue's clock minus ours.", drift, "venue"
        )
        last = self._stored.last_scan_ms
        yield self._gauge(
            "arbitrage_last_scan_timestamp_seconds",
            "Time of the newest scan in the warehouse.",
            {} if last is None else {(): last / 1000},
        )

    def _market(self) -> Iterator[Metric]:
        yield self._counter(
            "arbitrage_opportunities",
            "Opportunities detected.",
            self._paired("opportunities"),
            "kind",
            "pair",
        )
        yield self._counter(
            "arbitrage_opportunity_profit_usdt",
            "Net profit of detected opportunities at value, before execution.",
            self._paired("opportunity_profit_usdt"),
            "kind",
            "pair",
        )
        refused = dict.fromkeys(((reason.value,) for reason in Reason), 0.0) | self._total(
            "rejections", parts=1
        )
        yield self._counter(
            "arbitrage_rejections", "Loops that looked profitable and were refused.", refused, "reason"
        )

    def _desk(self) -> Iterator[Metric]:
        trades = dict.fromkeys(((status.value,) for status in TradeStatus), 0.0) | self._total(
            "trades", parts=1
        )
        yield self._counter("arbitrage_trades", "Simulated executions by how they ended.", trades, "status")
        yield self._gauge(
            "arbitrage_trade_profit_usdt",
            "Profit of all simulated trades, realised and carried, at value; losses take from it.",
            self._paired("trade_profit_usdt"),
            "kind",
            "pair",
        )
        yield self._profits()
        yield self._counter(
            "arbitrage_verdicts", "Verdicts.", self._total("verdicts", parts=2), "source", "decision"
        )
        yield self._counter(
            "arbitrage_ai_cost_usd", "Charged by the model.", self._total("ai_cost_usd", parts=0)
        )
        yield self._counter(
            "arbitrage_ai_tokens", "Tokens of the model.", self._total("ai_tokens", parts=1), "direction"
        )
        yield self._gauge(
            "arbitrage_kill_switch",
            "1 while execution is stopped.",
            self._of_standing(lambda standing, _: standing.kill_switch.tripped),
        )
        yield self._gauge(
            "arbitrage_day_profit_usdt",
            "Profit of this UTC day's trades.",
            self._of_standing(lambda _, usage: usage.day_profit),
        )
        yield self._gauge(
            "arbitrage_drawdown_usdt",
            "Highest profit so far minus profit now.",
            self._of_standing(lambda _, usage: usage.peak - usage.profit),
        )

    def _profits(self) -> Metric:
        """The distribution of trades' profit; each bucket counts what lies at or below its bound."""
        counts = self._total("trade_profit_ratio", parts=1)
        family = HistogramMetricFamily(
            "arbitrage_trade_profit_ratio",
            "Profit of simulated trades, realised and carried, over what they started with.",
            labels=("market",),
        )
        bounds = [*map(plain, PROFIT_BOUNDS), "+Inf"]
        reached = accumulate(counts.get((bound,), 0.0) for bound in bounds)
        family.add_metric([self._stored.market], list(zip(bounds, reached, strict=True)), None)
        return family

    def _loads(self) -> Iterator[Metric]:
        loads: Values = {(state,): float(count) for state, count in self._stored.loads.items()}
        yield self._gauge("arbitrage_loads_pending", "Blobs that are not in the warehouse.", loads, "state")
        lag = self._stored.load_lag_ms
        yield self._gauge(
            "arbitrage_load_lag_seconds",
            "From the newest loaded scan's time to its load.",
            {} if lag is None else {(): lag / 1000},
        )

    def _of_standing(self, value: Callable[[Standing, RiskUsage], Decimal | bool]) -> Values:
        """A value of the desk's standing; none before its first scan."""
        standing = self._stored.standing
        return (
            {} if standing is None else {(): float(value(standing, standing.usage.at(self._stored.now_ms)))}
        )

    def _total(self, name: str, *, parts: int) -> Values:
        """A total by the first `parts` of its labels."""
        return {labels[:parts]: value for labels, value in self._stored.totals.get(name, {}).items()}

    def _paired(self, name: str) -> Values:
        """A total by kind of loop and pair of venues."""
        summed: Values = {}
        for (kind, venues), value in self._stored.totals.get(name, {}).items():
            labels = (kind, venue_pair(venues.split(">")))
            summed[labels] = summed.get(labels, 0.0) + value
        return summed

    def _filled(self, family: CounterMetricFamily | GaugeMetricFamily, values: Values) -> Metric:
        for labels, value in sorted(values.items()):
            family.add_metric([self._stored.market, *labels], value)
        return family

    def _counter(self, name: str, says: str, values: Values, *labels: str) -> Metric:
        return self._filled(CounterMetricFamily(name, says, labels=("market", *labels)), values)

    def _gauge(self, name: str, says: str, values: Values, *labels: str) -> Metric:
        return self._filled(GaugeMetricFamily(name, says, labels=("market", *labels)), values)

    def _summary(
        self,
        name: str,
        says: str,
        counts: Values,
        sums_ms: Values,
        *labels: str,
    ) -> Metric:
        family = SummaryMetricFamily(name, says, labels=("market", *labels))
        for key, count in sorted(counts.items()):
            family.add_metric([self._stored.market, *key], int(count), sums_ms.get(key, 0.0) / 1000)
        return family
