"""What the venues have in common: how they are asked, and how answers become the product's words."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from shared.adapters.venues.columns import Rows
from shared.domain.market import BookText, Currency, FeeAsset, Instrument, Network

Ask = Callable[[Callable[[Any], Awaitable[Any]]], Awaitable[Any]]
"""Sends a request with a ccxt client and returns the decoded body."""

_LEVERAGED = re.compile(r"\d[LS]$")


class Venue(ABC):
    """One venue's wire format. Mappers trust the shape of a body: a wrong one raises Python's own errors.

    ccxt clients, their awaitables, raw bodies and ccxt's market structures are `Any`.
    """

    id: ClassVar[str]
    ccxt_id: ClassVar[str]
    fee_asset: ClassVar[FeeAsset] = FeeAsset.RECEIVED
    most_levels: ClassVar[int]
    """Levels of depth that may be asked for."""
    most_books: ClassVar[int] = 40
    """Books in depth asked for at once: more would leave the rate limit no room for the next tops of book."""
    states_fees: ClassVar[bool] = False
    """Whether the public instruments carry the taker fee; elsewhere ccxt has a constant, which is no fact."""

    @abstractmethod
    def ask_quotes(self, exchange: Any) -> Any:
        """All tops of book in one request."""

    quotes_decoder: ClassVar[msgspec.json.Decoder[Any]]
    """Decodes that answer in a fraction of the time, by leaving out what no quote needs."""

    @abstractmethod
    def quotes(self, body: Any) -> Rows:
        """The rows of the tops of book as they came."""

    def server_time_ms(self, body: Any) -> int | None:
        """The venue's clock in milliseconds, where the answer to `ask_quotes` carries it."""
        del body
        return None

    @abstractmethod
    def ask_book(self, exchange: Any, instrument_id: str, levels: int) -> Any:
        """One instrument's depth."""

    @abstractmethod
    def book(self, body: Any, received_ms: int) -> BookText:
        """The depth, with the time of the venue's snapshot where it gives one."""

    @abstractmethod
    async def ask_markets(self, exchange: Any) -> list[Any]:
        """All spot markets in ccxt's structure, numbers as text."""

    @abstractmethod
    def tradable(self, info: Mapping[str, Any]) -> bool | None:
        """Whether the venue takes orders for the market that it describes so."""

    async def currencies(self, ask: Ask, exchange: Any) -> dict[str, Currency]:
        """What the venue tells everybody about its currencies."""
        del ask, exchange
        return {}

    @abstractmethod
    async def key_currencies(
        self, ask: Ask, exchange: Any, known: Mapping[str, Currency], assets: Collection[str]
    ) -> dict[str, Currency]:
        """What it tells a read-only key, laid over what is known; `assets` if it tells them one by one."""

    @abstractmethod
    async def key_fees(self, ask: Ask, markets: list[Any]) -> dict[str, Decimal]:
        """The key's own taker fees in basis points, by symbol."""

    def is_plain(self, market: Any) -> bool:
        """Whether the market is an order book of its own, of two ordinary assets."""
        return "." not in market["base"] and "." not in market["quote"]

    def is_leveraged(self, market: Any) -> bool:
        """Whether the base asset is a leveraged fund."""
        return bool(_LEVERAGED.search(market["base"]))

    def instruments(self, markets: list[Any]) -> tuple[dict[str, Instrument], dict[str, str]]:
        """The instruments by symbol, and the symbols by the venue's ids.

        Of two markets under one symbol the tradable one counts, else the first.
        """
        instruments: dict[str, Instrument] = {}
        ids: dict[str, str] = {}
        for market in filter(self.is_plain, markets):
            instrument = self._instrument(market)
            twin = instruments.get(instrument.symbol)
            if twin is None or (instrument.tradable and not twin.tradable):
                instruments[instrument.symbol] = instrument
                ids[instrument.symbol] = market["id"]
        return instruments, {instrument_id: symbol for symbol, instrument_id in ids.items()}

    def _instrument(self, market: Any) -> Instrument:
        limits, precision, taker = market["limits"], market["precision"], market["taker"]
        return Instrument(
            venue=self.id,
            symbol=market["symbol"],
            base=market["base"],
            quote=market["quote"],
            tradable=self.tradable(market["info"]),
            leveraged=self.is_leveraged(market),
            amount_step=positive(precision["amount"]),
            price_step=positive(precision["price"]),
            min_amount=positive(limits["amount"]["min"]),
            max_amount=positive(limits["amount"]["max"]),
            min_notional=positive(limits["cost"]["min"]),
            taker_bps=basis_points(taker) if self.states_fees and taker else None,
            fee_asset=self.fee_asset,
        )


def positive(text: str | None) -> Decimal | None:
    """A number above zero, else None."""
    number = Decimal(text) if text else Decimal(0)
    return number if number > 0 else None


def basis_points(rate: str) -> Decimal:
    """A fraction of one in basis points, without needless zeros: 0.0010 is 10."""
    number = Decimal(rate) * 10_000
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()


def contract(address: str | None) -> str | None:
    """A contract's address, comparable between venues: hexadecimal ones differ in case only for show."""
    if not address:
        return None
    return address.lower() if address[:2] in {"0x", "0X"} else address


def overlaid(known: Mapping[str, Currency], told: Mapping[str, Currency]) -> dict[str, Currency]:
    """Currencies of two sources, network by network; where both tell a fact, `told` counts."""
    currencies = dict(known)
    for code, currency in told.items():
        networks = dict(known[code].networks) if code in known else {}
        for name, network in currency.networks.items():
            networks[name] = _overlaid(networks.get(name, Network()), network)
        currencies[code] = Currency(currency.asset_id, networks)
    return currencies


def _overlaid(known: Network, told: Network) -> Network:
    return Network(
        deposit=known.deposit if told.deposit is None else told.deposit,
        withdraw=known.withdraw if told.withdraw is None else told.withdraw,
        withdraw_fee=known.withdraw_fee if told.withdraw_fee is None else told.withdraw_fee,
        contract=told.contract or known.contract,
    )
