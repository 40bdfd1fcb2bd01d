"""What detection finds: loops of conversions, sized as opportunities or refused with a reason."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from shared.domain.market import Side


class Reason(StrEnum):
    """Why a profitable-looking loop is refused, in order of precedence."""

    BLOCKED = "BLOCKED"
    NOT_TRADABLE = "NOT_TRADABLE"
    LEVERAGED_TOKEN = "LEVERAGED_TOKEN"  # noqa: S105 - a reason, not a password
    VENUE_COOLING_DOWN = "VENUE_COOLING_DOWN"
    BAD_BOOK = "BAD_BOOK"
    CROSSED_BOOK = "CROSSED_BOOK"
    STALE_BOOK = "STALE_BOOK"
    FROZEN_BOOK = "FROZEN_BOOK"
    SKEWED_BOOKS = "SKEWED_BOOKS"
    IDENTITY_CONFLICT = "IDENTITY_CONFLICT"
    DEPOSIT_CLOSED = "DEPOSIT_CLOSED"
    WITHDRAW_CLOSED = "WITHDRAW_CLOSED"
    NO_COMMON_NETWORK = "NO_COMMON_NETWORK"
    TRANSFER_UNKNOWN = "TRANSFER_UNKNOWN"
    TOO_GOOD_TO_BE_TRUE = "TOO_GOOD_TO_BE_TRUE"
    UNKNOWN_DEPTH = "UNKNOWN_DEPTH"
    DEPTH_TAKEN = "DEPTH_TAKEN"
    NO_INVENTORY = "NO_INVENTORY"
    BELOW_MIN_NOTIONAL = "BELOW_MIN_NOTIONAL"
    NET_EDGE_TOO_SMALL = "NET_EDGE_TOO_SMALL"
    BELOW_MIN_PROFIT = "BELOW_MIN_PROFIT"
    RISK_LIMIT = "RISK_LIMIT"
    VETOED = "VETOED"
    KILL_SWITCH = "KILL_SWITCH"


class Conversion(NamedTuple):
    """One asset into another on one book."""

    venue: str
    symbol: str
    side: Side

    def __str__(self) -> str:
        return f"{self.venue}:{self.symbol}:{self.side}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A closed loop of conversions, written from its start asset; `assets[k]` is what leg k pays.

    `net_rate` is the exact product of the top-of-book rates after taker fees.
    """

    conversions: tuple[Conversion, ...]
    assets: tuple[str, ...]
    net_rate: Decimal

    @property
    def path(self) -> tuple[str, ...]:
        """The loop as text, one entry a leg."""
        return tuple(str(conversion) for conversion in self.conversions)


@dataclass(frozen=True, slots=True)
class Leg:
    """One order of an opportunity: `amount` in base, prices in quote per base, the fee in `fee_asset`."""

    venue: str
    symbol: str
    side: Side
    amount: Decimal
    average_price: Decimal
    limit_price: Decimal
    fee: Decimal
    fee_asset: str

    @property
    def conversion(self) -> Conversion:
        """The conversion this leg makes."""
        return Conversion(self.venue, self.symbol, self.side)


@dataclass(frozen=True, slots=True)
class Opportunity:
    """A sized loop that survives every cost and gate. Amounts and profits are in `start_asset`.

    `profit_value` is net profit in USDT of value; `top_net_bps` the edge at the top of book.
    """

    id: str
    kind: str
    start_asset: str
    start_amount: Decimal
    end_amount: Decimal
    net_profit: Decimal
    gross_profit: Decimal
    net_bps: Decimal
    legs: tuple[Leg, ...]
    oldest_book_ms: int
    skew_ms: int
    marks: tuple[str, ...]
    profit_value: Decimal
    top_net_bps: Decimal

    @property
    def path(self) -> tuple[str, ...]:
        """The loop as text, one entry a leg."""
        return tuple(str(leg.conversion) for leg in self.legs)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A loop that the screen found profitable and a gate refused."""

    reason: Reason
    path: tuple[str, ...]
    net_bps: Decimal
    detail: str


@dataclass(frozen=True, slots=True)
class Detection:
    """What one snapshot holds: opportunities, best profit first, and refusals with their reasons.

    `loops_screened` counts the loops that pay at the top of book, each of which is one of the two;
    `instruments_compared` the books with a price.
    """

    opportunities: tuple[Opportunity, ...]
    rejections: tuple[Rejection, ...]
    loops_screened: int
    instruments_compared: int


def content_id(*parts: str) -> str:
    """A name for content: the same parts give the same 20 hex digits everywhere."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:20]
