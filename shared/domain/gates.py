"""The gates on a single book: each reason to refuse it before any loop is considered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import NamedTuple

from shared.domain.exact import EXACT, ONE, ZERO
from shared.domain.fees import TakerFee, taker_fee
from shared.domain.market import FeeAsset, Instrument, Level, OrderBook, Side, Snapshot, VenueMarket
from shared.domain.opportunity import Reason
from shared.domain.policy import DetectionPolicy
from shared.errors import BadBook

_LEVERAGED = re.compile(r"\d[LS]$")
_MAGNITUDE = 30
"""Prices and amounts lie between 10^-30 and 10^30."""
_FREE = TakerFee(ZERO, FeeAsset.RECEIVED)

PRECEDENCE = {reason: rank for rank, reason in enumerate(Reason)}
"""Where each reason stands in the order of precedence; the lowest is the one reported."""


class Refusal(NamedTuple):
    """Why something is refused, for a program and for a person."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True, eq=False)
class GatedBook:
    """One book with what is known of its market, and why it is refused, if it is.

    `bids` and `asks` are the levels that could trade: positive, and unknown amounts kept as None. Without a
    fee the rates are those of a free trade, so that the refusal can state an edge.
    """

    venue: str
    symbol: str
    base: str
    quote: str
    instrument: Instrument
    fee: TakerFee
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    time_ms: int | None
    refusal: Refusal | None

    def levels(self, side: Side) -> tuple[Level, ...]:
        """What an order of this side meets, best first."""
        return self.asks if side is Side.BUY else self.bids

    def depth(self, side: Side) -> tuple[Level, ...]:
        """The levels before the first whose amount is unknown: only these may be sized."""
        levels = self.levels(side)
        unknown = next((i for i, level in enumerate(levels) if level.amount is None), len(levels))
        return levels[:unknown]

    def rate(self, side: Side) -> tuple[Decimal, Decimal] | None:
        """Received per paid at the top after the fee, as an exact fraction; None without a price."""
        levels = self.levels(side)
        if not levels:
            return None
        price = levels[0].price
        kept = EXACT.subtract(ONE, self.fee.rate)
        if side is Side.SELL:
            return EXACT.multiply(price, kept), ONE
        if self.fee.asset is FeeAsset.QUOTE:
            return ONE, EXACT.multiply(price, EXACT.add(ONE, self.fee.rate))
        return kept, price

    @property
    def middle(self) -> Decimal | None:
        """Half way between bid and ask; None if a side is empty."""
        if not self.bids or not self.asks:
            return None
        return EXACT.divide(EXACT.add(self.bids[0].price, self.asks[0].price), 2)


