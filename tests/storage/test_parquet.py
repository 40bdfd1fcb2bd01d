"""The lake's columnar form: nothing is lost on the way into it, and it may be cut off anywhere."""

import gzip
import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.parquet import compact, read_lake_snapshots, read_quotes_file
from shared.adapters.parquet.numbers import are_plain, to_arrays, to_texts
from shared.adapters.parquet.tables import schema
from shared.domain.market import BookText, Instrument, Snapshot, VenueMarket
from shared.errors import MalformedRecord, StorageError
from shared.records import TABLES, Kind, encode_batch, make_scan_id, reference_name, snapshot_name
from shared.snapshots import encode_reference, encode_snapshot

HOUR_MS = 3_600_000
NOON_MS = 1_795_348_800_000  # 2026-11-22T12:00:00Z
LATER_MS = NOON_MS + 3 * HOUR_MS
QUOTES = "live/quotes/date=2026-11-22/hour=12/"


def snapshot_at(time_ms, phase="scan", scan_ms=None, **books):
    scan_id = make_scan_id("live", "timer", time_ms if scan_ms is None else scan_ms, "")
    usual = {
        "BTC/USDT": BookText([["60000.00", "0.50"]], [["60001.10", None]], time_ms - 300, None, 7),
        "DEEP/USDT": BookText(
            [["1.5", "10"], ["1.4", "0"], ["0.000000000000000001", None]], [["1.6", "3.0"]], None, time_ms - 9
        ),
        "EMPTY/USDT": BookText([], [["2", "1"]]),
        "ODD/USDT": BookText([["1e-7", "1"], ["oops", "-3"]], [["", None], ["007", "1"]]),
        "LONG/USDT": BookText([["1", "1"]], [], sequence=2**63 + 5),
        "NULL/USDT": BookText([[None, "1"]], [[None, None]]),
        "LATE/USDT": BookText([["1", "1"], ["oops", "1"]], [["2", "1"], [None, None]]),
    }
    venues = {
        "kraken": VenueMarket(status="timeout", error="no answer"),
        "binance": VenueMarket(received_ms=time_ms - 200, taker_bps=Decimal("7.5"), books=usual | books),
    }
    balances = {"binance": {"USDT": Decimal(10_000)}}
    return Snapshot(time_ms, venues, scan_id, phase, None, balances)


async def record(lake, snapshot, scan_ms=None, prefix=b""):
    scan_ms = snapshot.time_ms if scan_ms is None else scan_ms
    name = snapshot_name("live", scan_ms, snapshot.scan_id, snapshot.phase)
    await lake.write(name, gzip.compress(prefix + encode_snapshot(snapshot) + b"\n", 1))
    return name


async def listed(lake, prefix=""):
    return [name async for name in lake.names(prefix)]


async def read(lake, *bounds):
    return [found.snapshot async for found in read_lake_snapshots(lake, "live", *bounds)]


@pytest.fixture
async def recorded(lake):
    """Six scans over two hours, one with the books of its execution."""
    snapshots = [snapshot_at(NOON_MS + minutes * 60_000) for minutes in (0, 15, 30, 59, 60, 75)]
    executed = snapshot_at(NOON_MS + 15 * 60_000 + 900, "execution", NOON_MS + 15 * 60_000)
    snapshots.insert(2, executed)
    for each in reversed(snapshots):
        await record(lake, each, NOON_MS + 15 * 60_000 if each is executed else None)
    return snapshots


@given(st.lists(st.none() | st.from_regex(r"(0|[1-9][0-9]{0,19})(\.[0-9]{1,18})?", fullmatch=True)))
def test_number_texts_come_back_to_the_digit(texts):
    array = pa.array(texts, pa.string())
    assert all(are_plain(array).to_pylist())
    assert to_texts(*to_arrays(array)) == texts


def test_a_text_that_would_not_come_back_is_no_plain_number():
    odd = ["", "01", "-1", "+1", "1e3", ".5", "5.", "1" * 21, "0." + "1" * 19, " 1", "1\n", "NaN", "٣"]
    assert not any(are_plain(pa.array(odd)).to_pylist())


async def test_snapshots_read_the_same_before_and_after_compaction(lake, recorded):
    assert await read(lake) == recorded
    done = await compact(lake, "live", LATER_MS)
    assert (len(done.written), done.replaced, done.left) == (2, 7, [])
    assert [name for name in await listed(lake) if "/snapshots/" in name] == []
    assert await read(lake) == recorded


