"""Recorded blobs that the warehouse does not have: those of the last hours, and those since a time."""

from __future__ import annotations

from collections.abc import AsyncIterator

from shared.desk import Desk
from shared.records import is_batch, partition

DATASETS = ("scans", "trades")
LEDGER_QUESTION = 200
"""The most blobs that the ledger is asked about at once."""


async def without_ledger(desk: Desk, names: list[str]) -> list[str]:
    """Those of the blobs that the warehouse has not loaded.

    Raises:
        TransientLoadError: the warehouse is away.
    """
    missing = []
    for start in range(0, len(names), LEDGER_QUESTION):
        asked = names[start : start + LEDGER_QUESTION]
        loaded = await desk.warehouse.loaded(asked)
        missing += [name for name in asked if name not in loaded]
    return missing


async def recorded(desk: Desk, hour_ms: int) -> list[str]:
    """The batches of the hour that begins then."""
    return [
        name
        for dataset in DATASETS
        async for name in desk.lake.names(f"{desk.market}/{dataset}/{partition(hour_ms)}/")
        if is_batch(name)
    ]


async def since(desk: Desk, since_ms: int) -> AsyncIterator[str]:
    """Batches from the hour of that time on that the warehouse has not loaded; scans first, oldest first.

    Raises:
        TransientLoadError: the warehouse is away.
    """
    names: list[str] = []
    for dataset in DATASETS:
        folder = f"{desk.market}/{dataset}/"
        async for name in desk.lake.names(folder, after=f"{folder}{partition(since_ms)}/"):
            names += [name] * is_batch(name)
            if len(names) == LEDGER_QUESTION:
                for missing in await without_ledger(desk, names):
                    yield missing
                names = []
    for missing in await without_ledger(desk, names):
        yield missing
