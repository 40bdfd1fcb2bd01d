"""One round of the watchdog's alarms: what holds, what is due, and what was delivered."""

from __future__ import annotations

import logging

from shared.domain.alarms import Alarm, AlarmLimits, Health, Watched, due, holding, noticed, told
from shared.errors import NoteNotSent
from shared.ports import Metrics, Notifier, State

KEY = "memory"

log = logging.getLogger("arbitrage")


async def alert(
    health: Health,
    limits: AlarmLimits,
    *,
    state: State,
    room: str,
    metrics: Metrics,
    notifier: Notifier | None,
) -> tuple[Alarm, ...]:
    """Tell what is new, lasting or over, and remember what was told; the alarms that hold now.

    A note that was not delivered is due again in the next round. Without a notifier the log is the receiver.

    Args:
        health: what was measured.
        limits: when to raise and to repeat.
        state: where the memory is kept, under `room`.
        room: partition of the state; one a market.
        metrics: takes an `alarm` event for each note and the number of alarms that hold.
        notifier: where notes are sent, if anywhere.
    """
    entry = await state.get(room, KEY)
    before = {name: Watched.from_dict(name, value) for name, value in entry.value.items()} if entry else {}
    alarms = holding(health, limits)
    memory = noticed(before, alarms, health.now_ms, limits)
    for note in due(memory, health.now_ms, limits):
        if notifier is not None:
            try:
                with metrics.span("send_alarm"):
                    await notifier.send(note)
            except NoteNotSent as error:
                log.warning("alarm %s was not delivered and is sent again: %s", note.alarm.name, error)
                continue
        metrics.event("alarm", alarm=note.alarm.name, state=note.state, detail=note.alarm.detail)
        memory = told(memory, note)
    metrics.measure("arbitrage_alarms", len(alarms))
    if memory != before:
        await state.replace(room, KEY, {name: watched.to_dict() for name, watched in memory.items()})
    return alarms
