"""Which venue lists which instrument, with its steps, minimums and fee: constant, whatever the seed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import floor, log10

from simulator.assets import BINANCE_DELISTED, GATEIO_ONLY, Tier, all_assets

VENUES = ("binance", "bybit", "gateio", "kraken")
_LETTERS = dict(zip("bygk", VENUES, strict=True))

TAKER_BPS = {"binance": Decimal(10), "bybit": Decimal(10), "gateio": Decimal(10), "kraken": Decimal(40)}
"""Taker fees of the base tier, in basis points."""
KRAKEN_CASH_TAKER_BPS = Decimal(20)
"""Kraken's own, lower schedule for stablecoin and currency pairs."""
FEE_IN_QUOTE = frozenset({"kraken"})
"""Venues that take the fee from the quote asset; the others take it from what is received."""


class Status(StrEnum):
    """What a venue does with an instrument."""

    TRADING = "trading"
    HALTED = "halted"
    """No orders are taken; the last book is still served."""
    NOT_SPOT = "not_spot"
    """Listed as trading, yet spot orders are refused (Binance's isSpotTradingAllowed)."""
    DELISTED = "delisted"
    """Rows remain, filled with zeros."""
    NO_ASKS = "no_asks"
    NO_BIDS = "no_bids"


@dataclass(frozen=True, slots=True)
class Quirk:
    """How one listing departs from an honest one. Distances are basis points of the fair price."""

    status: Status = Status.TRADING
    asset: str | None = None
    """Identity of the base asset, where it is not the ticker's usual one."""
    bias_bps: float = 0.0
    thin_side: str | None = None
    thin_bps: float = 0.0
    freezes: bool = False


_HONEST = Quirk()
_DELISTED = Quirk(status=Status.DELISTED)


@dataclass(frozen=True, slots=True)
class Instrument:
    """A spot instrument of one venue. Prices and amounts are whole ticks and steps of 10^-decimals."""

    index: int
    venue: str
    symbol: str
    base: str
    quote: str
    wire_id: str
    asset: str
    tier: Tier
    price_decimals: int
    amount_decimals: int
    min_amount: Decimal
    min_notional: Decimal
    taker_bps: Decimal
    interval_ms: int
    half_spread_bps: float
    noise_bps: float
    depth_usd: float
    quirk: Quirk

    @property
    def key(self) -> tuple[str, str]:
        """Venue and symbol."""
        return self.venue, self.symbol


CASH_PAIRS = {
    "USDC/USDT": "bygk", "USDT/USD": "k", "USDC/USD": "k", "EUR/USD": "k", "EUR/USDT": "bk", "EUR/USDC": "bk",
    "USDT/EUR": "yk", "USDC/EUR": "yk", "FDUSD/USDT": "bg", "FDUSD/USDC": "b",
}  # fmt: skip

