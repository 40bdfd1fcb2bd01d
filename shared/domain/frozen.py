"""Books that have not changed for longer than their market's habit: a memory across scans, as a value.

A memory maps venue and symbol to (fingerprint of the top of book, ms when it was first seen, habit in ms); a habit
of 0 is not known yet. `pack` gives it a compact form for storage.
"""

from __future__ import annotations

import binascii
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

from shared.domain.market import BookText, Snapshot
from shared.errors import MalformedRecord


class Seen(NamedTuple):
    """A top of book: its fingerprint, since when it stands (ms), and how long tops of this market stand."""

    print: int
    since_ms: int
    habit_ms: int


Memory = Mapping[str, Mapping[str, Seen]]
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


DEFAULT = FrozenPolicy()


def observe(
    memory: Memory, snapshot: Snapshot, policy: FrozenPolicy = DEFAULT
) -> tuple[Memory, dict[tuple[str, str], int]]:
    """The memory after this snapshot, and for how many ms each frozen (venue, symbol) has stood still.

    A venue without books keeps what is known of it. What a book did while it was frozen teaches no habit beyond
    the limit that it broke.
    """
    updated: dict[str, Mapping[str, Seen]] = dict(memory)
    frozen: dict[tuple[str, str], int] = {}
    for venue, market in snapshot.venues.items():
        if not market.books:
            continue
        now_ms = snapshot.time_ms if market.received_ms is None else market.received_ms
        before = memory.get(venue, {})
        after: dict[str, Seen] = {}
        for symbol, book in market.books.items():
            mark = fingerprint(book)
            seen = before.get(symbol)
            if seen is None:
                after[symbol] = Seen(mark, now_ms, 0)
                continue
            stood_ms = now_ms - seen[1]
            if seen[0] != mark:
                after[symbol] = Seen(mark, now_ms, _learned(seen, stood_ms, policy))
                continue
            after[symbol] = seen
            if stood_ms > policy.min_ms and stood_ms > _limit_ms(seen, policy):
                frozen[venue, symbol] = stood_ms
        updated[venue] = after
    return updated, frozen


def fingerprint(book: BookText) -> int:
    """Equal for equal tops of book, and of 4 bytes; a venue's sequence number counts as part of the top."""
    bids, asks, _, _, sequence = book
    try:
        bid, ask = bids[0], asks[0]
        return crc32(f"{bid[0]} {bid[1]} {ask[0]} {ask[1]} {sequence}".encode())
    except IndexError:
        return crc32(f"{bids} {asks} {sequence}".encode())


def _limit_ms(seen: Seen, policy: FrozenPolicy) -> int:
    return max(policy.min_ms, policy.patience * seen.habit_ms) if seen.habit_ms else policy.unknown_ms


def _learned(seen: Seen, stood_ms: int, policy: FrozenPolicy) -> int:
    stood_ms = min(max(stood_ms, 1), _limit_ms(seen, policy))
    return max(stood_ms, int(seen.habit_ms * (1 - policy.forgetting)))


def pack(memory: Memory) -> Packed:
    """The memory in columns of base64, about 22 bytes a book; times to the second."""
    packed: dict[str, Mapping[str, str | int]] = {}
    for venue, books in memory.items():
        base_ms = min((seen.since_ms for seen in books.values()), default=0)
        packed[venue] = {
            "symbols": " ".join(books),
            "base_ms": base_ms,
            "prints": _column([seen.print for seen in books.values()]),
            "since_s": _column([(seen.since_ms - base_ms) // 1000 for seen in books.values()]),
            "habit_s": _column([-(-seen.habit_ms // 1000) for seen in books.values()]),
        }
    return packed


def unpack(packed: Packed) -> Memory:
    """The memory of its packed form.

    Raises:
        MalformedRecord: a column is missing or of another length.
    """
    memory = {}
    for venue, columns in packed.items():
        try:
            base_ms = int(columns["base_ms"])
            memory[venue] = {
                symbol: Seen(mark, base_ms + since_s * 1000, habit_s * 1000)
                for symbol, mark, since_s, habit_s in zip(
                    str(columns["symbols"]).split(),
                    _numbers(columns["prints"]),
                    _numbers(columns["since_s"]),
                    _numbers(columns["habit_s"]),
                    strict=True,
                )
            }
        except (KeyError, ValueError) as error:
            remedy = f"is no memory of books ({error}); delete it and it is learned again"
            raise MalformedRecord(f"frozen.{venue}", str(columns), remedy) from None
    return memory


def _column(numbers: Sequence[int]) -> str:
    return binascii.b2a_base64(array("I", numbers).tobytes(), newline=False).decode()


def _numbers(column: str | int) -> array[int]:
    numbers = array("I")
    numbers.frombytes(binascii.a2b_base64(str(column)))
    return numbers
