"""The lake's snapshots in the order of their scans, from Parquet and from blobs not yet compacted alike."""

from __future__ import annotations

import asyncio
import gzip
import heapq
import io
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from shared.adapters.parquet.quotes import snapshots_of
from shared.domain.market import Snapshot
from shared.errors import MalformedRecord, StorageError
from shared.ports import Lake
from shared.records.blobs import partition
from shared.snapshots import References, decode_snapshot

SNAPSHOTS = "snapshots"
QUOTES = "quotes"
SOURCES = b"blobs"
"""Key of a Parquet file's metadata: the JSON list of blobs whose snapshots it holds."""

_SUFFIX = ".ndjson.gz"
_PHASES = {"scan": 0, "execution": 1}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one line of a recording holds: a snapshot, or what is wrong with it."""

    blob: str
    line: int
    snapshot: Snapshot | MalformedRecord


async def read_lake_snapshots(
    lake: Lake, market: str, start_ms: int = 0, end_ms: int | None = None
) -> AsyncIterator[Recorded]:
    """Snapshots of scans from `start_ms` on and before `end_ms`, by scan, the scan's before its execution's.

    Memory holds some snapshots of one hour, whatever the lake holds. Blobs are decoded in a thread.

    Raises:
        StorageError: the lake cannot be read, or a blob in it is damaged.
    """
    loop = asyncio.get_running_loop()
    references = References(lambda name: asyncio.run_coroutine_threadsafe(lake.read(name), loop).result())
    async for blobs, files in _hours(lake, market, start_ms, end_ms):
        covered: set[str] = set()
        opened: list[pq.ParquetFile] = []
        for name in files:
            file = await asyncio.to_thread(open_quotes, name, await lake.read(name))
            opened.append(file)
            covered.update(sources(file))
        streams = [_of_file(file, references) for file in opened]
        streams.append(_of_blobs(lake, [blob for blob in blobs if blob not in covered], references))
        last = None
        async for found in _merged(streams):
            again = (found.blob, found.line) == last
            last = (found.blob, found.line)
            if not again and _within(found.snapshot, start_ms, end_ms):
                yield found


def read_quotes_file(data: bytes, references: References | None = None) -> Iterator[Recorded]:
    """The snapshots of one Parquet file of quotes, a row group in memory at a time."""
    file = open_quotes("the file", data)
    for group in range(file.num_row_groups):
        for blob, line, snapshot in snapshots_of(file.read_row_group(group), references):
            yield Recorded(blob, line, snapshot)


def open_quotes(name: str, data: bytes) -> pq.ParquetFile:
    """The Parquet file of these bytes.

    Raises:
        StorageError: it is none.
    """
    try:
        return pq.ParquetFile(io.BytesIO(data))
    except pa.ArrowException as error:
        raise StorageError(
            f"{name}: is no Parquet file ({error}); delete it, or restore it from a backup"
        ) from error


def sources(file: pq.ParquetFile) -> list[str]:
    """The blobs whose snapshots a file holds."""
    return list(orjson.loads((file.schema_arrow.metadata or {}).get(SOURCES, b"[]")))


def order(blob: str) -> tuple[str, int, str]:
    """Sorts blobs of snapshots by scan, then the scan's own before the books of its execution."""
    stem = blob.rpartition("/")[2].removesuffix(_SUFFIX)
    scan_id, _, phase = stem.rpartition("-")
    return scan_id, _PHASES.get(phase, len(_PHASES)), stem


def lines(name: str, data: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines of a recorded blob that hold something, numbered from 1.

    Raises:
        StorageError: the blob is damaged.
    """
    try:
        text = gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise StorageError(f"{name}: is damaged ({error}); delete it, or restore it from a backup") from error
    for number, line in enumerate(text.split(b"\n"), 1):
        if line.strip():
            yield number, line


async def _hours(
    lake: Lake, market: str, start_ms: int, end_ms: int | None
) -> AsyncIterator[tuple[list[str], list[str]]]:
    """Blobs and Parquet files of each hour that has any, in order."""
    after, until = partition(start_ms), partition(end_ms - 1) if end_ms is not None else "e"
    streams = [
        aiter(lake.names(f"{market}/{dataset}/", f"{market}/{dataset}/{after}"))
        for dataset in (SNAPSHOTS, QUOTES)
    ]
    heads = [await anext(stream, None) for stream in streams]
    while any(heads):
        hour = min(_hour(head) for head in heads if head)
        if hour > until:
            return
        found: tuple[list[str], list[str]] = ([], [])
        for index, stream in enumerate(streams):
            while (head := heads[index]) is not None and _hour(head) == hour:
                found[index].append(head)
                heads[index] = await anext(stream, None)
        yield found


def _hour(name: str) -> str:
    return "/".join(name.split("/")[2:4])


def _within(snapshot: Snapshot | MalformedRecord, start_ms: int, end_ms: int | None) -> bool:
    if isinstance(snapshot, MalformedRecord):
        return True
    return start_ms <= snapshot.time_ms and (end_ms is None or snapshot.time_ms < end_ms)


async def _of_file(file: pq.ParquetFile, references: References) -> AsyncIterator[Recorded]:
    for group in range(file.num_row_groups):
        table = await asyncio.to_thread(file.read_row_group, group)
        found = snapshots_of(table, references)
        while (each := await asyncio.to_thread(next, found, None)) is not None:
            yield Recorded(*each)


async def _of_blobs(lake: Lake, blobs: Sequence[str], references: References) -> AsyncIterator[Recorded]:
    for blob in sorted(blobs, key=order):
        for number, line in lines(blob, await lake.read(blob)):
            try:
                snapshot: Snapshot | MalformedRecord = await asyncio.to_thread(
                    decode_snapshot, line, references
                )
            except MalformedRecord as error:
                snapshot = error
            yield Recorded(blob, number, snapshot)


async def _merged(streams: Sequence[AsyncIterator[Recorded]]) -> AsyncIterator[Recorded]:
    """One order over streams that each have it."""
    heap: list[tuple[tuple[str, int, str], int, int, Recorded]] = []

    async def push(index: int) -> None:
        found = await anext(streams[index], None)
        if found is not None:
            heapq.heappush(heap, (order(found.blob), found.line, index, found))

    for index in range(len(streams)):
        await push(index)
    while heap:
        _, _, index, found = heapq.heappop(heap)
        yield found
        await push(index)