QUOTED = {
    ("USDT", "k"): """
        BTC ETH SOL XRP ADA DOGE LTC LINK DOT AVAX BCH ATOM ALGO XTZ ETC FIL AAVE MANA SHIB""",
    ("USDC", "b"): """
        BTC ETH SOL XRP ADA DOGE LTC LINK DOT AVAX BCH ATOM UNI NEAR TRX XLM ETC FIL AAVE INJ SUI
        APT ARB OP HBAR TON BNB SHIB PEPE WIF BONK FLOKI SEI TIA JUP PYTH RENDER FET LDO CRV ENS
        DYDX PENDLE ENA ONDO STX GALA WLD EIGEN ETHFI STRK ZRO NEO ARKM POL EGLD THETA RUNE KAIA
        BOME NOT""",
    ("USDC", "y"): """
        BTC ETH SOL XRP ADA DOGE LTC LINK DOT AVAX BCH ATOM UNI NEAR TRX XLM ETC FIL AAVE INJ SUI
        APT ARB OP HBAR TON SHIB PEPE WIF BONK FLOKI SEI TIA JUP PYTH RENDER FET LDO CRV ENS DYDX
        PENDLE ENA ONDO STX GALA WLD EIGEN ETHFI STRK ZRO POL KAIA BOME NOT""",
    ("USDC", "g"): "BTC ETH SOL XRP DOGE",
    ("USDC", "k"): "BTC ETH SOL XRP ADA DOGE LTC",
    ("EUR", "b"): """
        BTC ETH SOL XRP ADA DOGE LTC LINK DOT AVAX BCH ATOM UNI NEAR TRX XLM ETC FIL AAVE SUI APT
        ARB OP GRT SAND SHIB PEPE WIF BONK SEI TIA JUP RENDER FET ENA GALA WLD POL CHZ OXT EGLD MANA""",
    ("EUR", "y"): "BTC ETH SOL XRP ADA DOGE LTC LINK DOT AVAX TRX XLM SUI TON SHIB PEPE",
    ("BTC", "b"): """
        ETH SOL XRP ADA DOGE LTC BCH DOT ATOM UNI NEAR ETC FIL AAVE ICP TON XTZ LINK INJ BNB ENS
        COMP YFI EGLD DASH ZEC QTUM RUNE NEO TRB AXS LPT RENDER TIA GMX PENDLE SSV ZEN RPL AR""",
    ("BTC", "y"): "ETH SOL XRP LTC ADA",
    ("BTC", "g"): "ETH SOL XRP DOGE LTC BCH ETC AVAX ZEC DASH QTUM NEO COMP YFI BNB AR RUNE ENS",
    ("BTC", "k"): """
        ETH SOL XRP ADA DOGE LTC BCH DOT ATOM UNI NEAR ETC FIL AAVE ICP XTZ ENS COMP YFI EGLD DASH
        ZEC QTUM RUNE TRB AXS LPT RENDER TIA GMX PENDLE KSM""",
    ("ETH", "b"): "SOL XRP LTC AAVE ATOM NEAR BNB ETC LDO PENDLE SSV RPL",
    ("ETH", "g"): "SOL LTC UNI DOT ETC LDO",
    ("ETH", "k"): "SOL XRP LTC AAVE ETC LDO",
    ("FDUSD", "b"): "BTC ETH SOL XRP DOGE",
    ("FDUSD", "g"): "BTC ETH",
}  # fmt: skip

_SPECIAL = (
    ("gateio", "MDT", "MDT (Mideast)"), ("bybit", "TAI", "TAI (Tars)"), ("gateio", "TAI", "TAI (TaiShang)"),
    ("binance", "GTC", "GTC"), ("bybit", "GTC", "GTC"), ("gateio", "GAMECOM", "GAMECOM"),
    ("gateio", "BTC3L", "BTC3L"), ("gateio", "BTC3S", "BTC3S"), ("gateio", "ETH3L", "ETH3L"),
    ("gateio", "ETH3S", "ETH3S"), ("bybit", "BTC3L", "BTC3L"), ("bybit", "BTC3S", "BTC3S"),
    ("binance", "1000SATS", "1000SATS"), ("bybit", "SATS", "SATS"), ("gateio", "SATS", "SATS"),
)  # fmt: skip

