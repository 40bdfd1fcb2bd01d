"""Blobs into the warehouse: exactly once, with back-off where it is away, kept as poison where they never can."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from shared import records, telling
from shared.desk import Desk
from shared.domain.opportunity import content_id
from shared.errors import InputError, NotFound, PermanentLoadError, StorageError, TransientLoadError
from shared.scans import load_message

LOAD_BACKOFF_MS = 30_000
LOAD_BACKOFF_LIMIT_MS = 15 * 60_000


async def load(desk: Desk, message: str) -> bool:
    """Load the blob that a message names, exactly once; False if it never can be.

    A busy or absent warehouse is no failure: the blob is noted, and the watchdog queues it again with back-off.
    """
    try:
        named = orjson.loads(message)
        blob, parent = str(named["blob"]), named.get("traceparent")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        await poison(desk, f"message-{content_id(message)}", f"the message names no blob: {error}")
        return False
    with desk.metrics.span("load", parent):
        try:
            records.taken_ms(blob)
            batch = records.decode_batch(await desk.lake.read(blob))
            fresh = await desk.warehouse.load(blob, batch.rows)
        except (PermanentLoadError, InputError, NotFound) as error:
            await poison(desk, blob, str(error))
            return False
        except (TransientLoadError, StorageError) as error:
            await _back_off(desk, blob, str(error))
            return True
        await desk.state.delete(desk.room("retries"), blob)
        await desk.state.delete(desk.room("poisoned"), blob)
        telling.loaded(desk, batch, fresh=fresh)
        return True


async def _back_off(desk: Desk, blob: str, error: str) -> None:
    before = await desk.state.get(desk.room("retries"), blob)
    attempts = before.value["attempts"] + 1 if before else 1
    wait_ms = min(LOAD_BACKOFF_MS * 2 ** (attempts - 1), LOAD_BACKOFF_LIMIT_MS)
    await desk.state.replace(
        desk.room("retries"),
        blob,
        {"attempts": attempts, "next_ms": desk.clock.now_ms() + wait_ms, "error": error[:400]},
    )
    desk.metrics.measure("arbitrage_loads", 1, result="retried")


async def poison(desk: Desk, blob: str, reason: str) -> None:
    """Keep what can never load, with its reason, until a person sends it again."""
    await desk.state.delete(desk.room("retries"), blob)
    await desk.state.replace(
        desk.room("poisoned"), blob, {"reason": reason[:1000], "at_ms": desk.clock.now_ms()}
    )


async def keep_poisoned(desk: Desk, message: str) -> None:
    """A message from the poison queue: it is kept, counted and told; its reason stays if it is known already."""
    try:
        blob = str(orjson.loads(message)["blob"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        blob = f"message-{content_id(message)}"
    kept = await desk.state.get(desk.room("poisoned"), blob)
    if kept is None:
        await poison(desk, blob, "failed on every delivery; the host's log of load_sql says why")
        kept = await desk.state.get(desk.room("poisoned"), blob)
    telling.poisoned(desk, blob, kept.value["reason"] if kept else "")


async def reload(desk: Desk, blobs: Sequence[str]) -> list[str]:
    """Messages that have these blobs loaded again; their back-off and their poison are forgotten.

    Raises:
        NotFound: one of them is not in the lake; none is queued.
    """
    for blob in blobs:
        if not await desk.lake.exists(blob):
            raise NotFound(f"the lake has no blob {blob!r}; nothing was queued")
    return await again(desk, blobs)


async def again(desk: Desk, blobs: Sequence[str]) -> list[str]:
    """Messages that have these blobs of the lake loaded again; their back-off and their poison are forgotten."""
    for room in (desk.room("retries"), desk.room("poisoned")):
        held = {entry.key for entry in await desk.state.entries(room)}
        for blob in held.intersection(blobs):
            await desk.state.delete(room, blob)
    return [load_message(blob, None) for blob in blobs]


async def poisoned(desk: Desk) -> dict[str, str]:
    """What could never load, with the reason: names of blobs, and `message-...` where a message named none."""
    entries = await desk.state.entries(desk.room("poisoned"))
    return {entry.key: entry.value["reason"] for entry in entries}


async def forget_hopeless(desk: Desk, kept: Iterable[str]) -> list[str]:
    """Drop poison that no repair can load, because it is no batch or the lake has none; the names that remain."""
    there = []
    for name in kept:
        if records.is_batch(name) and await desk.lake.exists(name):
            there.append(name)
        else:
            await desk.state.delete(desk.room("poisoned"), name)
    return there
