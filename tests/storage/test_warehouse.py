import asyncio
import sqlite3
from collections import Counter
from decimal import Decimal

import pytest

from shared.adapters.sql import SqlWarehouse
from shared.adapters.sql.views import VIEWS
from shared.errors import InputError, PermanentLoadError, TransientLoadError
from shared.records import TABLES


@pytest.fixture
def path(tmp_path):
    return tmp_path / "warehouse.db"


@pytest.fixture
async def warehouse(path):
    store = SqlWarehouse(path)
    await store.migrate()
    yield store
    await store.close()


async def load(store, batch):
    return await store.load(batch.name, batch.rows)


def count(path, table):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    finally:
        connection.close()


async def test_a_migrated_schema_is_up_to_date(path):
    store = SqlWarehouse(path)
    pending = await store.migrate(dry_run=True)
    assert len(pending) == 1
    assert await store.migrate() == pending
    assert await store.migrate(dry_run=True) == []
    assert await store.migrate() == []
    await store.close()


async def test_migrations_at_the_same_time_leave_one_schema(path):
    stores = [SqlWarehouse(path) for _ in range(4)]
    applied = await asyncio.gather(*(store.migrate() for store in stores))
    assert sorted(map(len, applied)) == [0, 0, 0, 1]
    await asyncio.gather(*(store.close() for store in stores))


async def test_columns_of_a_newer_release_are_added_to_the_tables_of_an_older_one(path, warehouse, sample):
    await load(warehouse, sample.trades_batch())
    await warehouse.close()
    connection = sqlite3.connect(path)
    connection.execute("DROP VIEW v_verdicts_daily")
    connection.execute("ALTER TABLE verdicts DROP COLUMN fallback")
    connection.execute("DROP INDEX ix_verdicts_market_time")
    connection.execute("DROP TABLE lifetimes")
    connection.execute("UPDATE schema_version SET name = 'schema-older'")
    connection.commit()
    connection.close()
    assert await warehouse.migrate() != []
    (row,) = await warehouse.select("verdicts", {}, [], 10)
    assert (row["decision"], row["fallback"]) == ("caution", None)
    assert await warehouse.select("lifetimes", {}, [], 10) == []
    assert await warehouse.select("v_verdicts_daily", {}, [], 10)


async def test_rows_read_back_as_they_were_written_with_their_blob(warehouse, sample):
    for batch in (sample.scan_batch(), sample.trades_batch()):
        assert await load(warehouse, batch)
        for table, rows in batch.rows.items():
            read = await warehouse.select(table, {}, [], 100)
            expected = sorted(
                [{**row, "blob": batch.name} for row in rows],
                key=lambda row: [row[k] for k in TABLES[table].key],
            )
            assert read == expected, table


async def test_a_blob_loads_once_however_often_it_is_delivered(path, warehouse, sample):
    batch = sample.scan_batch()
    assert [await load(warehouse, batch) for _ in range(3)] == [True, False, False]
    assert count(path, "arbitrage_opportunities") == 1
    assert await warehouse.loaded([batch.name, "none"]) == {batch.name}
    (entry,) = await warehouse.select("load_ledger", {}, [], 10)
    assert entry["row_count"] == sum(map(len, batch.rows.values()))


async def test_of_concurrent_loaders_one_loads_and_the_others_find_it_loaded(path, warehouse, make_sample):
    stores = [SqlWarehouse(path) for _ in range(4)]
    batches = [make_sample(number).scan_batch() for number in range(8)]
    results = await asyncio.gather(*(load(store, batch) for store in stores for batch in batches))
    assert Counter(results) == {True: 8, False: 24}
    assert count(path, "scans") == count(path, "load_ledger") == 8
    await asyncio.gather(*(store.close() for store in stores))


async def test_rows_that_cannot_load_leave_nothing_behind(path, warehouse, sample):
    batch = sample.scan_batch()
    twice = {**batch.rows, "market_data": batch.rows["market_data"] * 2}
    with pytest.raises(PermanentLoadError, match="UNIQUE constraint failed"):
        await warehouse.load(batch.name, twice)
    assert count(path, "load_ledger") == count(path, "scans") == 0
    assert await load(warehouse, batch)


