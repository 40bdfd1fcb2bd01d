"""A venue's answer to the one request for all tops of book, made into tops column by column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from shared.domain.tops import Picker, Tops, best_price, picker

_NOTHING = "0." + "0" * 30
"""Not less, as text, than any way of writing nothing or zero; less than any positive number."""

_NUMBERS = msgspec.json.Decoder(list[float])


Sides = Callable[[Sequence[Any]], tuple[Sequence[str], Sequence[str]]]
"""Reads the texts of the bid and of the ask from each of these rows."""


class Rows(NamedTuple):
    """The rows as they came, by their ids, and how to read some of them. Amounts of None are not told."""

    ids: Sequence[str]
    rows: Sequence[Any]
    prices: Sides
    amounts: Sides | None = None
    time_ms: int | None = None


class TopsReader:
    """Picks the quoted rows of the instruments that have a symbol, and remembers which rows these are.

    Args:
        symbols: by the venue's ids.
    """

    def __init__(self, symbols: Mapping[str, str]) -> None:
        self.symbols = symbols
        self._ids: Sequence[str] = ()
        self._positions: dict[str, int] = {}
        self._quoted = self._silent = picker(())

    def read(self, answer: Rows) -> Tops:
        """The tops of book that anybody quotes; a side quoted as nothing or zero is empty.

        Of rows under one id the last one counts.
        """
        if answer.ids != self._ids or _any_quoted(answer, self._silent):
            self._arrange(answer)
        rows = self._quoted(answer.rows)
        bids, asks = answer.prices(rows)
        bid_prices, ask_prices = _prices(bids), _prices(asks)
        if 0.0 in bid_prices:
            bids = [_side(text) for text in bids]
        if 0.0 in ask_prices:
            asks = [_side(text) for text in asks]
            if not all(map(any, zip(bids, asks, strict=True))):
                self._ids = ()
                return self.read(answer)
        bid_amounts, ask_amounts = answer.amounts(rows) if answer.amounts else (None, None)
        return Tops(
            self._positions, bids, asks, bid_prices, ask_prices, bid_amounts, ask_amounts, answer.time_ms
        )

    def _arrange(self, answer: Rows) -> None:
        """Part the rows that are listed into those that somebody quotes and the silent ones."""
        quoted: dict[str, int] = {}
        silent: list[int] = []
        for row, (name, bid, ask) in enumerate(zip(answer.ids, *answer.prices(answer.rows), strict=True)):
            symbol = self.symbols.get(name)
            if symbol is None:
                continue
            if _side(bid) or _side(ask):
                quoted[symbol] = row
            else:
                silent.append(row)
        self._ids = answer.ids
        self._positions = {symbol: position for position, symbol in enumerate(quoted)}
        self._quoted, self._silent = picker(list(quoted.values())), picker(silent)


def _any_quoted(answer: Rows, pick: Picker) -> bool:
    bids, asks = answer.prices(pick(answer.rows))
    return any(map(_side, {*bids, *asks}))


def _side(text: str) -> str:
    return text if text > _NOTHING else ""


def _prices(texts: Sequence[str]) -> list[float]:
    """`best_price` of each text; a decoder of JSON reads numbers in a third of the time that `float` takes."""
    written = [text or "0" for text in texts] if "" in texts else texts
    try:
        prices: list[float] = _NUMBERS.decode(f"[{','.join(written)}]")
    except msgspec.DecodeError:
        prices = []
    # A text with a comma in it would be two numbers.
    if len(prices) == len(texts) and min(prices, default=0.0) >= 0:
        return prices
    return [best_price(((text, None),)) for text in texts]
