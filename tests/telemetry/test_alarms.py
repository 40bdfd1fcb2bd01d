"""Which alarms hold, when they are told, and what happens to a note that does not arrive."""

from dataclasses import replace
from decimal import Decimal

import pytest

from shared.adapters.embedded import SqliteState
from shared.adapters.telemetry import SilentMetrics
from shared.alerting import alert
from shared.domain.alarms import (
    MINUTE_MS,
    AlarmLimits,
    Health,
    NoteState,
    Watched,
    due,
    holding,
    noticed,
    told,
)
from shared.errors import NoteNotSent

NOON = 1_795_348_800_000
LIMITS = AlarmLimits(ai_usd=Decimal(2), ai_tokens=500_000)
WELL = Health(now_ms=NOON, started_ms=NOON - 60 * MINUTE_MS, scan_every_ms=15_000, last_scan_ms=NOON - 9_000)


def names(health, limits=LIMITS):
    return [alarm.name for alarm in holding(health, limits)]


def test_a_desk_in_good_health_raises_nothing():
    assert names(WELL) == []


@pytest.mark.parametrize(
    ("change", "alarm", "says"),
    [
        ({"last_scan_ms": NOON - 80_000}, "missing_scans", "no scan recorded for 1 min 20 s"),
        ({"last_scan_ms": None}, "missing_scans", "no scan recorded for 1 h"),
        (
            {"venues_down": {"kraken": (NOON - 7 * MINUTE_MS, "no answer in 6000 ms")}},
            "venue_down:kraken",
            "kraken has not answered for 7 min, limit 5 min: no answer in 6000 ms",
        ),
        (
            {"loads_waiting": 40, "oldest_load_ms": NOON - 11 * MINUTE_MS},
            "loads_piling_up",
            "40 blobs are not in the warehouse, the oldest for 11 min, limit 10 min",
        ),
        ({"loads_poisoned": 2}, "loads_poisoned", "2 blobs cannot be loaded"),
        ({"profit_today": Decimal(-50)}, "daily_loss", "lost 50.00 USDT"),
        ({"drawdown": Decimal("100.5")}, "drawdown", "100.50 USDT below"),
        ({"kill_switch": "loss limit"}, "kill_switch", "execution is stopped: loss limit"),
        (
            {"ai_usd": Decimal("1.81"), "ai_tokens": 200_000},
            "budget_spent",
            "the model used 90% of its day (1.81 of 2 USD, 200000 of 500000 tokens), limit 90%",
        ),
    ],
)
def test_each_trouble_raises_its_alarm_with_value_and_limit(change, alarm, says):
    (found,) = holding(replace(WELL, **change), LIMITS)
    assert found.name == alarm
    assert says in found.detail


@pytest.mark.parametrize(
    "change",
    [
        {"last_scan_ms": NOON - 70_000},
        {"last_scan_ms": None, "started_ms": NOON - 30_000},
        {"venues_down": {"kraken": (NOON - 4 * MINUTE_MS, "no answer")}},
        {"loads_waiting": 500, "oldest_load_ms": NOON - 9 * MINUTE_MS},
        {"profit_today": Decimal("-49.99")},
        {"ai_usd": Decimal("1.79"), "ai_tokens": 440_000},
    ],
)
def test_what_stays_inside_its_limit_raises_nothing(change):
    assert names(replace(WELL, **change)) == []


def test_a_limit_of_zero_switches_an_alarm_off():
    health = replace(WELL, profit_today=Decimal(-500), drawdown=Decimal(500), ai_usd=Decimal(9), ai_tokens=9)
    assert names(health, AlarmLimits(daily_loss=Decimal(0), drawdown=Decimal(0))) == []


def told_over(minutes_with_trouble, length, limits=LIMITS):
    """(minute, state) of every note over a time in which kraken is down at the given minutes."""
    memory, notes = {}, []
    for minute in range(length):
        now = NOON + minute * MINUTE_MS
        down = {"kraken": (now - 9 * MINUTE_MS, "no answer")} if minute in minutes_with_trouble else {}
        health = replace(WELL, now_ms=now, last_scan_ms=now, venues_down=down)
        memory = noticed(memory, holding(health, limits), now, limits)
        for note in due(memory, now, limits):
            notes.append((minute, note.state.value))
            memory = told(memory, note)
    return notes, memory


def test_an_alarm_is_told_once_then_every_hour_then_when_it_is_over():
    notes, memory = told_over(range(5, 130), 140)
    assert notes == [(5, "raised"), (65, "repeated"), (125, "repeated"), (133, "recovered")]
    assert memory == {}


def test_a_flapping_alarm_is_one_alarm():
    notes, _ = told_over(set(range(60)) - set(range(1, 60, 2)), 70)
    assert notes == [(0, "raised"), (62, "recovered")]


def test_an_alarm_that_returns_after_its_recovery_is_raised_again():
    notes, _ = told_over({0, 10}, 15)
    assert notes == [(0, "raised"), (4, "recovered"), (10, "raised"), (14, "recovered")]


def test_a_memory_survives_the_state():
    _, memory = told_over({0, 1}, 3)
    again = {name: Watched.from_dict(name, watched.to_dict()) for name, watched in memory.items()}
    assert again == memory != {}


class Receiver:
    """A notifier that keeps what it is sent, or refuses while it is broken."""

    def __init__(self):
        self.notes = []
        self.broken = False

    async def send(self, note):
        if self.broken:
            raise NoteNotSent("the webhook at example answered 500")
        self.notes.append((note.alarm.name, note.state))


@pytest.fixture
def rounds(tmp_path):
    """Runs a round of alarms over a state on disk, minutes after noon."""
    state, receiver = SqliteState(tmp_path / "state.db"), Receiver()

    async def run(minute, **trouble):
        now = NOON + minute * MINUTE_MS
        health = replace(WELL, now_ms=now, last_scan_ms=now, **trouble)
        return await alert(
            health,
            LIMITS,
            state=state,
            room="simulated-alarms",
            metrics=SilentMetrics(),
            notifier=receiver,
        )

    return run, receiver


async def test_a_round_tells_what_is_new_and_the_next_one_keeps_silent(rounds):
    run, receiver = rounds
    await run(0, loads_poisoned=1)
    held = await run(1, loads_poisoned=1)
    assert receiver.notes == [("loads_poisoned", NoteState.RAISED)]
    assert [alarm.name for alarm in held] == ["loads_poisoned"]


async def test_a_note_that_did_not_arrive_is_sent_again(rounds, caplog):
    run, receiver = rounds
    receiver.broken = True
    await run(0, loads_poisoned=1)
    assert "loads_poisoned was not delivered" in caplog.text
    receiver.broken = False
    await run(1, loads_poisoned=1)
    assert receiver.notes == [("loads_poisoned", NoteState.RAISED)]


async def test_a_recovery_that_did_not_arrive_is_sent_again(rounds):
    run, receiver = rounds
    await run(0, loads_poisoned=1)
    receiver.broken = True
    for minute in range(1, 5):
        await run(minute)
    receiver.broken = False
    await run(5)
    await run(6)
    assert receiver.notes == [("loads_poisoned", NoteState.RAISED), ("loads_poisoned", NoteState.RECOVERED)]


async def test_an_alarm_that_nobody_heard_of_needs_no_recovery(rounds):
    run, receiver = rounds
    receiver.broken = True
    await run(0, loads_poisoned=1)
    receiver.broken = False
    for minute in range(1, 8):
        await run(minute)
    assert receiver.notes == []