async def test_a_value_that_no_column_takes_is_permanent(warehouse, sample):
    batch = sample.scan_batch()
    wrong = {"arbitrage_opportunities": [{**batch.rows["arbitrage_opportunities"][0], "market": "paper"}]}
    with pytest.raises(PermanentLoadError, match="CHECK constraint failed"):
        await warehouse.load(batch.name, wrong)
    with pytest.raises(PermanentLoadError, match="'unheard_of' is no table"):
        await warehouse.load(batch.name, {"unheard_of": []})
    with pytest.raises(PermanentLoadError, match="'load_ledger' is no table"):
        await warehouse.load(batch.name, {"load_ledger": []})


async def test_a_batch_larger_than_a_chunk_loads_whole(path, warehouse, sample):
    (row, _) = sample.scan_batch().rows["market_data"]
    rows = [{**row, "symbol": f"A{index}/USDT"} for index in range(2_345)]
    assert await warehouse.load("live/large", {"market_data": rows})
    assert count(path, "market_data") == 2_345


async def test_loading_into_a_database_without_schema_waits_for_the_migration(path, sample):
    store = SqlWarehouse(path)
    with pytest.raises(TransientLoadError, match="shared migrate"):
        await load(store, sample.scan_batch())
    await store.migrate()
    assert await load(store, sample.scan_batch())
    await store.close()


async def test_a_database_that_another_writer_holds_is_a_transient_failure(
    path, warehouse, sample, monkeypatch
):
    monkeypatch.setattr("shared.adapters.sql.connection._BUSY_SECONDS", 0.05)
    await warehouse.close()
    writer = sqlite3.connect(path)
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(TransientLoadError, match="database is locked"):
        await load(warehouse, sample.scan_batch())
    writer.rollback()
    writer.close()
    assert await load(warehouse, sample.scan_batch())


async def test_a_file_that_cannot_be_made_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    store = SqlWarehouse(tmp_path / "file" / "warehouse.db")
    with pytest.raises(TransientLoadError, match="DATA_DIR") as error:
        await store.migrate()
    assert "\n" not in str(error.value)


async def test_a_file_that_is_no_database_says_so(path):
    path.write_text("this is no database, it only lies in the place of one" * 20)
    store = SqlWarehouse(path)
    with pytest.raises(PermanentLoadError, match="file is not a database"):
        await store.migrate()
    await store.close()


async def test_conditions_compare_numbers_as_numbers_and_times_as_times(warehouse, sample):
    (row, _) = sample.scan_batch().rows["market_data"]
    prices = ["9", "10", "100", "-1", "0.000000000000000001", "99999999999999999999"]
    rows = [{**row, "symbol": f"A{i}", "bid": price} for i, price in enumerate(prices)]
    await warehouse.load("live/x", {"market_data": [*rows, {**row, "symbol": "none", "bid": None}]})

    async def bids(where, order=("bid",)):
        return [row["bid"] for row in await warehouse.select("market_data", where, order, 100)]

    assert await bids({"bid__gt": 9}) == ["10", "100", "99999999999999999999"]
    assert await bids({"bid__le": "10", "bid__ge": Decimal(9)}, ["-bid"]) == ["10", "9"]
    assert await bids({"bid": "100"}) == ["100"]
    assert await bids({"bid__lt": 0}) == ["-1"]
    assert await bids({"bid": None}) == [None]
    assert await bids({"symbol": ["A0", "A1"]}) == ["9", "10"]
    assert len(await bids({"time": sample.time_ms})) == 7
    assert len(await bids({"time__ge": "2026-11-22T12:00:00.123Z"})) == 7
    assert await bids({"time__gt": sample.time_ms}) == []


