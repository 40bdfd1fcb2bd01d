"""Which alarms hold, and what is told of them: repeats are suppressed, recoveries noted.

The watchdog's round is `holding`, `noticed`, `due`, then `told` for each note that arrived: one that
could not be delivered is due again in the next round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

MINUTE_MS = 60_000


class Severity(StrEnum):
    """Critical: the product does not do its work, or execution stopped. Warning: it works with less."""

    WARNING = "warning"
    CRITICAL = "critical"


class NoteState(StrEnum):
    """What a note tells of its alarm."""

    RAISED = "raised"
    REPEATED = "repeated"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Health:
    """What the watchdog measured at `now_ms`. Profits and losses are in USDT of value, days are UTC days.

    `last_scan_ms` is the time of the newest recorded scan, None before the first one since `started_ms`.
    `venues_down` maps each venue that did not answer the newest scan to when it began to fail and why.
    `oldest_load_ms` is the time of the oldest blob that is not in the warehouse.
    """

    now_ms: int
    started_ms: int
    scan_every_ms: int
    last_scan_ms: int | None = None
    venues_down: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    loads_waiting: int = 0
    oldest_load_ms: int | None = None
    loads_poisoned: int = 0
    profit_today: Decimal = Decimal(0)
    drawdown: Decimal = Decimal(0)
    kill_switch: str | None = None
    ai_usd: Decimal = Decimal(0)
    ai_tokens: int = 0


@dataclass(frozen=True, slots=True)
class AlarmLimits:
    """When an alarm is raised and told again; 0 switches an alarm of losses or of the budget off.

    `ai_usd` and `ai_tokens` are the model's budget of a UTC day. The alarm comes at `budget_part` of it: what is
    left may be too little for one more question.
    """

    missed_scans: int = 5
    venue_down_ms: int = 5 * MINUTE_MS
    load_lag_ms: int = 10 * MINUTE_MS
    daily_loss: Decimal = Decimal(50)
    drawdown: Decimal = Decimal(100)
    ai_usd: Decimal = Decimal(0)
    ai_tokens: int = 0
    budget_part: Decimal = Decimal("0.9")
    repeat_ms: int = 60 * MINUTE_MS
    recovery_ms: int = 3 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something a person should know: `name` tells alarms apart, `detail` states value and limit."""

    name: str
    severity: Severity
    detail: str


def holding(health: Health, limits: AlarmLimits) -> tuple[Alarm, ...]:
    """The alarms that hold now."""
    return (
        *_missing_scans(health, limits),
        *_venues_down(health, limits),
        *_loads(health, limits),
        *_losses(health, limits),
        *_budget(health, limits),
    )


def _missing_scans(health: Health, limits: AlarmLimits) -> Iterable[Alarm]:
    silent_ms = health.now_ms - (health.started_ms if health.last_scan_ms is None else health.last_scan_ms)
    limit_ms = max(limits.missed_scans * health.scan_every_ms, MINUTE_MS)
    if silent_ms > limit_ms:
        yield Alarm(
            "missing_scans",
            Severity.CRITICAL,
            f"no scan recorded for {_duration(silent_ms)}, limit {_duration(limit_ms)}; "
            f"one is due every {_duration(health.scan_every_ms)}",
        )


def _venues_down(health: Health, limits: AlarmLimits) -> Iterable[Alarm]:
    for venue, (since_ms, error) in sorted(health.venues_down.items()):
        down_ms = health.now_ms - since_ms
        if down_ms >= limits.venue_down_ms:
            yield Alarm(
                f"venue_down:{venue}",
                Severity.WARNING,
                f"{venue} has not answered for {_duration(down_ms)}, "
                f"limit {_duration(limits.venue_down_ms)}: {error}",
            )


def _loads(health: Health, limits: AlarmLimits) -> Iterable[Alarm]:
    if health.oldest_load_ms is not None and health.now_ms - health.oldest_load_ms > limits.load_lag_ms:
        yield Alarm(
            "loads_piling_up",
            Severity.WARNING,
            f"{health.loads_waiting} blobs are not in the warehouse, the oldest for "
            f"{_duration(health.now_ms - health.oldest_load_ms)}, limit {_duration(limits.load_lag_ms)}",
        )
    if health.loads_poisoned:
        yield Alarm(
            "loads_poisoned",
            Severity.CRITICAL,
            f"{health.loads_poisoned} blobs cannot be loaded, limit 0; repair them and send them again",
        )