async def test_only_finished_hours_are_compacted(lake, recorded):
    done = await compact(lake, "live", NOON_MS + HOUR_MS + 9 * 60_000)
    assert done.written == []
    done = await compact(lake, "live", NOON_MS + HOUR_MS + 11 * 60_000)
    assert [name.rpartition("/")[0] for name in done.written] == [QUOTES.rstrip("/")]
    assert len(await listed(lake, "live/snapshots/")) == 2
    assert await read(lake) == recorded


async def test_compacting_again_changes_nothing(lake, recorded):
    await compact(lake, "live", LATER_MS)
    names = await listed(lake)
    done = await compact(lake, "live", LATER_MS)
    assert (done.written, done.replaced, done.expired) == ([], 0, 0)
    assert await listed(lake) == names


async def test_a_snapshot_that_comes_late_joins_its_hour(lake, recorded):
    await compact(lake, "live", LATER_MS)
    late = snapshot_at(NOON_MS + 40 * 60_000)
    await record(lake, late)
    expected = sorted([*recorded, late], key=lambda snapshot: snapshot.time_ms)
    assert await read(lake) == expected
    await compact(lake, "live", LATER_MS)
    assert len(await listed(lake, QUOTES)) == 2
    assert await read(lake) == expected


@pytest.mark.parametrize("survives", range(1, 9))
async def test_compaction_cut_off_at_any_write_or_delete_loses_and_doubles_nothing(lake, recorded, survives):
    class Cut(Exception):
        """The process ends here."""

    class Fragile:
        steps = 0

        def __getattr__(self, name):
            if name in {"write", "delete"}:
                self.steps += 1
                if self.steps > survives:
                    raise Cut
            return getattr(lake, name)

    with pytest.raises(Cut):
        await compact(Fragile(), "live", LATER_MS)
    assert await read(lake) == recorded
    await compact(lake, "live", LATER_MS)
    assert await listed(lake, "live/snapshots/") == []
    assert await read(lake) == recorded


async def test_files_and_blobs_that_overlap_give_each_snapshot_once(lake, recorded):
    """As two runs at once may leave them."""
    blobs = {name: await lake.read(name) for name in await listed(lake, "live/snapshots/")}
    await compact(lake, "live", LATER_MS)
    (file,) = await listed(lake, QUOTES)
    await lake.write(file.replace(".parquet", "-again.parquet"), await lake.read(file))
    for name, data in blobs.items():
        await lake.write(name, data)
    assert await read(lake) == recorded


async def test_reading_is_bounded_by_time(lake, recorded):
    await compact(lake, "live", NOON_MS + HOUR_MS + 11 * 60_000)
    start, end = NOON_MS + 15 * 60_000, NOON_MS + 60 * 60_000
    assert await read(lake, start, end) == recorded[1:5]
    assert await read(lake, LATER_MS) == []
    assert await read(lake, 0, NOON_MS) == []


async def test_a_malformed_line_is_told_by_blob_and_line_and_its_blob_stays(lake, recorded):
    odd = snapshot_at(NOON_MS + 20 * 60_000)
    name = await record(lake, odd, prefix=b'{"version": 1}\n')
    for expected_left in ([name], [name]):
        done = await compact(lake, "live", LATER_MS)
        assert done.left == expected_left
        found = [each async for each in read_lake_snapshots(lake, "live")]
        wrong = [each for each in found if isinstance(each.snapshot, MalformedRecord)]
        assert [(each.blob, each.line, each.snapshot.field) for each in wrong] == [(name, 1, "time")]
        assert odd in [each.snapshot for each in found]
        assert len(found) == len(recorded) + 2


async def test_a_damaged_blob_is_named(lake, recorded):
    name = snapshot_name("live", NOON_MS, "20261122T120000000Z-00000000", "scan")
    await lake.write(name, b"no gzip")
    with pytest.raises(StorageError, match=f"{name}: is damaged"):
        await read(lake)
    assert (await compact(lake, "live", LATER_MS)).left == [name]


