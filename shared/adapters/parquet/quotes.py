"""Snapshots as one row a book, and back without losing a digit.

A snapshot's first row (position 0) has no symbol: its `raw` is the snapshot's JSON without the books. Each book
follows with its top in typed columns; `bids` and `asks` hold all levels where there are more than the top. A book
that typed columns cannot hold as it came has its JSON in `raw` instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from shared.adapters.parquet.numbers import DECIMALS, NUMBER, are_plain, to_arrays, to_texts
from shared.domain.market import BookText, Snapshot
from shared.errors import MalformedRecord
from shared.snapshots import References, decode_snapshot

TIME = pa.timestamp("ms", "UTC")
LEVELS = pa.list_(
    pa.struct(
        [
            ("price", NUMBER),
            ("amount", NUMBER),
            ("price_decimals", DECIMALS),
            ("amount_decimals", DECIMALS),
        ]
    )
)
Level = Sequence[str | None]

TOPS = ("bid", "bid_amount", "ask", "ask_amount")
SCHEMA = pa.schema(
    [
        ("snapshot", pa.int32()),
        ("position", pa.int32()),
        ("blob", pa.string()),
        ("line", pa.int32()),
        ("time", TIME),
        ("scan_id", pa.string()),
        ("phase", pa.string()),
        ("venue", pa.string()),
        ("symbol", pa.string()),
        ("book_time", TIME),
        ("received", TIME),
        ("sequence", pa.int64()),
        *((name, NUMBER) for name in TOPS),
        *((f"{name}_decimals", DECIMALS) for name in TOPS),
        ("bids", LEVELS),
        ("asks", LEVELS),
        ("raw", pa.string()),
    ]
)

_SORTED = [("venue", "ascending"), ("symbol", "ascending"), ("snapshot", "ascending")]
_AS_IT_CAME = [("snapshot", "ascending"), ("position", "ascending")]
_INT_LIMIT = 2**63
_NO_BOOK = BookText((), ())
_NO_LEVEL: Level = (None, None)
_ODD_LEVEL: Level = ("", None)
_KEY = ("snapshot", "blob", "line", "time", "scan_id", "phase")


class QuoteRows:
    """Snapshots under way to a table, each turned into Arrow at once: Python's own objects would be many."""

    def __init__(self) -> None:
        self._count = 0
        self._tables: list[pa.Table] = []

    def __len__(self) -> int:
        return sum(table.num_rows for table in self._tables)

    def add(self, blob: str, line: int, payload: Mapping[str, Any], snapshot: Snapshot) -> None:
        """Take the snapshot that `line` of `blob` holds, as its JSON's objects and decoded."""
        self._count += 1
        key = (self._count, blob, line, snapshot.time_ms, snapshot.scan_id, snapshot.phase)
        bare = {venue: {**market, "books": {}} for venue, market in payload["venues"].items()}
        entries = [
            (venue, symbol, book)
            for venue, market in snapshot.venues.items()
            for symbol, book in market.books.items()
        ]
        venues, symbols, books = zip((None, None, _NO_BOOK), *entries, strict=True)
        tops = [pa.array(texts, pa.string()) for texts in _tops(books)]
        typed = _are_typed(tops, books)
        raw: list[str | None] = [orjson.dumps({**payload, "venues": bare}).decode()]
        raw += [
            None if whole else orjson.dumps(payload["venues"][venue]["books"][symbol]).decode()
            for whole, (venue, symbol, _) in zip(typed[1:], entries, strict=True)
        ]
        if not all(typed):
            mask = pa.array(typed)
            tops = [pc.if_else(mask, texts, pa.scalar(None, pa.string())) for texts in tops]
            books = tuple(book if whole else _NO_BOOK for book, whole in zip(books, typed, strict=True))
        self._tables.append(_table(key, {"venue": venues, "symbol": symbols, "raw": raw}, books, tops))

    def table(self) -> pa.Table:
        """The rows so far, like next to like so that they compress well; they are handed over."""
        tables, self._tables = self._tables, []
        return pa.concat_tables(tables).sort_by(_SORTED)


def snapshots_of(
    table: pa.Table, references: References | None
) -> Iterator[tuple[str, int, Snapshot | MalformedRecord]]:
    """The snapshots of a table as they came, each with its blob and line."""
    table = table.sort_by(_AS_IT_CAME).combine_chunks()
    starts = pc.indices_nonzero(pc.equal(table["position"], 0)).to_pylist()
    for start, end in zip(starts, [*starts[1:], table.num_rows], strict=True):
        part = table.slice(start, end - start)
        columns = {name: part[name].combine_chunks() for name in part.column_names}
        yield columns["blob"][0].as_py(), columns["line"][0].as_py(), _snapshot(columns, references)


