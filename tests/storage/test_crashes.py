"""Processes that die and databases that fail in the middle: afterwards every blob is loaded exactly once."""

import asyncio
import random
import sqlite3
import sys
from pathlib import Path

import pytest
from sqlalchemy import event

from shared import records
from shared.adapters.embedded import FileLake
from shared.adapters.sql import SqlWarehouse, loading
from shared.errors import TransientLoadError

LOADER = """
import asyncio, random, sys
from pathlib import Path
from shared import records
from shared.adapters.embedded import FileLake
from shared.adapters.sql import SqlWarehouse

async def run(folder, seed):
    lake, warehouse = FileLake(folder / "lake"), SqlWarehouse(folder / "warehouse.db")
    names = [name async for name in lake.names("")]
    random.Random(seed).shuffle(names)
    while True:
        for name in names:
            await warehouse.load(name, records.decode_batch(await lake.read(name)).rows)
            print(name, flush=True)

asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2])))
"""
KILLS = 6
ROOT = Path(__file__).parents[2]


@pytest.fixture
async def recorded(tmp_path, make_sample):
    """A lake of scans and trades, and their batches."""
    lake = FileLake(tmp_path / "lake")
    batches = [
        batch
        for number in range(60)
        for batch in (make_sample(number).scan_batch(), make_sample(number).trades_batch())
    ]
    for batch in batches:
        await lake.write(batch.name, records.encode_batch(batch))
    return batches


def rows_by_table(path):
    connection = sqlite3.connect(path)
    try:
        return {name: connection.execute(f"SELECT blob FROM {name}").fetchall() for name in records.TABLES}
    finally:
        connection.close()


def assert_loaded_once(path, batches):
    found = rows_by_table(path)
    assert sorted(found.pop("load_ledger")) == sorted((batch.name,) for batch in batches)
    for table, blobs in found.items():
        expected = [(batch.name,) for batch in batches for _ in batch.rows.get(table, ())]
        assert sorted(blobs) == sorted(expected), table


async def test_loaders_killed_at_any_moment_leave_each_blob_loaded_once(tmp_path, recorded):
    store = SqlWarehouse(tmp_path / "warehouse.db")
    await store.migrate()
    moments = random.Random(7)
    for kill in range(KILLS):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", LOADER, str(tmp_path), str(kill), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(moments.randint(1, 12)):
            assert await process.stdout.readline()
        await asyncio.sleep(moments.uniform(0, 0.005))
        process.kill()
        await process.communicate()
    loaded = await store.loaded([batch.name for batch in recorded])
    assert loaded
    for batch in recorded:
        assert await store.load(batch.name, batch.rows) is (batch.name not in loaded)
    await store.close()
    assert_loaded_once(tmp_path / "warehouse.db", recorded)


async def test_transactions_cut_in_the_middle_are_loaded_later_and_once(tmp_path, recorded, monkeypatch):
    """Any statement may fail as a lost connection does; messages come twice and out of order."""
    monkeypatch.setattr("shared.adapters.sql.warehouse._RETRY_SECONDS", (0.001,))
    chances = random.Random(11)
    stores = [SqlWarehouse(tmp_path / "warehouse.db") for _ in range(2)]
    await stores[0].migrate()

    def cut(connection, cursor, statement, parameters, context, executemany):
        if statement.startswith("INSERT") and chances.random() < 0.3:
            raise sqlite3.OperationalError("disk I/O error")

    for store in stores:
        await store.loaded(["x"])
        event.listen(store._engine, "before_cursor_execute", cut)
    messages = [batch for batch in recorded[:40] for _ in range(2)]
    failures = 0
    while messages:
        chances.shuffle(messages)
        results = await asyncio.gather(
            *(stores[index % 2].load(batch.name, batch.rows) for index, batch in enumerate(messages[:20])),
            return_exceptions=True,
        )
        again = [
            batch
            for batch, result in zip(messages[:20], results, strict=True)
            if isinstance(result, TransientLoadError)
        ]
        assert all(isinstance(result, bool | TransientLoadError) for result in results)
        failures += len(again)
        messages = again + messages[20:]
    await asyncio.gather(*(store.close() for store in stores))
    assert failures > 10
    assert_loaded_once(tmp_path / "warehouse.db", recorded[:40])


async def test_a_failure_between_rows_and_commit_loads_nothing(tmp_path, sample, monkeypatch):
    store = SqlWarehouse(tmp_path / "warehouse.db")
    await store.migrate()
    batch = sample.scan_batch()
    insert = loading._insert

    def fail_late(connection, table, rows, blob):
        insert(connection, table, rows, blob)
        if table.name == "market_data":
            raise RuntimeError("the process ends here")

    monkeypatch.setattr(loading, "_insert", fail_late)
    with pytest.raises(RuntimeError):
        await store.load(batch.name, batch.rows)
    monkeypatch.undo()
    assert await store.loaded([batch.name]) == set()
    assert await store.load(batch.name, batch.rows)
    await store.close()
    assert_loaded_once(tmp_path / "warehouse.db", [batch])
