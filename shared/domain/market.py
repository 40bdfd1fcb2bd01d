"""The market as the venues show it: instruments, books, currencies, and a snapshot of all of them.

Times are milliseconds since the epoch, UTC. Prices are quote per base, amounts are base.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import NamedTuple

from shared.errors import BadBook

VENUE_IDS = ("binance", "bybit", "gateio", "kraken")


class FeeAsset(StrEnum):
    """What a taker fee is taken from."""

    RECEIVED = "received"
    QUOTE = "quote"


class Side(StrEnum):
    """A buy pays quote and gets base, a sell the reverse."""

    BUY = "buy"
    SELL = "sell"


@dataclass(frozen=True, slots=True)
class Instrument:
    """A spot market of one venue. None means unknown, for steps and minimums also none."""

    venue: str
    symbol: str
    base: str
    quote: str
    tradable: bool | None = None
    leveraged: bool | None = None
    amount_step: Decimal | None = None
    price_step: Decimal | None = None
    min_amount: Decimal | None = None
    max_amount: Decimal | None = None
    min_notional: Decimal | None = None
    taker_bps: Decimal | None = None
    fee_asset: FeeAsset | None = None


class Level(NamedTuple):
    """One price of a book with the amount offered there; an amount of None is unknown."""

    price: Decimal
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class OrderBook:
    """A checked book, best levels first: a bad one cannot be built.

    Raises:
        BadBook: a side is not sorted strictly, a price is not positive or an amount is negative.
    """

    venue: str
    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    time_ms: int | None = None
    received_ms: int | None = None
    sequence: int | None = None

    def __post_init__(self) -> None:
        for side, levels, sign in (("bids", self.bids, -1), ("asks", self.asks, 1)):
            previous: Decimal | None = None
            for price, amount in levels:
                if not price.is_finite() or price <= 0:
                    raise BadBook(f"{self.venue} {self.symbol} {side}: price {price} is not positive")
                if amount is not None and (not amount.is_finite() or amount < 0):
                    raise BadBook(f"{self.venue} {self.symbol} {side}: amount {amount} is negative")
                if previous is not None and (price - previous) * sign <= 0:
                    raise BadBook(
                        f"{self.venue} {self.symbol} {side}: {price} follows {previous}, not best first"
                    )
                previous = price


class BookText(NamedTuple):
    """A book as it came, unchecked: rows of [price, amount or None] as text, best first.

    Tops of book for the wide screen are a book of one level; only books of candidate loops are ever parsed.
    """

    bids: Sequence[Sequence[str | None]]
    asks: Sequence[Sequence[str | None]]
    time_ms: int | None = None
    received_ms: int | None = None
    sequence: int | None = None

    def parse(self, venue: str, symbol: str) -> OrderBook:
        """The checked book.

        Raises:
            BadBook: a level is not a pair of numbers, or the book does not hold together.
        """
        try:
            bids, asks = (
                tuple(
                    Level(Decimal(price), None if amount is None else Decimal(amount))  # type: ignore[arg-type]  # a null price raises TypeError
                    for price, amount in rows
                )
                for rows in (self.bids, self.asks)
            )
        except (InvalidOperation, TypeError, ValueError) as error:
            raise BadBook(f"{venue} {symbol}: a level is not [price, amount] in numbers") from error
        return OrderBook(venue, symbol, bids, asks, self.time_ms, self.received_ms, self.sequence)


@dataclass(frozen=True, slots=True)
class Network:
    """How an asset travels to and from a venue; None is unknown, which is not open."""

    deposit: bool | None = None
    withdraw: bool | None = None
    withdraw_fee: Decimal | None = None
    contract: str | None = None


@dataclass(frozen=True, slots=True)
class Currency:
    """What a venue says of an asset; `asset_id` identifies it across venues where one is known."""

    asset_id: str | None = None
    networks: Mapping[str, Network] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VenueMarket:
    """One venue within a snapshot. `status` is `ok`, or what keeps the venue out, told by `error`."""

    received_ms: int | None = None
    taker_bps: Decimal | None = None
    fee_asset: FeeAsset | None = None
    status: str = "ok"
    error: str | None = None
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    books: Mapping[str, BookText] = field(default_factory=dict)
    currencies: Mapping[str, Currency] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All venues at one time. `balances` of None are unlimited; venues and assets not listed are zero."""

    time_ms: int
    venues: Mapping[str, VenueMarket]
    scan_id: str | None = None
    phase: str = "scan"
    reference: str | None = None
    balances: Mapping[str, Mapping[str, Decimal]] | None = None