def _table(
    key: tuple[Any, ...],
    named: Mapping[str, Sequence[str | None]],
    books: Sequence[BookText],
    tops: Sequence[pa.Array],
) -> pa.Table:
    bids, asks, times, received, sequences = zip(*books, strict=True)
    size = len(books)
    columns = {
        **named,
        "position": range(size),
        "book_time": times,
        "received": received,
        "sequence": sequences,
    }
    arrays = {name: pa.array(values, SCHEMA.field(name).type) for name, values in columns.items()}
    arrays |= {
        name: pa.repeat(pa.scalar(value, SCHEMA.field(name).type), size)
        for name, value in zip(_KEY, key, strict=True)
    }
    for name, texts in zip(TOPS, tops, strict=True):
        arrays[name], arrays[f"{name}_decimals"] = to_arrays(texts)
    arrays |= {"bids": _levels(bids), "asks": _levels(asks)}
    return pa.Table.from_arrays([arrays[name] for name in SCHEMA.names], schema=SCHEMA)


def _snapshot(columns: Mapping[str, pa.Array], references: References | None) -> Snapshot | MalformedRecord:
    head, *raws = columns["raw"].to_pylist()
    _, *venues = columns["venue"].to_pylist()
    _, *symbols = columns["symbol"].to_pylist()
    _, *typed = _books(columns)
    entries = list(zip(venues, symbols, typed, raws, strict=True))
    odd = [entry for entry in entries if entry[3] is not None]
    if odd:
        payload = orjson.loads(head)
        for venue, symbol, _, raw in odd:
            payload["venues"][venue]["books"][symbol] = orjson.loads(raw)
        head = orjson.dumps(payload)
    try:
        snapshot = decode_snapshot(head, references)
    except MalformedRecord as error:
        return error
    books: dict[str, dict[str, BookText]] = {venue: {} for venue in snapshot.venues}
    for venue, symbol, book, raw in entries:
        books[venue][symbol] = book if raw is None else snapshot.venues[venue].books[symbol]
    found = {venue: replace(market, books=books[venue]) for venue, market in snapshot.venues.items()}
    return replace(snapshot, venues=found)


def _books(columns: Mapping[str, pa.Array]) -> list[BookText]:
    tops = [to_texts(columns[name], columns[f"{name}_decimals"]) for name in TOPS]
    times = [columns[name].cast(pa.int64()).to_pylist() for name in ("book_time", "received")]
    rest = [columns["sequence"].to_pylist(), _deep(columns["bids"]), _deep(columns["asks"])]
    return [
        BookText(
            bids if bids is not None else [[bid, bid_amount]] if bid is not None else [],
            asks if asks is not None else [[ask, ask_amount]] if ask is not None else [],
            time,
            received,
            sequence,
        )
        for bid, bid_amount, ask, ask_amount, time, received, sequence, bids, asks in zip(
            *tops, *times, *rest, strict=True
        )
    ]


def _tops(books: Sequence[BookText]) -> list[list[str | None]]:
    """Bids, their amounts, asks and their amounts; a level without a price is told from no level at all."""
    bids = [book.bids[0] if book.bids else _NO_LEVEL for book in books]
    asks = [book.asks[0] if book.asks else _NO_LEVEL for book in books]
    odd = [level for level in (*bids, *asks) if level[0] is None and level is not _NO_LEVEL]
    if odd:
        bids, asks = ([_ODD_LEVEL if level in odd else level for level in side] for side in (bids, asks))
    return [[level[index] for level in side] for side in (bids, asks) for index in (0, 1)]


def _are_typed(tops: Sequence[pa.Array], books: Sequence[BookText]) -> list[bool]:
    """Which books typed columns give back as they came."""
    typed = reduce(pc.and_, map(are_plain, tops)).to_pylist()
    for index, book in enumerate(books):
        if book.sequence is not None and not -_INT_LIMIT <= book.sequence < _INT_LIMIT:
            typed[index] = False
    deep = [index for index, book in enumerate(books) if len(book.bids) > 1 or len(book.asks) > 1]
    levels = [(index, level) for index in deep for side in books[index][:2] for level in side]
    for place in (0, 1):
        plain = are_plain(pa.array([level[place] for _, level in levels], pa.string())).to_pylist()
        for (index, level), whole in zip(levels, plain, strict=True):
            if not whole or level[0] is None:
                typed[index] = False
    return list(typed)


def _levels(sides: Sequence[Sequence[Level] | None]) -> pa.Array:
    """All levels of the sides that have more than one."""
    deep = [side if side and len(side) > 1 else None for side in sides]
    flat = [level for side in deep if side for level in side]
    prices, price_decimals = to_arrays(pa.array([level[0] for level in flat], pa.string()))
    amounts, amount_decimals = to_arrays(pa.array([level[1] for level in flat], pa.string()))
    values = pa.StructArray.from_arrays(
        [prices, amounts, price_decimals, amount_decimals], fields=list(LEVELS.value_type)
    )
    ends, total = [], 0
    for side in deep:
        ends.append(total if side else None)
        total += len(side) if side else 0
    return pa.ListArray.from_arrays(pa.array([*ends, total], pa.int32()), values, type=LEVELS)


def _deep(column: pa.Array) -> list[list[Level] | None]:
    lengths = pc.list_value_length(column).to_pylist()
    flat = pc.list_flatten(column)
    prices = to_texts(pc.struct_field(flat, "price"), pc.struct_field(flat, "price_decimals"))
    amounts = to_texts(pc.struct_field(flat, "amount"), pc.struct_field(flat, "amount_decimals"))
    levels = iter(zip(prices, amounts, strict=True))
    return [None if length is None else [list(next(levels)) for _ in range(length)] for length in lengths]
