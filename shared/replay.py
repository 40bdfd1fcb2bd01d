"""The whole chain over a recording, on its own time: no clock, no network, the same input gives the same result.

Memory holds one scan at a time and sums; it does not grow with the recording.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from shared import dealing, evidence, findings
from shared.desk import Standing
from shared.domain import lifetimes
from shared.domain.analysis import rules_verdict
from shared.domain.conditions import Conditions
from shared.domain.detection import detect
from shared.domain.facts import gather
from shared.domain.frozen import Memory as Frozen
from shared.domain.frozen import observe as observe_books
from shared.domain.kill_switch import KillSwitch
from shared.domain.latency import Latencies
from shared.domain.market import Instrument, OrderBook, Snapshot
from shared.domain.policy import DetectionPolicy
from shared.domain.portfolio import Portfolio, fund, value
from shared.domain.risk import RiskPolicy, RiskUsage
from shared.domain.statistics import Durations, TradeStatistics
from shared.domain.trade import Trade
from shared.errors import BadBook
from shared.findings import Findings
from shared.records import iso, plain

SIZE_BOUNDS = (Decimal(10), Decimal(100), Decimal(1_000), Decimal(10_000))
"""USDT of value between the classes of size."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a replay runs under; balances that a recording does not tell are funded with these values (USDT)."""

    detection: DetectionPolicy = field(default_factory=DetectionPolicy)
    risk: RiskPolicy = field(default_factory=RiskPolicy)
    latencies: Latencies = field(default_factory=Latencies)
    fund_quote: Decimal = Decimal(20_000)
    fund_asset: Decimal = Decimal(5_000)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A scan whose orders have not met their books yet."""

    found: Findings
    snapshot: Snapshot
    books: dict[tuple[str, str], list[OrderBook]] = field(default_factory=dict)


class Replay:
    """Takes snapshots in the order of their time; `finish` after the last one, then `report`."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._standing: Standing | None = None
        self._waiting: _Waiting | None = None
        self._frozen: Frozen = {}
        self._living: lifetimes.Living = {}
        self._values: dict[str, Decimal] = {}
        self._scans = self._screened = self._books = 0
        self._first_ms: int | None = None
        self._last_ms = 0
        self._kinds: Counter[str] = Counter()
        self._sizes: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._promised = Decimal(0)
        self._trades = TradeStatistics()
        self._lives = Durations()

    def take(self, snapshot: Snapshot) -> None:
        """One snapshot: a scan, or the books that the fills of the scan before used."""
        self._books += sum(len(market.books) for market in snapshot.venues.values())
        waiting = self._waiting
        if snapshot.phase == "execution":
            if waiting and snapshot.scan_id == waiting.found.scan_id:
                _add_books(waiting.books, snapshot)
            return
        if waiting:
            if not waiting.books:
                _add_books(waiting.books, snapshot)
            self._deal(waiting)
        self._scan(snapshot)

    def finish(self) -> None:
        """Deal what still waits, and end every life."""
        if self._waiting:
            self._deal(self._waiting)
        for life in self._living.values():
            self._lives = self._lives.add(life.duration_ms)
        self._living = {}

    def _scan(self, snapshot: Snapshot) -> None:
        policy = self._rules.detection
        self._scans += 1
        self._first_ms = snapshot.time_ms if self._first_ms is None else self._first_ms
        self._last_ms = snapshot.time_ms
        self._frozen, frozen = observe_books(self._frozen, snapshot)
        standing = self._standing or Standing(self._funded(snapshot), RiskUsage(), KillSwitch())
        standing = replace(standing, portfolio=standing.portfolio.settle(snapshot.time_ms))
        self._standing = standing
        snapshot = replace(snapshot, balances=standing.portfolio.balances)
        detection = detect(snapshot, policy, frozen)
        memory = evidence.Memory(frozen=frozen, living=self._living)
        self._living, ended = lifetimes.observe(self._living, snapshot.time_ms, detection.opportunities)
        for life in ended:
            self._lives = self._lives.add(life.duration_ms)
        self._screened += detection.loops_screened
        self._refused.update(refused.reason.value for refused in detection.rejections)
        for each in detection.opportunities:
            self._kinds[each.kind] += 1
            self._promised += each.profit_value
        if not detection.opportunities:
            return
        values = evidence.values(snapshot, policy, detection.opportunities)
        self._values.update(values)
        for each in detection.opportunities:
            self._sizes[_size(each.start_amount * values.get(each.start_asset, Decimal(0)))] += 1
        if snapshot.scan_id is None:
            snapshot = replace(snapshot, scan_id=iso(snapshot.time_ms))
        around = [evidence.surroundings(memory, snapshot, each) for each in detection.opportunities]
        found = findings.find(
            "replay", "replay", snapshot, detection, fees=policy.fees, values=values, surroundings=around
        )
        self._waiting = _Waiting(found, snapshot)

    def _deal(self, waiting: _Waiting) -> None:
        self._waiting = None
        found = waiting.found
        if self._standing is None:
            return
        verdicts = [
            rules_verdict(gather(each, around))
            for each, around in zip(found.opportunities, found.surroundings, strict=True)
        ]
        met = Conditions(
            waiting.books,
            found.by_symbol(),
            found.values,
            self._rules.latencies,
            self._rules.detection.max_age_ms,
        )
        order = dealing.Order(found.scan_id, found.time_ms, found, verdicts)
        currencies = {venue: market.currencies for venue, market in waiting.snapshot.venues.items()}
        outcome = dealing.deal(
            order,
            self._standing,
            met,
            self._rules.risk,
            found.time_ms,
            currencies=currencies,
            halted=False,
        )
        self._standing = outcome.standing
        for trade in outcome.trades:
            self._trades = self._trades.add(trade, self._price(trade))

    def _price(self, trade: Trade) -> Decimal:
        return self._values.get(trade.start_asset, Decimal(0))

    def _funded(self, snapshot: Snapshot) -> Portfolio:
        """The recording's own balances, else every listed asset at the funding values."""
        policy = self._rules.detection
        values = evidence.values(snapshot, policy)
        if snapshot.balances is not None:
            return Portfolio(snapshot.balances, snapshot.balances, values)
        listed = [
            Instrument(venue, symbol, symbol.partition("/")[0], symbol.partition("/")[2])
            for venue, market in snapshot.venues.items()
            for symbol in market.books
        ]
        return fund(listed, values, base_value=self._rules.fund_asset, quote_value=self._rules.fund_quote)

    def report(self) -> dict[str, Any]:
        """What the recording amounts to; money in USDT of value, numbers as text, times as ISO 8601."""
        trades = self._trades
        worth = value(self._standing.portfolio, self._values) if self._standing else None
        return {
            "scans": self._scans,
            "books": self._books,
            "from": None if self._first_ms is None else iso(self._first_ms),
            "to": None if self._first_ms is None else iso(self._last_ms),
            "loops_screened": self._screened,
            "opportunities": {
                "count": sum(self._kinds.values()),
                "promised_profit": plain(self._promised),
                "by_kind": _sorted(self._kinds),
                "by_size": {name: self._sizes[name] for name in _size_names() if self._sizes[name]},
            },
            "rejections": _sorted(self._refused),
            "trades": {
                "by_status": _sorted(trades.statuses),
                "refused_by_reason": _sorted(trades.reasons),
                "traded_value": plain(trades.traded_value),
                "decided_profit": plain(trades.decided),
                "realised_profit": plain(trades.realised),
                "unrealised_profit": plain(trades.unrealised),
                "difference_by_cause": {cause: plain(part) for cause, part in sorted(trades.causes.items())},
                "hit_rate": None if trades.hit_rate is None else plain(trades.hit_rate),
                "best": plain(trades.best),
                "worst": plain(trades.worst),
                "max_drawdown": plain(trades.max_drawdown),
            },
            "portfolio": None
            if worth is None
            else {
                "initial": plain(worth.initial),
                "revaluation": plain(worth.revaluation),
                "realised": plain(worth.realised),
                "unrealised": plain(worth.unrealised),
                "transfer_fees": plain(worth.transfer_fees),
                "total": plain(worth.total),
            },
            "lifetimes_ms": {
                "count": self._lives.count,
                "half_at_most": self._lives.at_most_ms(0.5),
                "nine_tenths_at_most": self._lives.at_most_ms(0.9),
                "longest": self._lives.longest_ms,
            },
        }


