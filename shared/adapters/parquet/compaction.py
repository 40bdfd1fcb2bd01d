"""Hourly compaction of the lake into Parquet, and its retention.

A Parquet file is named by what it holds and written before its sources are deleted, so that a run may be cut off
anywhere and repeated: a source that a file already holds is deleted without being written again.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson
import pyarrow.parquet as pq

from shared.adapters.parquet.quotes import SCHEMA, QuoteRows
from shared.adapters.parquet.recordings import QUOTES, SNAPSHOTS, SOURCES, lines, open_quotes, order, sources
from shared.adapters.parquet.tables import rows_table
from shared.errors import MalformedRecord, StorageError
from shared.ports import Lake
from shared.records.batch import Row, decode_batch
from shared.records.blobs import partition
from shared.records.tables import LEDGER, TABLES
from shared.snapshots import References, decode_snapshot

log = logging.getLogger(__name__)

RETENTION_DAYS: Mapping[str, int] = {
    "snapshots": 30,
    "quotes": 90,
    "scans": 400,
    "trades": 400,
    "tables": 800,
    "findings": 14,
    "executions": 14,
}
"""Days that each dataset is kept. References have no date and stay: old snapshots name them."""

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_GRACE_MS = 10 * 60_000
"""An hour is compacted this long after its end: by then its last scan has been written."""

_HOURS_A_RUN = 6
_TABLE_DAYS = 2
_GROUP_ROWS = 60_000
_NAMED_TEXTS = ["blob", "scan_id", "phase", "venue", "symbol"]
_NO_REFERENCES = References(lambda _name: b'{"venues": {}}')


@dataclass(slots=True)
class Compacted:
    """What a run did: files written, source blobs they replaced, sources left as they are, blobs too old."""

    written: list[str] = field(default_factory=list)
    replaced: int = 0
    left: list[str] = field(default_factory=list)
    expired: int = 0


async def compact(
    lake: Lake, market: str, now_ms: int, retention_days: Mapping[str, int] = RETENTION_DAYS
) -> Compacted:
    """Turn the finished hours' snapshots and rows into Parquet, oldest first, and delete what is too old.

    A damaged or malformed source is left as it is and named. Some hours a run: what is left, the next run does.

    Raises:
        StorageError: the lake cannot be read or written; the next run goes on.
    """
    done = Compacted()
    finished = partition(now_ms - _GRACE_MS)
    hours = 0
    async for hour, blobs in _hours(lake, f"{market}/{SNAPSHOTS}/"):
        if hour >= finished or hours == _HOURS_A_RUN:
            break
        hours += await _compact_quotes(lake, market, hour, blobs, done)
    for day in range(_TABLE_DAYS, -1, -1):
        await _compact_tables(lake, market, partition(now_ms - day * _DAY_MS).split("/")[0], finished, done)
    await _expire(lake, market, now_ms, retention_days, done)
    for blob in done.left:
        log.warning("%s is damaged or malformed: it is not compacted and stays as it is", blob)
    return done


async def _compact_quotes(lake: Lake, market: str, hour: str, blobs: Sequence[str], done: Compacted) -> bool:
    """One hour; whether a file was written."""
    covered: set[str] = set()
    async for name in lake.names(f"{market}/{QUOTES}/{hour}/"):
        covered.update(sources(await asyncio.to_thread(open_quotes, name, await lake.read(name))))
    fresh = [blob for blob in sorted(blobs, key=order) if blob not in covered]
    data, held = await _quotes(lake, fresh, done)
    if held:
        name = f"{market}/{QUOTES}/{hour}/{_digest(held)}.parquet"
        await lake.write(name, data)
        done.written.append(name)
        covered.update(held)
    for blob in blobs:
        if blob in covered:
            await lake.delete(blob)
            done.replaced += 1
    return bool(held)


async def _quotes(lake: Lake, blobs: Sequence[str], done: Compacted) -> tuple[bytes, list[str]]:
    """The Parquet of those blobs that can be read whole, and which they are."""
    held: list[str] = []
    rows, tables = QuoteRows(), io.BytesIO()
    writer = pq.ParquetWriter(tables, SCHEMA, compression="zstd", use_dictionary=_NAMED_TEXTS)
    for blob in blobs:
        try:
            await asyncio.to_thread(_add, rows, blob, await lake.read(blob))
        except (MalformedRecord, StorageError):
            done.left.append(blob)
            continue
        held.append(blob)
        if len(rows) >= _GROUP_ROWS:
            await asyncio.to_thread(lambda: writer.write_table(rows.table()))
    if len(rows):
        await asyncio.to_thread(lambda: writer.write_table(rows.table()))
    writer.add_key_value_metadata({SOURCES: orjson.dumps(held)})
    writer.close()
    return tables.getvalue(), held


def _add(rows: QuoteRows, blob: str, data: bytes) -> None:
    """All snapshots of a blob or, if one is malformed, none."""
    found = [(number, line, decode_snapshot(line, _NO_REFERENCES)) for number, line in lines(blob, data)]
    for number, line, snapshot in found:
        rows.add(blob, number, orjson.loads(line), snapshot)


async def _compact_tables(lake: Lake, market: str, day: str, finished: str, done: Compacted) -> None:
    """The rows of a day's finished hours; an hour whose batches changed since is written again."""
    written: dict[str, list[str]] = {}
    async for name in lake.names(f"{market}/tables/scans/{day}/"):
        written.setdefault(_hour(name, 3), []).append(name)
    batches: dict[str, list[str]] = {}
    for dataset in ("scans", "trades"):
        async for name in lake.names(f"{market}/{dataset}/{day}/"):
            batches.setdefault(_hour(name, 2), []).append(name)
    for hour, blobs in sorted(batches.items()):
        digest = _digest(blobs)
        current = f"{market}/tables/scans/{hour}/{digest}.parquet"
        if hour >= finished or current in written.get(hour, ()):
            continue
        rows = await _rows(lake, blobs, done)
        # The scans come last: their file says that the hour is complete.
        for table in sorted(rows, key=lambda name: name == "scans"):
            prefix = f"{market}/tables/{table}/{hour}/"
            old = [name async for name in lake.names(prefix)]
            name = f"{prefix}{digest}.parquet"
            await lake.write(name, await asyncio.to_thread(_parquet, table, rows[table]))
            done.written.append(name)
            for each in old:
                if each != name:
                    await lake.delete(each)


