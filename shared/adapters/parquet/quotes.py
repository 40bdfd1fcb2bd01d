"""Snapshots as one row a book, and back without losing a digit.

A snapshot's first row (position 0) has no symbol: its `raw` is the snapshot's JSON without the books. Each book
follows with its top in typed columns; `bids` and `asks` hold all levels where there are more than the top. A book
that typed columns cannot hold as it came has its JSON in `raw` instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from shared.adapters.parquet.numbers import DECIMALS, NUMBER, is_plain, to_arrays, to_texts
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
_KEY = ("snapshot", "blob", "line", "time", "scan_id", "phase")

Level = Sequence[str | None]


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
        bare = {venue: {**market, "books": {}} for venue, market in payload["venues"].items()}
        raw: list[str | None] = [orjson.dumps({**payload, "venues": bare}).decode()]
        venues: list[str | None] = [None]
        symbols: list[str | None] = [None]
        books = [_NO_BOOK]
        for venue, market in snapshot.venues.items():
            texts = payload["venues"][venue]["books"]
            for symbol, book in market.books.items():
                typed = _is_typed(book)
                venues.append(venue)
                symbols.append(symbol)
                books.append(book if typed else _NO_BOOK)
                raw.append(None if typed else orjson.dumps(texts[symbol]).decode())
        key = (self._count, blob, line, snapshot.time_ms, snapshot.scan_id, snapshot.phase)
        self._tables.append(_table(key, venues, symbols, books, raw))

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
    venues: Sequence[str | None],
    symbols: Sequence[str | None],
    books: Sequence[BookText],
    raw: Sequence[str | None],
) -> pa.Table:
    bids, asks, times, received, sequences = zip(*books, strict=True)
    tops = [_top(bids, 0), _top(bids, 1), _top(asks, 0), _top(asks, 1)]
    numbers, decimals = zip(*map(to_arrays, tops), strict=True)
    size = len(books)
    columns = {
        "position": range(size),
        "venue": venues,
        "symbol": symbols,
        "book_time": times,
        "received": received,
        "sequence": sequences,
        "raw": raw,
    }
    arrays = {name: pa.array(values, SCHEMA.field(name).type) for name, values in columns.items()}
    arrays |= {
        name: pa.repeat(pa.scalar(value, SCHEMA.field(name).type), size)
        for name, value in zip(_KEY, key, strict=True)
    }
    arrays |= dict(zip(TOPS, numbers, strict=True))
    arrays |= {f"{name}_decimals": array for name, array in zip(TOPS, decimals, strict=True)}
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


def _is_typed(book: BookText) -> bool:
    """Whether typed columns give the book back as it came."""
    for side in (book.bids, book.asks):
        for price, amount in side:
            if not is_plain(price) or not (amount is None or is_plain(amount)):
                return False
    return book.sequence is None or -_INT_LIMIT <= book.sequence < _INT_LIMIT


def _top(sides: Sequence[Sequence[Level] | None], index: int) -> list[str | None]:
    return [side[0][index] if side else None for side in sides]


def _levels(sides: Sequence[Sequence[Level] | None]) -> pa.Array:
    """All levels of the sides that have more than one."""
    deep = [side if side and len(side) > 1 else None for side in sides]
    flat = [level for side in deep if side for level in side]
    prices, price_decimals = to_arrays([level[0] for level in flat])
    amounts, amount_decimals = to_arrays([level[1] for level in flat])
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
