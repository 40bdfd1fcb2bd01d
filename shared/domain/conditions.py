"""What orders meet: books in the order in which they were observed, instruments, values and latencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.domain.exact import BPS, EXACT
from shared.domain.fees import TakerFee
from shared.domain.latency import Latencies
from shared.domain.market import FeeAsset, Instrument, OrderBook
from shared.domain.portfolio import Amounts

Books = Mapping[tuple[str, str], Sequence[OrderBook]]
"""Books by venue and symbol, in the order in which they were observed."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the orders of a scan meet.

    `instruments` carry the taker fees that apply; `values` are USDT per unit, of gated mids. `books` should
    hold, besides those of the legs, the direct pairs of the loop's assets against its start asset: without
    them what a missing leg leaves behind is carried. A book counts from when it was observed: its
    `received_ms`, else its `time_ms`. An order waits for a book up to `max_age_ms` after it is due.
    """

    books: Books
    instruments: Mapping[tuple[str, str], Instrument]
    values: Amounts
    latencies: Latencies = field(default_factory=Latencies)
    max_age_ms: int = 3_000

    def terms(self, venue: str, symbol: str) -> tuple[Instrument, TakerFee] | None:
        """An instrument and its fee, or None where one of them is unknown."""
        instrument = self.instruments.get((venue, symbol))
        if instrument is None or instrument.taker_bps is None:
            return None
        rate = EXACT.divide(instrument.taker_bps, BPS)
        return instrument, TakerFee(rate, instrument.fee_asset or FeeAsset.RECEIVED)


def observed_ms(book: OrderBook) -> int | None:
    """When the book was seen: received, else by the exchange's clock."""
    return book.time_ms if book.received_ms is None else book.received_ms


def first_book(books: Sequence[OrderBook], from_ms: int, max_age_ms: int) -> OrderBook | None:
    """The first book observed from `from_ms` on, at most `max_age_ms` later and no older when seen."""
    for book in books:
        seen_ms = observed_ms(book)
        if seen_ms is None or seen_ms < from_ms:
            continue
        if seen_ms > from_ms + max_age_ms:
            return None
        if book.time_ms is None or seen_ms - book.time_ms <= max_age_ms:
            return book
    return None


def standing_book(books: Sequence[OrderBook], at_ms: int, max_age_ms: int) -> OrderBook | None:
    """What a market order meets: the first book from then on, else the last before, within `max_age_ms`."""
    following = first_book(books, at_ms, max_age_ms)
    if following:
        return following
    for book in reversed(books):
        seen_ms = observed_ms(book)
        if seen_ms is not None and at_ms - max_age_ms <= seen_ms < at_ms:
            return book
    return None