async def _rows(lake: Lake, blobs: Sequence[str], done: Compacted) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {"scans": []}
    for blob in blobs:
        try:
            batch = decode_batch(await lake.read(blob))
        except MalformedRecord:
            done.left.append(blob)
            continue
        for table, found in batch.rows.items():
            rows.setdefault(table, []).extend({**row, "blob": blob} for row in found)
    return rows


def _parquet(table: str, rows: Sequence[Row]) -> bytes:
    data = io.BytesIO()
    pq.write_table(rows_table(TABLES[table], rows), data, compression="zstd")
    return data.getvalue()


async def _expire(
    lake: Lake, market: str, now_ms: int, retention_days: Mapping[str, int], done: Compacted
) -> None:
    for dataset, days in retention_days.items():
        oldest = partition(now_ms - days * _DAY_MS).split("/")[0]
        folders = [f"{market}/{dataset}/"]
        if dataset == "tables":
            folders = [f"{market}/tables/{table}/" for table in TABLES if table != LEDGER]
        for folder in folders:
            async for name in lake.names(folder):
                if name.removeprefix(folder) >= oldest:
                    break
                await lake.delete(name)
                done.expired += 1


async def _hours(lake: Lake, folder: str) -> AsyncIterator[tuple[str, list[str]]]:
    """Hours under a folder with their blobs, in order."""
    hour, blobs = "", list[str]()
    async for name in lake.names(folder):
        if _hour(name, 2) != hour and blobs:
            yield hour, blobs
            blobs = []
        hour = _hour(name, 2)
        blobs.append(name)
    if blobs:
        yield hour, blobs


def _hour(name: str, depth: int) -> str:
    """The parts of a name that are its date and hour."""
    return "/".join(name.split("/")[depth : depth + 2])


def _digest(names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:20]
