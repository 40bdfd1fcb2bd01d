"""Tops of book into JSON straight from their columns, the same bytes that their books would give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, repeat

import orjson

from shared.domain.market import BookText
from shared.domain.tops import Tops
from shared.snapshots.fields import iso_time


def tops_json(tops: Tops, encode: Callable[[BookText], bytes]) -> orjson.Fragment | None:
    """The object of books by symbol; None where a text would need escaping. `encode` writes a single book."""
    bid_amounts, bid_mark = _amounts(tops.bid_amounts)
    ask_amounts, ask_mark = _amounts(tops.ask_amounts)
    columns = (tops.positions, tops.bids, tops.asks, tops.bid_amounts or (), tops.ask_amounts or ())
    if not _plain(chain(tops.others, *columns)):
        return None
    end = "]]}" if tops.time_ms is None else f']],"time":"{iso_time(tops.time_ms)}"}}'
    entries = [
        f'"{symbol}":{{"bids":[["{bid}",{bid_mark}{bid_amount}{bid_mark}]],'
        f'"asks":[["{ask}",{ask_mark}{ask_amount}{ask_mark}{end}'
        for symbol, bid, bid_amount, ask, ask_amount in zip(
            tops.positions, tops.bids, bid_amounts, tops.asks, ask_amounts, strict=False
        )
    ]
    for symbol, book in tops.irregular.items():
        entry = f'"{symbol}":{encode(book).decode()}'
        if symbol in tops.positions:
            entries[tops.positions[symbol]] = entry
        else:
            entries.append(entry)
    return orjson.Fragment(f"{{{','.join(entries)}}}")


def _amounts(texts: Sequence[str] | None) -> tuple[Iterable[str], str]:
    """A column and what stands around each text in it: amounts that nobody tells are null."""
    return (repeat("null"), "") if texts is None else (texts, '"')


def _plain(texts: Iterable[str]) -> bool:
    """Whether all texts stand in JSON as they are: one escape, or one letter beyond ASCII, takes more bytes."""
    joined = "".join(texts)
    return len(orjson.dumps(joined)) == len(joined) + 2