class Books:
    """The books of a snapshot, gated when they are first asked for."""

    def __init__(
        self, snapshot: Snapshot, policy: DetectionPolicy, frozen: Mapping[tuple[str, str], int]
    ) -> None:
        self.snapshot = snapshot
        self._policy = policy
        self._frozen = frozen
        self._known: dict[tuple[str, str], GatedBook] = {}

    def get(self, venue: str, symbol: str) -> GatedBook | None:
        """The gated book, or None if the snapshot has none."""
        key = venue, symbol
        if key not in self._known:
            market = self.snapshot.venues[venue]
            if symbol not in market.books:
                return None
            self._known[key] = self._gate(venue, symbol, market)
        return self._known[key]

    def __getitem__(self, key: tuple[str, str]) -> GatedBook:
        """The gated book of a (venue, symbol) that the snapshot is known to have."""
        book = self.get(*key)
        if book is None:
            raise KeyError(key)
        return book

    def _gate(self, venue: str, symbol: str, market: VenueMarket) -> GatedBook:
        text = market.books[symbol]
        instrument = market.instruments.get(symbol)
        if instrument is None:
            base, _, quote = symbol.partition("/")
            instrument = Instrument(venue, symbol, base, quote)
        fee = taker_fee(venue, symbol, market, self._policy.fees)
        times = (text.time_ms, text.received_ms, market.received_ms)
        time_ms = next((time for time in times if time is not None), None)
        refusal = self._listing_refusal(instrument, market)
        bids: tuple[Level, ...]
        asks: tuple[Level, ...]
        try:
            book = text.parse(venue, symbol)
            bids, asks = _tradable(book, book.bids), _tradable(book, book.asks)
        except BadBook as error:
            bids, asks = _first_price(text.bids), _first_price(text.asks)
            refusal = refusal or Refusal(Reason.BAD_BOOK, str(error))
        else:
            if fee is None:
                detail = f"{venue} {symbol}: the taker fee is unknown; configure the venue's fee"
                refusal = refusal or Refusal(Reason.BAD_BOOK, detail)
            refusal = refusal or self._book_refusal(book, bids, asks, time_ms)
        return GatedBook(
            venue,
            symbol,
            instrument.base,
            instrument.quote,
            instrument,
            fee or _FREE,
            bids,
            asks,
            time_ms,
            refusal,
        )

    def _listing_refusal(self, instrument: Instrument, market: VenueMarket) -> Refusal | None:
        venue, symbol, base, quote = instrument.venue, instrument.symbol, instrument.base, instrument.quote
        for name in (symbol, base, quote):
            for entry in (name, f"{venue}:{name}"):
                if entry in self._policy.blocked:
                    return Refusal(Reason.BLOCKED, f"{entry} is on the block list")
        if instrument.tradable is False:
            return Refusal(Reason.NOT_TRADABLE, f"{venue} does not trade {symbol} now")
        if instrument.leveraged or (instrument.leveraged is None and _LEVERAGED.search(base)):
            return Refusal(Reason.LEVERAGED_TOKEN, f"{base} on {venue} is a leveraged token")
        if market.status != "ok":
            return Refusal(Reason.VENUE_COOLING_DOWN, f"{venue} is out: {market.error or market.status}")
        return None

    def _book_refusal(
        self, book: OrderBook, bids: tuple[Level, ...], asks: tuple[Level, ...], time_ms: int | None
    ) -> Refusal | None:
        venue, symbol = book.venue, book.symbol
        if bids and asks and bids[0].price > asks[0].price:
            detail = f"{venue} {symbol}: bid {bids[0].price} is above ask {asks[0].price}"
            return Refusal(Reason.CROSSED_BOOK, detail)
        if time_ms is None:
            return Refusal(Reason.STALE_BOOK, f"{venue} book has no time, so its age is unknown")
        age_ms = self.snapshot.time_ms - time_ms
        if age_ms > self._policy.max_age_ms:
            limit = seconds(self._policy.max_age_ms)
            return Refusal(Reason.STALE_BOOK, f"{venue} book is {seconds(age_ms)} s old, limit {limit} s")
        unchanged_ms = self._frozen.get((venue, symbol))
        if unchanged_ms is not None:
            detail = f"{venue} {symbol} has not changed for {seconds(unchanged_ms)} s, longer than its habit"
            return Refusal(Reason.FROZEN_BOOK, detail)
        return None


def seconds(milliseconds: int) -> str:
    """Milliseconds as seconds for a person, exact to the millisecond."""
    whole, rest = divmod(abs(milliseconds), 1000)
    digits = f"{rest:03d}".rstrip("0") or "0"
    return f"{'-' if milliseconds < 0 else ''}{whole}.{digits}"


def _tradable(book: OrderBook, levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """The levels that something may be traded on.

    Raises:
        BadBook: a number is so large or small that no market means it, and exact arithmetic would choke on it.
    """
    for number in chain.from_iterable(levels):
        if number and not -_MAGNITUDE <= number.adjusted() <= _MAGNITUDE:
            raise BadBook(f"{book.venue} {book.symbol}: {number} is no price or amount of any market")
    return tuple(level for level in levels if level.amount is None or level.amount > 0)


def _first_price(rows: Sequence[Sequence[str | None]]) -> tuple[Level, ...]:
    """A level of unknown amount at the first row's price, if that much of a bad book can be read."""
    try:
        price = Decimal(rows[0][0] or "")
    except (IndexError, TypeError, ValueError, InvalidOperation):
        return ()
    return (Level(price, None),) if price.is_finite() and price > 0 else ()