_HALF_SPREAD_BPS = {Tier.CASH: 0.2, Tier.HUB: 0.1, Tier.WATCHED: 0.7, Tier.MIDDLE: 2.0, Tier.TAIL: 6.0}
_NOISE_BPS = {Tier.CASH: 0.5, Tier.HUB: 0.8, Tier.WATCHED: 2.6, Tier.MIDDLE: 3.4, Tier.TAIL: 4.5}
_DEPTH_USD = {Tier.CASH: 30_000, Tier.HUB: 15_000, Tier.WATCHED: 4_000, Tier.MIDDLE: 1_200, Tier.TAIL: 250}
_INTERVAL_MS = {Tier.CASH: 200, Tier.HUB: 200, Tier.WATCHED: 200, Tier.MIDDLE: 1_000, Tier.TAIL: 5_000}
_HALTED_INTERVAL_MS = 600_000
"""A halted book changes when someone cancels, not when the market moves."""
_SIGNIFICANT = {Tier.CASH: 5, Tier.HUB: 8, Tier.WATCHED: 6, Tier.MIDDLE: 5, Tier.TAIL: 5}
_QUOTE_SPREAD = {"USDT": 1.0, "USD": 1.0, "USDC": 1.4, "EUR": 1.8, "BTC": 2.2, "ETH": 2.2, "FDUSD": 1.2}
_VENUE_DEPTH = {"binance": 1.5, "bybit": 1.0, "gateio": 0.7, "kraken": 0.6}
_MIN_NOTIONAL = {
    "binance": {"BTC": "0.0001", "ETH": "0.001", None: "5"},
    "bybit": {"BTC": "0.00005", "ETH": "0.001", None: "5"},
    "gateio": {"BTC": "0.0001", "ETH": "0.001", None: "3"},
    "kraken": {"BTC": "0.00002", "ETH": "0.0002", None: "0.5"},
}
_STEP_USD = {"binance": 0.5, "bybit": 0.1, "gateio": 0.1, "kraken": 0.02}
_KRAKEN_LEGACY = {"BTC": "XXBT", "ETH": "XETH", "XRP": "XXRP", "LTC": "XLTC", "ETC": "XETC", "XLM": "XXLM",
                  "ZEC": "XZEC", "DOGE": "XXDG", "USD": "ZUSD", "EUR": "ZEUR"}  # fmt: skip
_KRAKEN_LATER_PAIRS = frozenset({("DOGE", "USD"), ("DOGE", "EUR"), ("XRP", "ETH"), ("LTC", "ETH")})
"""Pairs of old assets that were listed after Kraken gave up the X and Z in pair names."""
_KRAKEN_ALTNAMES = {"BTC": "XBT", "DOGE": "XDG", "LUNC": "LUNA", "LUNA": "LUNA2"}


GATEIO_TICKERS = {"GAMECOM": "GTC"}
"""Gate.io's own tickers where they mean another asset elsewhere."""


def kraken_asset_id(ticker: str) -> str:
    """Kraken's asset id: XXBT for BTC, ZUSD for USD, LUNA for what others call LUNC."""
    return _KRAKEN_LEGACY.get(ticker) or _KRAKEN_ALTNAMES.get(ticker, ticker)


def kraken_altname(ticker: str) -> str:
    """Kraken's short name: XBT for BTC, XDG for DOGE."""
    return _KRAKEN_ALTNAMES.get(ticker, ticker)


def _wire_id(venue: str, base: str, quote: str) -> str:
    if venue == "gateio":
        return f"{GATEIO_TICKERS.get(base, base)}_{quote}"
    if venue != "kraken":
        return base + quote
    both_legacy = base in _KRAKEN_LEGACY and quote in _KRAKEN_LEGACY
    early = both_legacy and (base, quote) not in _KRAKEN_LATER_PAIRS
    if early or (base, quote) == ("USDT", "USD"):
        return kraken_asset_id(base) + kraken_asset_id(quote)
    return kraken_altname(base) + kraken_altname(quote)


def _round_up_amount(usd: float, price_usd: float, decimals: int) -> Decimal:
    """The smallest amount of one significant digit that is worth at least so much, on the step grid."""
    digits = min(decimals, -floor(log10(usd / price_usd)))
    return Decimal(floor(usd / price_usd * 10**digits) + 1).scaleb(-digits)


def _interval_ms(tier: Tier, quirk: Quirk, *, fast: bool) -> int:
    if quirk.status is Status.HALTED:
        return _HALTED_INTERVAL_MS
    return 200 if fast or quirk is not _HONEST else _INTERVAL_MS[tier]


