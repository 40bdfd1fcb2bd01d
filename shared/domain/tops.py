"""All tops of book of one venue in columns: thousands of rows a tick, without an object for each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from operator import itemgetter
from typing import Any, NamedTuple

from shared.domain.market import BookText


@dataclass(frozen=True, slots=True, eq=False)
class Tops(Mapping[str, BookText]):
    """Books of one level by symbol; `others` stand in place of rows or beside them, as depth does.

    `positions` gives each symbol's row, in order; a tick that lists the same symbols in the same order passes on
    the same object. A side that nobody quotes is an empty text, amounts that a venue does not tell are None.
    `bid_prices` and `ask_prices` are `best_price` of the texts.
    """

    positions: Mapping[str, int]
    bids: Sequence[str]
    asks: Sequence[str]
    bid_prices: Sequence[float]
    ask_prices: Sequence[float]
    bid_amounts: Sequence[str] | None = None
    ask_amounts: Sequence[str] | None = None
    time_ms: int | None = None
    others: Mapping[str, BookText] = field(default_factory=dict)

    def __getitem__(self, symbol: str) -> BookText:
        if symbol in self.others:
            return self.others[symbol]
        row = self.positions[symbol]
        bids, asks = _level(self.bids, self.bid_amounts, row), _level(self.asks, self.ask_amounts, row)
        return BookText(bids, asks, self.time_ms)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self.positions or symbol in self.others

    def __iter__(self) -> Iterator[str]:
        yield from self.positions
        yield from self.added

    def __len__(self) -> int:
        return len(self.positions) + len(self.added)

    @property
    def added(self) -> list[str]:
        """The others that are no row."""
        return [symbol for symbol in self.others if symbol not in self.positions]

    @property
    def irregular(self) -> dict[str, BookText]:
        """The books that are not one level on both sides as their row tells: one-sided ones and the others."""
        one_sided: dict[str, BookText] = {}
        if "" in self.bids or "" in self.asks:
            one_sided = {
                symbol: self[symbol]
                for symbol, bid, ask in zip(self.positions, self.bids, self.asks, strict=True)
                if not bid or not ask
            }
        return {**one_sided, **self.others}


def _level(
    prices: Sequence[str], amounts: Sequence[str] | None, row: int
) -> tuple[tuple[str, str | None], ...]:
    price = prices[row]
    return ((price, amounts[row] if amounts else None),) if price else ()


class Prices(NamedTuple):
    """The best price of each side of each book, zero where there is none; the symbols in the same order."""

    symbols: Collection[str]
    bids: Sequence[float]
    asks: Sequence[float]


def best_prices(books: Mapping[str, BookText]) -> Prices:
    """The prices of all books, in their order."""
    if not isinstance(books, Tops):
        bids = [best_price(book.bids) for book in books.values()]
        asks = [best_price(book.asks) for book in books.values()]
        return Prices(tuple(books), bids, asks)
    if not books.others:
        return Prices(books.positions, books.bid_prices, books.ask_prices)
    bids, asks = list(books.bid_prices), list(books.ask_prices)
    for symbol, book in books.others.items():
        row = books.positions.get(symbol)
        if row is None:
            bids.append(best_price(book.bids))
            asks.append(best_price(book.asks))
        else:
            bids[row], asks[row] = best_price(book.bids), best_price(book.asks)
    return Prices((*books.positions, *books.added) if books.added else books.positions, bids, asks)


def best_price(rows: Sequence[Sequence[str | None]]) -> float:
    """The first row's price; zero where there is none, or no positive finite number."""
    try:
        price = float(rows[0][0])  # type: ignore[arg-type]  # a null price raises TypeError
    except (IndexError, TypeError, ValueError):
        return 0.0
    return price if 0 < price < inf else 0.0


def side_prices(book: BookText) -> tuple[float, ...]:
    """Its best price on each side that has one; zero where that is no price, or a deeper level may count for it."""
    return tuple(best_price(rows) if len(rows) == 1 else 0.0 for rows in (book.bids, book.asks) if rows)


Picker = Callable[[Sequence[Any]], Sequence[Any]]


def picker(rows: Sequence[int]) -> Picker:
    """Takes these rows from a column."""
    if len(rows) > 1:  # of one row, itemgetter would take the value alone
        return itemgetter(*rows)
    return lambda column: tuple(column[row] for row in rows)


def with_books(books: Mapping[str, BookText], others: Mapping[str, BookText]) -> Mapping[str, BookText]:
    """The books, with the others in place of those of the same symbol; tops are not copied."""
    if isinstance(books, Tops):
        return replace(books, others={**books.others, **others})
    return {**books, **others}
