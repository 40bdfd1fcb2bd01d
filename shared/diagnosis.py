"""Examines every service for real: probes are written and read, venues asked, the schema compared."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from shared.desk import Desk
from shared.errors import ArbitrageError, StorageError, TransientLoadError, VenueError
from shared.ports import Secrets

LIMIT_S = 10.0
"""Longest time for one service; one that needs more does not work."""

MODEL_KEY = "openai-api-key"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One service: what it is, whether it works, and what to do if not.

    A check that ran out of time is not `finished`: its thread may still wait for an answer.
    """

    service: str
    healthy: bool
    says: str
    finished: bool = True


@runtime_checkable
class Reachable(Protocol):
    """An analyst that asks somebody else."""

    async def reach(self) -> str:
        """Try the connection and the credential without a question; what was found.

        Raises:
            AnalystError, MissingSecret: they do not work; the message says why.
        """
        ...


def place(services: Mapping[str, str]) -> str:
    """Which desk is looked at: its market, and where its lake, state and warehouse are, without secrets."""
    places: dict[str, list[str]] = {}
    for service in ("lake", "state", "warehouse"):
        places.setdefault(services[service], []).append(service)
    kept = "; ".join(f"{', '.join(names)}: {used}" for used, names in places.items())
    return f"desk of the {services['market'].partition(':')[0]} market; {kept}"


def in_use(services: Mapping[str, str]) -> str:
    """What a desk uses, in one line without secrets."""
    others = (f"{name}: {services[name]}" for name in ("analyst", "telemetry", "alarms"))
    return "; ".join([place(services), *others])


async def examine(desk: Desk, services: Mapping[str, str], secrets: Secrets) -> list[Diagnosis]:
    """The state of each service; `services` says what is in use for it. All are tried at once."""
    checks: dict[str, Callable[[], Awaitable[str]]] = {
        "lake": lambda: _lake(desk),
        "state": lambda: _state(desk),
        "warehouse": lambda: _warehouse(desk),
        "secrets": lambda: _secrets(desk, secrets),
        "analyst": lambda: _analyst(desk),
    }
    venues, examined = await asyncio.gather(
        _all_venues(desk),
        asyncio.gather(*(_tried(name, services[name], check) for name, check in checks.items())),
    )
    telemetry, alarms = services["telemetry"], services["alarms"]
    return [
        Diagnosis("market", True, services["market"]),
        *venues,
        *examined,
        Diagnosis("telemetry", True, telemetry if telemetry == "off" else f"{telemetry}; not tried"),
        Diagnosis("alarms", True, alarms if desk.notifier is None else f"{alarms}; not called"),
    ]


async def _tried(name: str, used: str, check: Callable[[], Awaitable[str]]) -> Diagnosis:
    try:
        async with asyncio.timeout(LIMIT_S):
            return Diagnosis(name, True, "; ".join(filter(None, [used, await check()])))
    except TimeoutError:
        return _unfinished(name, used)
    except ArbitrageError as error:
        return Diagnosis(name, False, f"{used}; {' '.join(str(error).split())}")


def _unfinished(name: str, used: str) -> Diagnosis:
    says = f"no answer within {LIMIT_S:g} s; check its address, the firewall and this machine's network"
    return Diagnosis(name, False, f"{used}; {says}", finished=False)


async def _lake(desk: Desk) -> str:
    name, probe = f"{desk.market}/probe/{desk.nonce()}", b"probe"
    await desk.lake.write(name, probe)
    found = await desk.lake.read(name)
    await desk.lake.delete(name)
    if found != probe:
        raise StorageError("a probe was not read as it was written; check who else writes to the lake")
    return "a probe was written, read and deleted"


async def _state(desk: Desk) -> str:
    room, key = desk.room("probe"), desk.nonce()
    await desk.state.put(room, key, {"probe": True}, None)
    found = await desk.state.get(room, key)
    await desk.state.delete(room, key)
    if found is None or found.value != {"probe": True}:
        raise StorageError("a probe was not read as it was written; check who else writes to the state")
    return "a probe was written, read and deleted"


async def _warehouse(desk: Desk) -> str:
    pending = await desk.warehouse.migrate(dry_run=True)
    if pending and not desk.warehouse.migrates_itself:
        raise TransientLoadError(
            f"pending migrations: {', '.join(pending)}; loads wait; run `python -m shared migrate`"
        )
    await desk.warehouse.probe(f"probe/{desk.nonce()}")
    return "the schema is up to date; a probe was written, read and rolled back"


async def _secrets(desk: Desk, secrets: Secrets) -> str:
    """Which secrets are there, by name; one that may not be read fails, one that is not set is no fault."""
    names = [f"{venue}-api-{part}" for venue in desk.venues for part in ("key", "secret")]
    held = {name: bool(await secrets.get(name)) for name in [*names, MODEL_KEY]}
    told = {
        "present": [name for name, present in held.items() if present],
        "missing, and not needed for public data": [name for name, present in held.items() if not present],
    }
    return "; ".join(f"{word}: {', '.join(found)}" for word, found in told.items() if found)


async def _analyst(desk: Desk) -> str:
    return await desk.analyst.reach() if isinstance(desk.analyst, Reachable) else ""


async def _all_venues(desk: Desk) -> list[Diagnosis]:
    try:
        async with asyncio.timeout(2 * LIMIT_S):  # two questions, each with its own limit and one retry
            return await _venues(desk)
    except TimeoutError:
        return [_unfinished("venues", "were asked")]
    except ArbitrageError as error:
        return [Diagnosis("venues", False, f"were not asked: {error}")]


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
