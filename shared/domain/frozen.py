"""Books that have not changed for longer than their market's habit: a memory across scans, as a value.

A memory holds a venue's books in columns; `pack` gives it a compact form for storage.
"""

from __future__ import annotations

import binascii
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

from shared.domain.market import BookText, Snapshot
from shared.domain.tops import Tops
from shared.errors import MalformedRecord


class Watched(NamedTuple):
    """A venue's books, row by row: symbol, fingerprint of the top, since when it stands and how long it usually does.

    Both in ms; a habit of 0 is not known yet.
    """

    symbols: Sequence[str]
    prints: array[int]
    since_ms: array[int]
    habits_ms: array[int]


Memory = Mapping[str, Watched]
Packed = Mapping[str, Mapping[str, str | int]]


@dataclass(frozen=True, slots=True)
class FrozenPolicy:
    """When a book counts as frozen.

    `patience` times its habit, and at least `min_ms`; `unknown_ms` for a market that was never seen to change.
    A habit is the longest stand of late: `forgetting` of it is lost with each change.
    """

    patience: int = 3
    min_ms: int = 20_000
    unknown_ms: int = 600_000
    forgetting: float = 0.1

    def limit_ms(self, habit_ms: int) -> int:
        """How long a book with this habit may stand."""
        return max(self.min_ms, self.patience * habit_ms) if habit_ms else self.unknown_ms

    def learned(self, habit_ms: int, stood_ms: int) -> int:
        """The habit after a change; standing beyond the limit teaches no more than the limit."""
        stood_ms = min(max(stood_ms, 1), self.limit_ms(habit_ms))
        return max(stood_ms, int(habit_ms * (1 - self.forgetting)))


DEFAULT = FrozenPolicy()


def observe(
    memory: Memory, snapshot: Snapshot, policy: FrozenPolicy = DEFAULT
) -> tuple[Memory, dict[tuple[str, str], int]]:
    """The memory after this snapshot, and for how many ms each frozen (venue, symbol) has stood still.

    A venue without books keeps what is known of it.
    """
    updated = dict(memory)
    frozen: dict[tuple[str, str], int] = {}
    for venue, market in snapshot.venues.items():
        if not market.books:
            continue
        now_ms = snapshot.time_ms if market.received_ms is None else market.received_ms
        symbols, prints = tuple(market.books), array("I", _fingerprints(market.books))
        before = _aligned(memory.get(venue), symbols, prints, now_ms)
        since_ms, habits_ms = before.since_ms[:], before.habits_ms[:]
        for row, (old, new) in enumerate(zip(before.prints, prints, strict=True)):
            if old != new:
                habits_ms[row] = policy.learned(habits_ms[row], now_ms - since_ms[row])
                since_ms[row] = now_ms
        updated[venue] = Watched(before.symbols, prints, since_ms, habits_ms)
        latest_ms = now_ms - policy.min_ms
        for row, since in enumerate(since_ms):
            if since < latest_ms and now_ms - since > policy.limit_ms(habits_ms[row]):
                frozen[venue, symbols[row]] = now_ms - since
    return updated, frozen


def _aligned(known: Watched | None, symbols: tuple[str, ...], prints: array[int], now_ms: int) -> Watched:
    """What is known, in the order of these symbols; a new one stands as it is seen since now."""
    if known is not None and known.symbols == symbols:
        return known
    rows = {symbol: row for row, symbol in enumerate(known.symbols)} if known else {}
    aligned = Watched(symbols, prints[:], array("q", [now_ms] * len(symbols)), array("q", [0] * len(symbols)))
    for place, symbol in enumerate(symbols):
        row = rows.get(symbol)
        if row is not None and known is not None:
            for column, value in zip(aligned[1:], known[1:], strict=True):
                column[place] = value[row]
    return aligned


def _fingerprints(books: Mapping[str, BookText]) -> Iterable[int]:
    """Of each top of book: equal for equal prices, amounts and sequence number, and of 4 bytes."""
    return map(crc32, map(str.encode, _told(books)))


def _told(books: Mapping[str, BookText]) -> list[str]:
    if not isinstance(books, Tops) or books.added:
        return [_top(book) for book in books.values()]
    nothing = ("",) * len(books.bids)
    columns = (books.bids, books.bid_amounts or nothing, books.asks, books.ask_amounts or nothing, nothing)
    tops = list(map(" ".join, zip(*columns, strict=True)))
    for symbol, book in books.irregular.items():
        tops[books.positions[symbol]] = _top(book)
    return tops


def _top(book: BookText) -> str:
    bids, asks, _, _, sequence = book
    return f"{_level(bids)} {_level(asks)} {'' if sequence is None else sequence}"


def _level(rows: Sequence[Sequence[str | None]]) -> str:
    return f"{rows[0][0]} {rows[0][1] or ''}" if rows else " "


def pack(memory: Memory) -> Packed:
    """The memory in columns of base64, about 27 bytes a book; times to the second."""
    packed: dict[str, Mapping[str, str | int]] = {}
    for venue, books in memory.items():
        base_ms = min(books.since_ms, default=0)
        packed[venue] = {
            "symbols": " ".join(books.symbols),
            "base_ms": base_ms,
            "prints": _column(books.prints),
            "since_s": _column([(since - base_ms) // 1000 for since in books.since_ms]),
            "habit_s": _column([-(-habit // 1000) for habit in books.habits_ms]),
        }
    return packed


def unpack(packed: Packed) -> Memory:
    """The memory of its packed form.

    Raises:
        MalformedRecord: a column is missing or of another length.
    """
    memory: dict[str, Watched] = {}
    for venue, columns in packed.items():
        try:
            base_ms = int(columns["base_ms"])
            symbols = tuple(str(columns["symbols"]).split())
            prints, since_s, habits_s = (_numbers(columns[name]) for name in ("prints", "since_s", "habit_s"))
        except (KeyError, ValueError) as error:
            raise _no_memory(venue, columns, repr(error)) from None
        if not len(symbols) == len(prints) == len(since_s) == len(habits_s):
            raise _no_memory(venue, columns, "columns of different lengths")
        memory[venue] = Watched(
            symbols,
            prints,
            array("q", [base_ms + since * 1000 for since in since_s]),
            array("q", [habit * 1000 for habit in habits_s]),
        )
    return memory


def _no_memory(venue: str, columns: Mapping[str, str | int], why: str) -> MalformedRecord:
    return MalformedRecord(
        f"frozen.{venue}", str(columns), f"is no memory of books ({why}); delete it and it is learned again"
    )


def _column(numbers: Iterable[int]) -> str:
    return binascii.b2a_base64(array("I", numbers).tobytes(), newline=False).decode()


def _numbers(column: str | int) -> array[int]:
    numbers = array("I")
    numbers.frombytes(binascii.a2b_base64(str(column)))
    return numbers