async def test_pages_neither_overlap_nor_leave_a_row_out(warehouse, sample):
    (row, _) = sample.scan_batch().rows["market_data"]
    await warehouse.load("x", {"market_data": [{**row, "symbol": f"A{index}"} for index in range(25)]})
    pages = [await warehouse.select("market_data", {}, ["-time"], 10, offset) for offset in (0, 10, 20, 30)]
    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert len({row["symbol"] for page in pages for row in page}) == 25


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("unknown", {}, [], 1), "'unknown': is not one of scans"),
        (("scans; DROP TABLE scans", {}, [], 1), "is not one of scans"),
        (("scans", {"unknown": 1}, [], 1), "'unknown': scans has market, scan_id"),
        (("scans", {"time__like": "x"}, [], 1), "__ge, __gt, __le, __lt"),
        (("scans", {}, ["-unknown"], 1), "'unknown': scans has"),
        (("scans", {"time__ge": "yesterday"}, [], 1), "time"),
        (("market_data", {"bid__ge": "much"}, [], 1), "'much' is no decimal"),
        (("scans", {}, [], -1), "must not be negative"),
        (("scans", {}, [], 1, -1), "must not be negative"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_by_name(warehouse, arguments, expected):
    with pytest.raises(InputError, match=expected):
        await warehouse.select(*arguments)


async def test_old_market_data_is_purged_and_the_rest_stays(path, warehouse, make_sample, monkeypatch):
    monkeypatch.setattr("shared.adapters.sql.migrations._PURGE_ROWS", 3)
    samples = [make_sample(number) for number in range(6)]
    for each in samples:
        await load(warehouse, each.scan_batch())
    assert await warehouse.purge_market_data(samples[4].time_ms) == 8
    assert await warehouse.purge_market_data(samples[4].time_ms) == 0
    assert count(path, "market_data") == 4
    assert count(path, "scans") == 6


async def test_every_view_answers_with_the_columns_it_promises(warehouse, make_sample):
    for number in range(3):
        await load(warehouse, make_sample(number).scan_batch())
        await load(warehouse, make_sample(number).trades_batch())
    for name, view in VIEWS.items():
        rows = await warehouse.select(name, {"market": "simulated"}, [], 100)
        assert rows, name
        assert list(rows[0]) == [column.name for column in view.columns]
        keys = [tuple(row[column] for column in view.key) for row in rows]
        assert len(set(keys)) == len(keys), name
        for column in view.columns:
            assert not column.required or all(row[column.name] is not None for row in rows), (name, column)


async def test_views_add_up_what_the_tables_hold(warehouse, make_sample):
    for number in range(30):
        await load(warehouse, make_sample(number).scan_batch())
        await load(warehouse, make_sample(number).trades_batch())
    (day,) = await warehouse.select("v_trade_daily", {"market": "simulated"}, [], 10)
    assert day == {
        "market": "simulated",
        "day": "2026-11-22T00:00:00.000Z",
        "trades": 30,
        "filled": 0,
        "partial": 30,
        "missed": 0,
        "refused": 0,
        "winners": 30,
        "hit_rate_percent": "100",
        "realised_value": "33",
        "unrealised_value": "-6",
        "trade_profit_value": "27",
    }
    binance, kraken = await warehouse.select("v_exchange_performance", {"market": "simulated"}, [], 10)
    assert (binance["venue"], binance["scans_ok"], binance["answered_percent"]) == ("binance", 30, "100")
    assert (binance["opportunities"], binance["profit_value"], binance["fills"]) == (30, "89.7", 60)
    assert (kraken["answered_percent"], kraken["average_latency_ms"], kraken["fills"]) == ("0", None, 0)
    stale, _ = await warehouse.select("v_rejections_by_reason", {"market": "simulated"}, ["reason"], 10)
    assert (stale["refused"], stale["scans"], stale["best_net_bps"]) == (60, 30, "250.2")


async def test_the_best_opportunities_are_ranked_by_value_within_their_day(warehouse, make_sample):
    for number, value in enumerate(["9", "10", "2.5", "100"]):
        each = make_sample(number)
        object.__setattr__(each.opportunity, "profit_value", Decimal(value))
        await load(warehouse, each.scan_batch())
    best = await warehouse.select("v_best_opportunities", {"market": "simulated"}, ["rank_of_day"], 10)
    assert [row["profit_value"] for row in best] == ["100", "10", "9", "2.5"]
    assert [row["rank_of_day"] for row in best] == [1, 2, 3, 4]


async def test_markets_never_mix(warehouse, make_sample):
    await load(warehouse, make_sample(1, "live").scan_batch())
    await load(warehouse, make_sample(2, "simulated").scan_batch())
    for market in ("live", "simulated"):
        (row,) = await warehouse.select("v_opportunities_by_hour", {"market": market}, [], 10)
        assert row["opportunities"] == 1


async def test_any_sqlite_client_reads_tables_and_views(path, warehouse, sample):
    await load(warehouse, sample.scan_batch())
    for name in (*TABLES, *VIEWS):
        count(path, name)