async def test_instruments_come_from_the_stored_reference(lake):
    instrument = Instrument("binance", "BTC/USDT", "BTC", "USDT", amount_step=Decimal("0.00001"))
    known = VenueMarket(instruments={"BTC/USDT": instrument})
    content = encode_reference({"binance": known})
    name = reference_name("live", content)
    await lake.write(name, content)
    slim = replace(snapshot_at(NOON_MS), reference=name)
    await record(lake, slim)
    (before,) = await read(lake)
    await compact(lake, "live", LATER_MS)
    assert await read(lake) == [before]
    assert before.venues["binance"].instruments == {"BTC/USDT": instrument}


async def test_the_quotes_open_as_plain_typed_columns(lake, recorded):
    await compact(lake, "live", LATER_MS)
    data = await lake.read((await listed(lake, QUOTES))[0])
    file = pq.ParquetFile(io.BytesIO(data))
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    rows = [row for row in file.read().to_pylist() if row["symbol"] == "BTC/USDT"]
    assert len(rows) == 5
    assert (rows[0]["bid"], rows[0]["bid_amount"], rows[0]["ask_amount"]) == (
        Decimal(60_000),
        Decimal("0.5"),
        None,
    )
    assert rows[0]["time"] == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert [found.snapshot for found in read_quotes_file(data)] == recorded[:5]


async def test_rows_of_batches_become_one_file_a_table_and_hour(lake, make_sample):
    samples = [make_sample(number, "live") for number in range(3)]
    for each in samples:
        for batch in (each.scan_batch(), each.trades_batch()):
            await lake.write(batch.name, encode_batch(batch))
    done = await compact(lake, "live", samples[0].time_ms + 2 * HOUR_MS)
    tables = {name.split("/")[2] for name in done.written}
    assert tables == set(TABLES) - {"load_ledger", "lifetimes"}
    (name,) = await listed(lake, "live/tables/fills/")
    rows = pq.read_table(io.BytesIO(await lake.read(name))).to_pylist()
    assert len(rows) == 6
    assert (rows[0]["price"], rows[0]["blob"]) == (Decimal("60001.2"), samples[0].trades_batch().name)
    again = await compact(lake, "live", samples[0].time_ms + 2 * HOUR_MS)
    assert again.written == []
    late = make_sample(3, "live").scan_batch()
    await lake.write(late.name, encode_batch(late))
    await compact(lake, "live", samples[0].time_ms + 2 * HOUR_MS)
    (name,) = await listed(lake, "live/tables/scans/")
    assert pq.read_table(io.BytesIO(await lake.read(name))).num_rows == 4


async def test_what_is_too_old_goes_by_dataset(lake, recorded, make_sample):
    batch = make_sample(0, "live").scan_batch()
    await lake.write(batch.name, encode_batch(batch))
    await lake.write("live/reference/ab.json.gz", b"x")
    await lake.write("simulated/scans/date=2020-01-01/hour=00/x.json.gz", b"x")
    await compact(lake, "live", LATER_MS)
    days = {"quotes": 1, "scans": 3, "tables": 2}
    done = await compact(lake, "live", LATER_MS + 2 * 24 * HOUR_MS, days)
    assert done.expired == 2
    assert await listed(lake, "live/quotes/") == []
    assert await listed(lake, "live/scans/") == [batch.name]
    assert len(await listed(lake, "live/tables/")) == 6
    await compact(lake, "live", LATER_MS + 4 * 24 * HOUR_MS, days)
    assert await listed(lake) == [
        "live/reference/ab.json.gz",
        "simulated/scans/date=2020-01-01/hour=00/x.json.gz",
    ]


@pytest.mark.parametrize("name", [name for name in TABLES if name != "load_ledger"])
def test_parquet_has_the_columns_of_the_definition(name):
    fields = schema(TABLES[name])
    assert fields.names == [column.name for column in TABLES[name].columns]
    for field, column in zip(fields, TABLES[name].columns, strict=True):
        assert field.nullable is not column.required
        assert (field.type == pa.decimal128(38, 18)) is (column.kind is Kind.DECIMAL)
        assert (field.type == pa.timestamp("ms", "UTC")) is (column.kind is Kind.TIME)


def test_a_file_that_is_no_parquet_is_named():
    with pytest.raises(StorageError, match="is no Parquet file"):
        list(read_quotes_file(b"nonsense"))


async def test_an_empty_lake_has_nothing_to_compact_or_read(lake):
    done = await compact(lake, "live", LATER_MS)
    assert (done.written, done.replaced, done.expired) == ([], 0, 0)
    assert await read(lake) == []