class _Builder:
    def __init__(self, quirks: Mapping[tuple[str, str], Quirk]) -> None:
        self.assets = {asset.name: asset for asset in all_assets()}
        self.quirks = quirks
        self.listed: dict[tuple[str, str], Instrument] = {}

    def add(
        self,
        venue: str,
        base: str,
        quote: str,
        *,
        asset: str | None = None,
        fast: bool = False,
        quirk: Quirk = _HONEST,
    ) -> None:
        symbol = f"{base}/{quote}"
        quirk = self.quirks.get((venue, symbol), quirk)
        name = quirk.asset or asset or base
        of, against = self.assets[name], self.assets[quote]
        price = of.usd / against.usd
        cash_pair = of.tier is Tier.CASH
        hub_pair = of.tier is Tier.HUB and quote == "USDT"
        tier = Tier.WATCHED if of.tier is Tier.HUB and not hub_pair else of.tier
        digits = _SIGNIFICANT[of.tier] if quote not in {"BTC", "ETH"} else 8
        most_decimals = 8 if venue == "binance" or quote in {"BTC", "ETH"} else 12
        price_decimals = max(0, min(most_decimals, digits - 1 - floor(log10(price))))
        amount_decimals = max(0, min(8, -round(log10(_STEP_USD[venue] / of.usd))))
        step = Decimal(1).scaleb(-amount_decimals)
        minimums = _MIN_NOTIONAL[venue]
        fee = KRAKEN_CASH_TAKER_BPS if venue == "kraken" and cash_pair else TAKER_BPS[venue]
        self.listed[venue, symbol] = Instrument(
            index=len(self.listed),
            venue=venue,
            symbol=symbol,
            base=base,
            quote=quote,
            wire_id=_wire_id(venue, base, quote),
            asset=name,
            tier=tier,
            price_decimals=price_decimals,
            amount_decimals=amount_decimals,
            min_amount=_round_up_amount(5, of.usd, amount_decimals) if venue == "kraken" else step,
            min_notional=Decimal(minimums.get(quote, minimums[None])),
            taker_bps=fee,
            interval_ms=_interval_ms(of.tier, quirk, fast=fast),
            half_spread_bps=_HALF_SPREAD_BPS[tier] * _QUOTE_SPREAD[quote],
            noise_bps=_NOISE_BPS[tier],
            depth_usd=_DEPTH_USD[tier] * _VENUE_DEPTH[venue],
            quirk=quirk,
        )


def _ordinary_pairs() -> Iterator[tuple[str, str, str]]:
    """Venue, base and quote of the listings that need no further word."""
    for symbol, letters in CASH_PAIRS.items():
        base, quote = symbol.split("/")
        yield from ((_LETTERS[letter], base, quote) for letter in letters)
    for asset in all_assets():
        for letter in asset.venues:
            quotes = ("USD", "EUR") if letter == "k" else ("USDT",)
            yield from ((_LETTERS[letter], asset.ticker, quote) for quote in quotes)
    for (quote, letter), tickers in QUOTED.items():
        yield from ((_LETTERS[letter], ticker, quote) for ticker in tickers.split())


def build_listings(quirks: Mapping[tuple[str, str], Quirk], fast: frozenset[str]) -> tuple[Instrument, ...]:
    """All instruments of the four venues, in an order that never changes.

    Args:
        quirks: how single listings depart from honest ones, by venue and symbol.
        fast: tickers whose books change five times a second even if they are not well known.
    """
    builder = _Builder(quirks)
    for venue, base, quote in _ordinary_pairs():
        builder.add(venue, base, quote, fast=base in fast)
    for venue, ticker, name in _SPECIAL:
        builder.add(venue, ticker, "USDT", asset=name)
    for ticker in GATEIO_ONLY:
        builder.add("gateio", ticker, "USDT")
    for ticker in BINANCE_DELISTED:
        for quote in ("USDT", "BTC"):
            builder.add("binance", ticker, quote, quirk=_DELISTED)
    return tuple(builder.listed.values())
