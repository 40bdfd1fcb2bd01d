"""Timer functions: six-field schedules, catching up, never overlapping, failures."""

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from localhost import StartError
from localhost.clock import to_iso, utc_now
from localhost.timers import Schedule

APP = """
    @app.timer_trigger(arg_name="timer", schedule="%TICK%")
    async def tick(timer: func.TimerRequest) -> None:
        note(f"tick {timer.past_due}")
        await asyncio.sleep(float(os.environ.get("TICK_S", "0")))
        note("tock")
        if os.environ.get("TICK_FAILS"):
            raise RuntimeError("tick broke")
"""


@pytest.mark.parametrize(
    ("expression", "after", "following"),
    [
        ("*/15 * * * * *", "2026-01-01T00:00:01", "2026-01-01T00:00:15"),
        ("30 */5 * * * *", "2026-01-01T00:00:30", "2026-01-01T00:05:30"),
        ("0 0 12 13 * 5", "2026-01-01T00:00:00", "2026-02-13T12:00:00"),
        ("0 30 9 * * 1-5", "2026-01-02T10:00:00", "2026-01-05T09:30:00"),
        ("*/5 * * * *", "2026-01-01T00:00:00", "2026-01-01T00:05:00"),
    ],
)
def test_a_schedule_has_seconds_first_and_both_day_fields_must_match(expression, after, following):
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert Schedule(expression, "tick").next_after(moment).isoformat() == following + "+00:00"


@pytest.mark.parametrize("expression", ["", "every minute", "0 61 * * * *", "@daily", "* * * * * * *"])
def test_what_is_not_ncrontab_is_refused_with_an_example(expression):
    with pytest.raises(StartError, match=r"the schedule of tick is .* write six fields"):
        Schedule(expression, "tick")


def _remember(sample, moment):
    """Start and stop once, so that the store knows the timer, then set when it last ran."""

    async def run():
        async with sample.host() as host:
            host._store.connection.execute(
                "INSERT OR REPLACE INTO timers VALUES ('tick', ?)", (to_iso(moment),)
            )

    return run()


async def test_a_timer_fires_on_its_schedule(sample, running, until, monkeypatch):
    monkeypatch.setenv("TICK", "* * * * * *")
    sample.write(APP)
    async with running(schedule_timers=True):
        await until(lambda: sample.notes.count("tock") >= 2)
    assert set(sample.notes) == {"tick False", "tock"}


async def test_a_timer_never_overlaps_itself(sample, running, monkeypatch):
    monkeypatch.setenv("TICK", "* * * * * *")
    monkeypatch.setenv("TICK_S", "0.3")
    sample.write(APP)
    async with running(schedule_timers=True) as (host, _):
        await asyncio.gather(*(host.invoke_timer("tick") for _ in range(4)))
    assert [note.split()[0] for note in sample.notes[:8]] == ["tick", "tock"] * 4


async def test_an_occurrence_missed_while_nothing_ran_fires_at_once_on_start(
    sample, running, until, monkeypatch
):
    monkeypatch.setenv("TICK", "0 0 0 * * *")
    sample.write(APP)
    await _remember(sample, utc_now() - timedelta(days=3))
    async with running(schedule_timers=True) as (host, _):
        await until(lambda: "tock" in sample.notes)
        await host.drain(5)
    assert sample.notes == ["tick True", "tock"]


async def test_the_first_start_and_a_schedule_that_missed_nothing_fire_nothing(sample, running, monkeypatch):
    monkeypatch.setenv("TICK", "0 0 0 29 2 *")
    sample.write(APP)
    for _ in range(2):
        async with running(schedule_timers=True):
            await asyncio.sleep(0.2)
    assert sample.notes == []


async def test_a_timer_may_ask_to_run_on_startup(sample, running, until):
    sample.write(APP.replace('schedule="%TICK%"', 'schedule="0 0 0 29 2 *", run_on_startup=True'))
    async with running(schedule_timers=True):
        await until(lambda: "tock" in sample.notes)
    assert sample.notes == ["tick False", "tock"]


async def test_schedules_under_a_minute_do_not_catch_up(sample, running, monkeypatch):
    monkeypatch.setenv("TICK", "*/30 * * * * *")
    sample.write(APP)
    await _remember(sample, utc_now() - timedelta(days=3))
    async with running(schedule_timers=True):
        await asyncio.sleep(0.2)
    assert "tick True" not in sample.notes


async def test_a_failing_timer_is_logged_and_not_retried(sample, running, monkeypatch, caplog):
    monkeypatch.setenv("TICK", "0 0 0 29 2 *")
    monkeypatch.setenv("TICK_FAILS", "1")
    sample.write(APP)
    async with running() as (host, _):
        with pytest.raises(RuntimeError, match="tick broke"):
            await host.invoke_timer("tick")
        await asyncio.sleep(0.1)
    assert sample.notes == ["tick False", "tock"]
    assert "tick failed" in caplog.text


async def test_a_setting_that_is_not_given_may_come_from_the_example(sample, running, monkeypatch):
    monkeypatch.delenv("TICK", raising=False)
    monkeypatch.setenv("GIVEN", "0 0 0 1 1 *")
    sample.write(APP + APP.replace("tick", "given").replace("TICK%", "GIVEN%"))
    example = {"Values": {"TICK": "0 0 0 29 2 *", "GIVEN": "not used", "UNASKED": "x"}}
    (sample.folder / "local.settings.example.json").write_text(json.dumps(example))
    async with running() as (host, _):
        assert host.timers == ["tick", "given"]
        assert host.app.defaulted == ("TICK",)
    assert "UNASKED" not in os.environ


async def test_a_timer_without_its_setting_is_disabled_and_says_why(sample, running, monkeypatch):
    monkeypatch.delenv("TICK", raising=False)
    sample.write(APP)
    async with running() as (host, _):
        assert host.app.disabled == {"tick": "its setting TICK (schedule) is missing"}
        assert host.timers == []
