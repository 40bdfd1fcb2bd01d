"""Storage: loading beside a bare executemany, and Parquet beside gzipped NDJSON, side by side in one run.

Run as `python -m benchmarks.storage`. Rates are by CPU time of the process, threads included, so that they hold on a
busy machine; the loader's ratio is the median of alternating rounds.
"""

from __future__ import annotations

import asyncio
import gzip
import platform
import random
import sqlite3
import statistics
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from shared.adapters.embedded import FileLake
from shared.adapters.parquet import compact, read_lake_snapshots
from shared.adapters.sql import SqlWarehouse
from shared.domain.market import VENUE_IDS, BookText, Snapshot, VenueMarket
from shared.records import (
    TABLES,
    Batch,
    ScanKey,
    decode_batch,
    encode_batch,
    make_scan_id,
    market_data_rows,
    snapshot_name,
)
from shared.snapshots import decode_snapshot, encode_snapshot

START_MS = 1_795_348_800_000
ROUNDS = 5
BATCHES = 40
SCANS = 60
INSTRUMENTS = {"binance": 3300, "bybit": 600, "gateio": 2503, "kraken": 1100}
CHANGED = 0.4
"""Share of the tops that differ from one scan to the next."""


class Market:
    """Production-size quotes whose prices walk; an unchanged top keeps its texts, as at a venue."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._prices = {
            (venue, f"A{number}/USDT"): 10 ** self._random.uniform(-6, 4.5)
            for venue, count in INSTRUMENTS.items()
            for number in range(count)
        }
        self._books = {key: self._book(*key) for key in self._prices}

    def snapshot(self, time_ms: int) -> Snapshot:
        """All tops, and some tens of books in depth."""
        for key in self._books:
            if self._random.random() < CHANGED:
                self._books[key] = self._book(*key)
        venues = {}
        for venue in VENUE_IDS:
            books = {symbol: book for (at, symbol), book in self._books.items() if at == venue}
            books |= {f"A{number}/USDT": self._deep(venue, f"A{number}/USDT") for number in range(8)}
            venues[venue] = VenueMarket(received_ms=time_ms - 90, taker_bps=Decimal(10), books=books)
        return Snapshot(time_ms, venues, make_scan_id("simulated", "timer", time_ms, ""))

    def _price(self, venue: str, symbol: str) -> tuple[float, int]:
        price = self._prices[venue, symbol] * (1 + self._random.gauss(0, 0.0004))
        self._prices[venue, symbol] = price
        return price, max(2, min(10, 4 - int(f"{price:e}".partition("e")[2])))

    def _amount(self) -> str:
        return f"{self._random.lognormvariate(3, 2):.3f}"

    def _book(self, venue: str, symbol: str) -> BookText:
        price, digits = self._price(venue, symbol)
        sizes = (None, None) if venue == "gateio" else (self._amount(), self._amount())
        return BookText([[f"{price:.{digits}f}", sizes[0]]], [[f"{price * 1.0004:.{digits}f}", sizes[1]]])

    def _deep(self, venue: str, symbol: str) -> BookText:
        price, digits = self._price(venue, symbol)
        bids, asks = (
            [
                [f"{price * (1 + sign * 0.0002 * (level + 1)):.{digits}f}", self._amount()]
                for level in range(50)
            ]
            for sign in (-1, 1)
        )
        return BookText(bids, asks)


def batches(market: Market) -> list[Batch]:
    """Scans whose market_data holds a watch list of some hundreds of books."""
    made = []
    for number in range(BATCHES):
        snapshot = market.snapshot(START_MS + 15_000 * number)
        key = ScanKey("simulated", str(snapshot.scan_id), snapshot.time_ms)
        wanted = [(venue, f"A{index}/USDT") for venue in VENUE_IDS for index in range(150)]
        rows = {"market_data": market_data_rows(key, snapshot.venues, wanted)}
        made.append(Batch("simulated", "scan", key.scan_id, key.time_ms, rows))
    return made


async def fresh(folder: Path, name: str) -> tuple[SqlWarehouse, Path]:
    """A migrated, empty warehouse."""
    path = folder / f"{name}.db"
    store = SqlWarehouse(path)
    await store.migrate()
    await store.loaded(["nothing"])
    return store, path


async def loader(folder: Path, made: list[Batch], round_number: int) -> float:
    """Rows a second of the product's loader."""
    store, _ = await fresh(folder, f"loader-{round_number}")
    started = time.process_time()
    for batch in made:
        await store.load(batch.name, batch.rows)
    elapsed = time.process_time() - started
    await store.close()
    return sum(len(batch.rows["market_data"]) for batch in made) / elapsed