def _add_books(books: dict[tuple[str, str], list[OrderBook]], snapshot: Snapshot) -> None:
    """The books of a later snapshot, as orders meet them; a bad one fills nothing."""
    for venue, market in snapshot.venues.items():
        for symbol, book in market.books.items():
            received_ms = next(
                each for each in (book.received_ms, market.received_ms, snapshot.time_ms) if each is not None
            )
            try:
                parsed = book._replace(received_ms=received_ms).parse(venue, symbol)
            except BadBook:
                continue
            books.setdefault((venue, symbol), []).append(parsed)


def _size(amount_value: Decimal) -> str:
    names = _size_names()
    return next(
        (name for name, bound in zip(names, SIZE_BOUNDS, strict=False) if amount_value < bound), names[-1]
    )


def _size_names() -> list[str]:
    return [
        *(f"below {plain(bound)} USDT" for bound in SIZE_BOUNDS),
        f"{plain(SIZE_BOUNDS[-1])} USDT and above",
    ]


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {str(name): count for name, count in ordered}  # JSON's keys are plain text, no enumerations


def lines(report: Mapping[str, Any]) -> Iterable[str]:
    """The report for a person."""
    found, trades, lives = report["opportunities"], report["trades"], report["lifetimes_ms"]
    yield f"{report['scans']} scans, {report['books']} books, {report['from']} to {report['to']}"
    yield f"{report['loops_screened']} loops looked profitable at the top of book"
    yield f"  {found['count']} opportunities, promising {_money(found['promised_profit'])} USDT together"
    for name, count in {**found["by_kind"], **found["by_size"]}.items():
        yield f"    {count:8}  {name}"
    yield f"  {sum(report['rejections'].values())} refused"
    for reason, count in report["rejections"].items():
        yield f"    {count:8}  {reason}"
    yield "Trades"
    for name, count in {**trades["by_status"], **trades["refused_by_reason"]}.items():
        yield f"    {count:8}  {name}"
    for name in ("traded_value", "decided_profit", "realised_profit", "unrealised_profit", "max_drawdown"):
        yield f"  {name.replace('_', ' '):20} {_money(trades[name]):>14} USDT"
    for cause, part in trades["difference_by_cause"].items():
        yield f"    of the difference: {cause.replace('_', ' '):14} {_money(part):>10} USDT"
    if trades["hit_rate"] is not None:
        yield f"  hit rate             {100 * Decimal(trades['hit_rate']):>14.1f} %"
    if lives["count"]:
        yield (
            f"Lifetimes of {lives['count']} opportunities: half at most {lives['half_at_most'] / 1000:.1f} s, "
            f"nine in ten at most {lives['nine_tenths_at_most'] / 1000:.1f} s"
        )


def _money(text: str) -> str:
    return f"{Decimal(text):,.2f}"
