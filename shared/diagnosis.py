"""Examines every service for real: probes are written and read, venues asked, the schema compared."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from shared.desk import Desk
from shared.errors import ArbitrageError, VenueError


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One service: what it is, whether it works, and what to do if not."""

    service: str
    healthy: bool
    says: str


async def examine(desk: Desk, services: Mapping[str, str]) -> list[Diagnosis]:
    """The state of each service; `services` says what is in use for it."""
    examined = [
        await _tried("lake", services, lambda: _lake(desk)),
        await _tried("state", services, lambda: _state(desk)),
        await _tried("warehouse", services, lambda: _warehouse(desk)),
    ]
    examined += [
        Diagnosis(name, True, services[name]) for name in ("secrets", "analyst", "telemetry", "alarms")
    ]
    try:
        venues = await _venues(desk)
    except ArbitrageError as error:
        venues = [Diagnosis("venues", False, f"were not asked: {error}")]
    return [Diagnosis("market", True, services["market"]), *venues, *examined]


async def _tried(name: str, services: Mapping[str, str], check: Callable[[], Awaitable[str]]) -> Diagnosis:
    try:
        return Diagnosis(name, True, f"{services[name]}; {await check()}")
    except ArbitrageError as error:
        return Diagnosis(name, False, f"{services[name]}; {error}")


async def _lake(desk: Desk) -> str:
    name = f"{desk.market}/probe/{desk.nonce()}"
    await desk.lake.write(name, b"probe")
    await desk.lake.read(name)
    await desk.lake.delete(name)
    return "a probe was written, read and deleted"


async def _state(desk: Desk) -> str:
    key = desk.nonce()
    await desk.state.put(desk.room("probe"), key, {"probe": True}, None)
    await desk.state.get(desk.room("probe"), key)
    await desk.state.delete(desk.room("probe"), key)
    return "a probe was written, read and deleted"


async def _warehouse(desk: Desk) -> str:
    pending = await desk.warehouse.migrate(dry_run=True)
    if pending:
        return f"pending migrations: {', '.join(pending)}; run `python -m shared migrate`"
    await desk.warehouse.select("load_ledger", {}, [], 1)
    return "the schema is up to date"


async def _venues(desk: Desk) -> list[Diagnosis]:
    answers = await desk.market_data.reference(desk.venues)
    desk.market_data.restore({v: a for v, a in answers.items() if not isinstance(a, VenueError)})
    quotes = await desk.market_data.quotes(desk.venues)
    found = []
    for venue, answer in quotes.items():
        reference = answers[venue]
        if isinstance(reference, VenueError):
            found.append(Diagnosis(venue, False, f"instruments: {reference.message}"))
        elif isinstance(answer, VenueError):
            found.append(Diagnosis(venue, False, f"quotes: {answer.message}"))
        else:
            drift = "unknown" if answer.clock_drift_ms is None else f"{answer.clock_drift_ms} ms"
            found.append(
                Diagnosis(
                    venue,
                    True,
                    f"{len(reference.instruments)} instruments, {len(answer.books)} quotes in "
                    f"{answer.latency_ms} ms, clock drift {drift}",
                )
            )
    return found
