"""Tops of book into JSON straight from their columns, the same bytes that their books would give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import orjson

from shared.domain.market import BookText
from shared.domain.tops import Tops
from shared.snapshots.fields import iso_time


def tops_json(tops: Tops, encode: Callable[[BookText], bytes]) -> orjson.Fragment | None:
    """The object of books by symbol; None where a text would need escaping. `encode` writes a single book."""
    symbols = list(tops.positions)
    amounts = (tops.bid_amounts or (), tops.ask_amounts or ())
    if not _plain(tops.others, symbols, tops.bids, tops.asks, *amounts):
        return None
    end = "" if tops.time_ms is None else f',"time":"{iso_time(tops.time_ms)}"'
    parts: list[str | Sequence[str]] = [
        *(symbols, '":{"bids":[["'),
        *_level(tops.bids, tops.bid_amounts, ']],"asks":[["'),
        *_level(tops.asks, tops.ask_amounts, f']]{end}}},"'),
    ]
    pieces = _side_by_side(parts, len(symbols))
    for symbol, book in tops.irregular.items():
        entry = f'{symbol}":{encode(book).decode()},"'
        row = tops.positions.get(symbol)
        if row is None:
            pieces.append(entry)
        else:
            pieces[row * len(parts) : (row + 1) * len(parts)] = [entry, *[""] * (len(parts) - 1)]
    entries = "".join(pieces)
    return orjson.Fragment(f'{{"{entries[:-2]}}}' if entries else "{}")


def _level(prices: Sequence[str], amounts: Sequence[str] | None, end: str) -> list[str | Sequence[str]]:
    """A price and its amount, up to what follows the level: amounts that nobody tells are null."""
    return [prices, f'",null{end}'] if amounts is None else [prices, '","', amounts, f'"{end}']


def _side_by_side(parts: Sequence[str | Sequence[str]], rows: int) -> list[str]:
    """Row by row, every part: a text is the same in each row. Slices spare a step of the interpreter a row."""
    pieces = [""] * (rows * len(parts))
    for place, part in enumerate(parts):
        pieces[place :: len(parts)] = [part] * rows if isinstance(part, str) else part
    return pieces


def _plain(*columns: Iterable[str]) -> bool:
    """Whether all texts stand in JSON as they are: one escape, or one letter beyond ASCII, takes more bytes."""
    joined = "".join(map("".join, columns))
    return len(orjson.dumps(joined)) == len(joined) + 2
