"""The traps of the simulated market: what looks like an opportunity and must never become a trade."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from simulator.listings import Quirk, Status


class TrapKind(StrEnum):
    """What is wrong with the apparent edge."""

    TICKER_COLLISION = "ticker_collision"
    TICKER_COLLISION_TWO_VENUES = "ticker_collision_two_venues"
    FROZEN_BOOK = "frozen_book"
    SUSPENDED_NETWORK = "suspended_network"
    THIN_TOP = "thin_top"
    MISPRICED_QUOTE = "mispriced_quote"
    LEVERAGED_TOKEN = "leveraged_token"  # noqa: S105 - a kind of instrument, not a secret
    NOT_TRADABLE = "not_tradable"
    TOO_GOOD = "too_good"


@dataclass(frozen=True, slots=True)
class TrapSpec:
    """One trap of the catalogue: where it is, how it is made, and the reasons that refuse it."""

    kind: TrapKind
    venue: str
    symbol: str
    reasons: tuple[str, ...]
    detail: str
    quirk: Quirk


@dataclass(frozen=True, slots=True)
class Trap:
    """A trap that is live now.

    `naive_net_bps` is the net edge at the tops of book that whoever does not see through it would count on;
    `start_ms` and `end_ms` bound a recurring trap and are None for a permanent one.
    """

    kind: TrapKind
    venue: str
    symbol: str
    reasons: tuple[str, ...]
    detail: str
    naive_net_bps: Decimal | None
    start_ms: int | None
    end_ms: int | None


_COLLIDES = ("IDENTITY_CONFLICT",)
_THIN = ("BELOW_MIN_NOTIONAL", "BELOW_MIN_PROFIT", "NET_EDGE_TOO_SMALL")
_UNTRADABLE = ("NOT_TRADABLE",)

TRAPS = (
    TrapSpec(TrapKind.TICKER_COLLISION, "gateio", "MDT/USDT", _COLLIDES,
             "another asset under the ticker MDT: its contract differs", Quirk(asset="MDT (Mideast)")),
    TrapSpec(TrapKind.TICKER_COLLISION_TWO_VENUES, "bybit", "TAI/USDT", _COLLIDES,
             "two venues, two assets called TAI: neither can be believed", Quirk(asset="TAI (Tars)")),
    TrapSpec(TrapKind.TICKER_COLLISION_TWO_VENUES, "gateio", "TAI/USDT", _COLLIDES,
             "two venues, two assets called TAI: neither can be believed", Quirk(asset="TAI (TaiShang)")),
    TrapSpec(TrapKind.FROZEN_BOOK, "binance", "HBAR/USDT", ("FROZEN_BOOK", "STALE_BOOK"),
             "the book stops while the market moves on; the venue gives no time", Quirk(freezes=True)),
    TrapSpec(TrapKind.FROZEN_BOOK, "gateio", "ICP/USDT", ("FROZEN_BOOK", "STALE_BOOK"),
             "the book stops while the market moves on; `current` stays fresh", Quirk(freezes=True)),
    TrapSpec(TrapKind.SUSPENDED_NETWORK, "gateio", "ALGO/USDT", ("DEPOSIT_CLOSED",),
             "dear because nobody can deposit: every chain is closed, the currency's own flag is open",
             Quirk(bias_bps=45.0)),
    TrapSpec(TrapKind.SUSPENDED_NETWORK, "gateio", "GRT/USDT", ("WITHDRAW_CLOSED",),
             "cheap because nobody can withdraw: every chain is closed, the currency's own flag is open",
             Quirk(bias_bps=-45.0)),
    TrapSpec(TrapKind.SUSPENDED_NETWORK, "kraken", "SAND/EUR", ("DEPOSIT_CLOSED",),
             "dear because funding of the asset is switched off", Quirk(bias_bps=85.0)),
    TrapSpec(TrapKind.THIN_TOP, "bybit", "TON/USDT", _THIN,
             "a bid for two dollars far above the rest", Quirk(thin_side="bid", thin_bps=60.0)),
    TrapSpec(TrapKind.THIN_TOP, "gateio", "XTZ/USDT", _THIN,
             "an offer of two dollars far below the rest; the bulk ticker shows no sizes",
             Quirk(thin_side="ask", thin_bps=60.0)),
    TrapSpec(TrapKind.LEVERAGED_TOKEN, "gateio", "BTC3L/USDT", ("LEVERAGED_TOKEN",),
             "units of two different funds", Quirk(bias_bps=75.0)),
    TrapSpec(TrapKind.LEVERAGED_TOKEN, "gateio", "BTC3S/USDT", ("LEVERAGED_TOKEN",),
             "units of two different funds", Quirk(bias_bps=-75.0)),
    TrapSpec(TrapKind.NOT_TRADABLE, "binance", "WAVES/USDT", _UNTRADABLE,
             "status BREAK, the last book is still served", Quirk(status=Status.HALTED, bias_bps=90.0)),
    TrapSpec(TrapKind.NOT_TRADABLE, "binance", "KEY/USDT", _UNTRADABLE,
             "status TRADING, but isSpotTradingAllowed is false",
             Quirk(status=Status.NOT_SPOT, bias_bps=80.0)),
    TrapSpec(TrapKind.NOT_TRADABLE, "gateio", "OMG/USDT", _UNTRADABLE,
             "untradable, though its margin pair is enabled", Quirk(status=Status.HALTED, bias_bps=90.0)),
    TrapSpec(TrapKind.NOT_TRADABLE, "bybit", "NULS/USDT", _UNTRADABLE,
             "status Closed, the last book is still served", Quirk(status=Status.HALTED, bias_bps=90.0)),
    TrapSpec(TrapKind.NOT_TRADABLE, "kraken", "OXT/EUR", _UNTRADABLE,
             "status cancel_only, the last book is still served",
             Quirk(status=Status.HALTED, bias_bps=130.0)),
    TrapSpec(TrapKind.TOO_GOOD, "bybit", "GMT/USDT", ("TOO_GOOD_TO_BE_TRUE",),
             "three per cent, with depth, for ever", Quirk(bias_bps=300.0)),
)  # fmt: skip

PAR_TRAPS = (
    ("binance", "BTC/FDUSD", "BTC/USDT", "FDUSD is worth 1.2 % less than a dollar"),
    ("gateio", "ETH/FDUSD", "ETH/USDT", "FDUSD is worth 1.2 % less than a dollar"),
    ("binance", "BTC/USDC", "BTC/USDT", "USDC has slipped against USDT for some minutes"),
    ("bybit", "ETH/USDC", "ETH/USDT", "USDC has slipped against USDT for some minutes"),
)
"""Instruments that look mispriced to whoever takes their quote asset at par: venue, symbol, its twin, why."""

ONE_SIDED = {
    ("gateio", ticker + "/USDT"): Quirk(status=status)
    for tickers, status in (
        ("AERGO BLOK CEEK ERG HERO KLEE", Status.NO_ASKS),
        ("LITH OCT PBX SHR", Status.NO_BIDS),
    )
    for ticker in tickers.split()
}
"""Thin Gate.io rows: an empty string where nobody quotes."""

QUIRKS = {**ONE_SIDED, **{(trap.venue, trap.symbol): trap.quirk for trap in TRAPS}}

NO_DEPOSIT = frozenset({("gateio", "ALGO"), ("kraken", "SAND")})
NO_WITHDRAW = frozenset({("gateio", "GRT"), ("kraken", "SAND")})
"""Where every network of an asset is closed."""
