"""The totals behind the counters: exact, and moved by every load exactly once."""

import asyncio
import random
import re
from decimal import Decimal

import pytest
from sqlalchemy.dialects import mssql
from sqlalchemy.schema import CreateTable

from shared.adapters.sql import SqlWarehouse, migrations
from shared.adapters.sql.schema import TOTALS_TABLE
from shared.errors import PermanentLoadError
from shared.records import TABLES
from shared.records.totals import SUMS, Sum, increments
from tests.telemetry.stored import DAY_MS, NOON, batch, row

DIGITS = "0.123456789012345678"


@pytest.fixture
async def warehouse(tmp_path):
    made = SqlWarehouse(tmp_path / "warehouse.db")
    await made.migrate()
    yield made
    await made.close()


async def totals(warehouse):
    rows = await warehouse.select("totals", {}, (), 10_000)
    return {
        (row["market"], row["name"], row["label_1"], row["label_2"]): Decimal(row["value"]) for row in rows
    }


async def recomputed(warehouse):
    """The totals from the rows of the tables."""
    stored = {
        table: await warehouse.select(table, {}, (), 100_000) for table in {each.table for each in SUMS}
    }
    return increments(stored)


async def test_totals_are_the_sums_of_the_tables_to_the_last_digit(warehouse):
    for number in range(12):
        await warehouse.load(f"simulated/scans/{number}", batch(number, NOON + number))
    found = await totals(warehouse)
    assert found == await recomputed(warehouse)
    profit = [value for key, value in found.items() if key[1] == "opportunity_profit_usdt"]
    assert sum(profit) == sum(range(12)) + 12 * Decimal(DIGITS)


async def test_duplicates_and_rollbacks_move_no_total(warehouse):
    rows = batch(1, NOON)
    assert await warehouse.load("simulated/scans/1", rows)
    before = await totals(warehouse)
    assert not await warehouse.load("simulated/scans/1", rows)
    with pytest.raises(PermanentLoadError):
        await warehouse.load("simulated/scans/1-again", rows)
    assert await totals(warehouse) == before


async def test_concurrent_loaders_lose_no_increment(tmp_path, warehouse):
    others = [SqlWarehouse(tmp_path / "warehouse.db") for _ in range(3)]
    work = [(store, number) for store in (warehouse, *others) for number in range(16)]
    random.Random(5).shuffle(work)
    await asyncio.gather(
        *(
            store.load(f"simulated/scans/{number}", batch(number, NOON + DAY_MS * number))
            for store, number in work
        )
    )
    for store in others:
        await store.close()
    found = await totals(warehouse)
    assert found == await recomputed(warehouse)
    assert sum(value for key, value in found.items() if key[1] == "scans") == 16


async def test_markets_have_totals_of_their_own(warehouse):
    live = [row("trades", market="live", scan_id="a", trade_id="t", opportunity_id="o", status="filled")]
    await warehouse.load("simulated/scans/1", batch(0, NOON))
    await warehouse.load("live/trades/1", {"trades": live})
    found = await totals(warehouse)
    assert found["live", "trades", "filled", ""] == found["simulated", "trades", "filled", ""] == 1


async def test_a_total_that_outgrows_its_column_is_refused(warehouse):
    huge = [
        row(
            "trades",
            scan_id="a",
            trade_id=f"{n}",
            opportunity_id="o",
            status="filled",
            realised_value="9" * 20,
        )
        for n in range(2)
    ]
    with pytest.raises(PermanentLoadError, match="more than 20 digits"):
        await warehouse.load("simulated/trades/1", {"trades": huge})
    assert await totals(warehouse) == {}


@pytest.mark.parametrize(
    "each", [each for each in SUMS if isinstance(each, Sum)], ids=lambda each: f"{each.name}-{each.label}"
)
def test_a_sum_names_columns_of_its_table(each):
    columns = {column.name for column in TABLES[each.table].columns}
    only = (each.only[0],) if each.only else ()
    assert {*each.by, *only, *each.columns} <= columns


def test_the_migrations_make_the_same_table():
    script = "\n".join(path.read_text() for _, path in migrations.migration_files())
    (created,) = re.findall(r"CREATE TABLE dbo\.totals \((.*?)\n\);", script, re.DOTALL)
    defined = str(CreateTable(TOTALS_TABLE).compile(dialect=mssql.dialect()))
    (wanted,) = re.findall(r"CREATE TABLE totals \((.*)\)", defined, re.DOTALL)
    assert _parts(created) == _parts(wanted)


def _parts(body):
    """Column and constraint definitions, without what SQLAlchemy has no or another word for."""
    plain = body.replace(" WITH (DATA_COMPRESSION = PAGE)", "").replace("NUMERIC", "DECIMAL")
    return sorted(" ".join(part.split()).strip(" ,") for part in plain.strip().splitlines())