def _losses(health: Health, limits: AlarmLimits) -> Iterable[Alarm]:
    if limits.daily_loss and -health.profit_today >= limits.daily_loss:
        yield Alarm(
            "daily_loss",
            Severity.CRITICAL,
            f"lost {-health.profit_today:.2f} USDT of simulated profit today, limit {limits.daily_loss} USDT",
        )
    if limits.drawdown and health.drawdown >= limits.drawdown:
        yield Alarm(
            "drawdown",
            Severity.CRITICAL,
            f"{health.drawdown:.2f} USDT below the highest simulated profit, limit {limits.drawdown} USDT",
        )
    if health.kill_switch is not None:
        yield Alarm(
            "kill_switch",
            Severity.CRITICAL,
            f"execution is stopped: {health.kill_switch}; scanning goes on, a person has to clear the switch",
        )


def _budget(health: Health, limits: AlarmLimits) -> Iterable[Alarm]:
    used = max(
        health.ai_usd / limits.ai_usd if limits.ai_usd else Decimal(0),
        Decimal(health.ai_tokens) / limits.ai_tokens if limits.ai_tokens else Decimal(0),
    )
    if used >= limits.budget_part:
        yield Alarm(
            "budget_spent",
            Severity.WARNING,
            f"the model used {used:.0%} of its day ({health.ai_usd:.2f} of {limits.ai_usd} USD, "
            f"{health.ai_tokens} of {limits.ai_tokens} tokens), limit {limits.budget_part:.0%}; "
            "then the rules decide until midnight UTC",
        )


@dataclass(frozen=True, slots=True)
class Watched:
    """An alarm in memory: when it began, when it was last told, and since when it is absent."""

    alarm: Alarm
    since_ms: int
    told_ms: int | None = None
    absent_ms: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the state."""
        return {
            "severity": self.alarm.severity.value,
            "detail": self.alarm.detail,
            "since_ms": self.since_ms,
            "told_ms": self.told_ms,
            "absent_ms": self.absent_ms,
        }

    @classmethod
    def from_dict(cls, name: str, value: Mapping[str, Any]) -> Watched:
        """The alarm of that name from plain values."""
        alarm = Alarm(name, Severity(value["severity"]), value["detail"])
        return cls(alarm, value["since_ms"], value["told_ms"], value["absent_ms"])


Memory = Mapping[str, Watched]


@dataclass(frozen=True, slots=True)
class Note:
    """One message to a person; `since_ms` is when the alarm began, `at_ms` when this was noted."""

    alarm: Alarm
    state: NoteState
    since_ms: int
    at_ms: int


def noticed(memory: Memory, alarms: Iterable[Alarm], now_ms: int, limits: AlarmLimits) -> dict[str, Watched]:
    """The memory after this round.

    An alarm that stays away for less than `recovery_ms` never ended, so that a flapping one is told once; one
    that ended before anybody was told of it is forgotten.
    """
    present = {alarm.name: alarm for alarm in alarms}
    after = {}
    for name, before in memory.items():
        if name in present:
            after[name] = replace(before, alarm=present[name], absent_ms=None)
            continue
        absent_ms = now_ms if before.absent_ms is None else before.absent_ms
        if before.told_ms is not None or now_ms - absent_ms < limits.recovery_ms:
            after[name] = replace(before, absent_ms=absent_ms)
    return after | {name: Watched(alarm, now_ms) for name, alarm in present.items() if name not in after}


def due(memory: Memory, now_ms: int, limits: AlarmLimits) -> tuple[Note, ...]:
    """What has to be told now: new alarms at once, lasting ones every `repeat_ms`, ended ones once."""
    notes = []
    for watched in memory.values():
        state = _state(watched, now_ms, limits)
        if state is not None:
            notes.append(Note(watched.alarm, state, watched.since_ms, now_ms))
    return tuple(notes)


def _state(watched: Watched, now_ms: int, limits: AlarmLimits) -> NoteState | None:
    if watched.absent_ms is not None:
        ended = watched.told_ms is not None and now_ms - watched.absent_ms >= limits.recovery_ms
        return NoteState.RECOVERED if ended else None
    if watched.told_ms is None:
        return NoteState.RAISED
    return NoteState.REPEATED if now_ms - watched.told_ms >= limits.repeat_ms else None


def told(memory: Memory, note: Note) -> dict[str, Watched]:
    """The memory after a note was delivered."""
    after = dict(memory)
    if note.state is NoteState.RECOVERED:
        after.pop(note.alarm.name, None)
    elif note.alarm.name in after:
        after[note.alarm.name] = replace(after[note.alarm.name], told_ms=note.at_ms)
    return after


def _duration(milliseconds: int) -> str:
    """A length of time as people write it, to two units."""
    seconds = milliseconds // 1000
    for size, unit, rest, part in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            smaller = seconds % size // rest
            return f"{seconds // size} {unit} {smaller} {part}" if smaller else f"{seconds // size} {unit}"
    return f"{seconds} s"