async def bare(folder: Path, made: list[Batch], round_number: int) -> float:
    """Rows a second of executemany with the same rows in the same transactions, keys and indexes included."""
    store, path = await fresh(folder, f"bare-{round_number}")
    await store.close()
    names = [column.name for column in TABLES["market_data"].columns]
    statement = f"INSERT INTO market_data ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - own names
    tuples = [
        [
            tuple(batch.name if name == "blob" else row[name] for name in names)
            for row in batch.rows["market_data"]
        ]
        for batch in made
    ]
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = NORMAL")
    started = time.process_time()
    for rows in tuples:
        connection.execute("BEGIN")
        connection.executemany(statement, rows)
        connection.execute("COMMIT")
    elapsed = time.process_time() - started
    connection.close()
    return sum(map(len, tuples)) / elapsed


async def measure_loading(folder: Path, market: Market) -> None:
    """Print the loader's speed beside the bare one."""
    made = batches(market)
    rates: dict[str, list[float]] = {"loader": [], "bare": []}
    for number in range(ROUNDS):
        rates["bare"].append(await bare(folder, made, number))
        rates["loader"].append(await loader(folder, made, number))
    ratio = statistics.median(a / b for a, b in zip(rates["loader"], rates["bare"], strict=True))
    rows = sum(len(batch.rows["market_data"]) for batch in made)
    print(f"loading {rows} market_data rows in {len(made)} transactions into SQLite:")
    for name, found in rates.items():
        print(f"  {name:7} {statistics.median(found):10,.0f} rows a CPU second")
    print(f"  loader / bare executemany: {ratio:.2f} (at least 0.70)")
    encoded = [encode_batch(batch) for batch in made]
    started = time.process_time()
    for data in encoded:
        decode_batch(data)
    print(
        f"  decoding and checking the blobs before: {rows / (time.process_time() - started):,.0f} rows a CPU second"
    )


async def measure_lake(folder: Path, market: Market) -> None:
    """Print sizes and reading speeds of both forms of the same snapshots."""
    lake = FileLake(folder / "lake")
    quotes = raw = packed = 0
    blobs = []
    for number in range(SCANS):
        snapshot = market.snapshot(START_MS + 15_000 * number)
        quotes += sum(len(venue.books) for venue in snapshot.venues.values())
        line = encode_snapshot(snapshot) + b"\n"
        data = gzip.compress(line, 1, mtime=0)
        raw += len(line)
        packed += len(data)
        blobs.append(data)
        await lake.write(snapshot_name("simulated", snapshot.time_ms, str(snapshot.scan_id), "scan"), data)
    ndjson = await reading(lake)
    started = time.process_time()
    done = await compact(lake, "simulated", START_MS + 2 * 3_600_000)
    compacting = (time.process_time() - started) / SCANS
    parquet = sum([len(await lake.read(name)) for name in done.written])
    columnar = await reading(lake)
    floor = decoding(blobs)
    million = 1_000_000 / quotes / 1_000_000
    print(f"{SCANS} snapshots of {quotes // SCANS} books, {CHANGED:.0%} of the tops changed between two:")
    print(f"  NDJSON, plain          {raw * million:7.1f} MB a million quotes")
    print(f"  NDJSON, gzip level 1   {packed * million:7.1f} MB a million quotes")
    print(
        f"  Parquet, zstd          {parquet * million:7.1f} MB a million quotes, {parquet / packed:.2f} of gzip"
    )
    print(f"  compaction             {compacting * 1000:7.1f} ms CPU a snapshot")
    print(
        f"  replay reads NDJSON    {ndjson:7.1f} snapshots a CPU second, {ndjson * quotes / SCANS:,.0f} books"
    )
    print(
        f"  replay reads Parquet   {columnar:7.1f} snapshots a CPU second, {columnar / ndjson:.2f} of NDJSON"
    )
    print(f"  gunzip + decode alone  {floor:7.1f} snapshots a CPU second")


async def reading(lake: FileLake) -> float:
    """Snapshots a second, read in order."""
    started = time.process_time()
    count = 0
    async for _ in read_lake_snapshots(lake, "simulated"):
        count += 1
    assert count == SCANS, "a snapshot was lost"  # noqa: S101 - a benchmark of wrong answers is none
    return count / (time.process_time() - started)


def decoding(blobs: list[bytes]) -> float:
    """Snapshots a second without a lake."""
    started = time.process_time()
    for data in blobs:
        decode_snapshot(gzip.decompress(data))
    return len(blobs) / (time.process_time() - started)


async def main() -> None:
    """Measure and print."""
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}")
    with tempfile.TemporaryDirectory() as name:
        await measure_loading(Path(name), Market(1))
        await measure_lake(Path(name), Market(2))


if __name__ == "__main__":
    asyncio.run(main())
