"""Kraken's wire format."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypedDict

import msgspec
from typing_extensions import override

from shared.adapters.venues.columns import Rows
from shared.adapters.venues.venue import Ask, Venue, overlaid
from shared.domain.market import BookText, Currency, FeeAsset, Network

QUIET_MS = 30_000
"""In recorded books of ten markets, some of them very thin, the newest level was at most 5 s old."""

ANY_NETWORK = "*"
"""Stands for all of a currency's networks, where only the currency as a whole is said to be closed."""

_CLOSED = {
    "deposit_only": Network(withdraw=False),
    "withdrawal_only": Network(deposit=False),
    "funding_temporarily_disabled": Network(deposit=False, withdraw=False),
}

_ASSETS = "cachedCurrencies"
"""Where ccxt's fetch_markets looks for the currencies that were fetched before."""

_NETWORK_CODES = tuple(
    (re.compile(rf"\b({words})\b", re.IGNORECASE), code)
    for words, code in (
        ("TRC20|Tron", "TRC20"),
        ("BEP20|BNB Smart Chain|Binance Smart Chain", "BEP20"),
        ("Arbitrum( One)?", "ARBITRUM"),
        ("Optimism", "OP"),
        ("Polygon", "MATIC"),
        ("Avalanche", "AVAXC"),
        ("Base", "BASE"),
        ("Solana|SPL", "SOL"),
        ("Lightning", "BTCLIGHTNING"),
        ("Bitcoin Cash", "BCH"),
        ("Bitcoin", "BTC"),
        ("Ethereum Classic", "ETC"),
        ("ERC20|Ethereum|Ether", "ERC20"),
        ("Ripple|XRP", "XRP"),
        ("Litecoin", "LTC"),
        ("Dogecoin", "DOGE"),
        ("Cardano", "ADA"),
        ("Polkadot", "DOT"),
        ("Cosmos", "ATOM"),
        ("Stellar", "XLM"),
        ("Near", "NEAR"),
        ("Algorand", "ALGO"),
        ("Tezos", "XTZ"),
        ("Sui", "SUI"),
        ("Aptos", "APT"),
        ("Toncoin|TON", "TON"),
        ("Hedera", "HBAR"),
        ("Monero", "XMR"),
        ("Zcash", "ZEC"),
    )
)


def network_code(name: str) -> str:
    """The code that ccxt gives to a network which Kraken calls by a name, as "Tether USD (TRC20)"."""
    return next((code for pattern, code in _NETWORK_CODES if pattern.search(name)), name)


class _Ticker(msgspec.Struct, gc=False):
    """Price, whole lots and amount of bid and ask."""

    b: tuple[str, str, str]
    a: tuple[str, str, str]


class _Tickers(TypedDict):
    error: list[str]
    result: dict[str, _Ticker]


def _prices(rows: Sequence[_Ticker]) -> tuple[list[str], list[str]]:
    return [row.b[0] for row in rows], [row.a[0] for row in rows]


def _amounts(rows: Sequence[_Ticker]) -> tuple[list[str], list[str]]:
    return [row.b[2] for row in rows], [row.a[2] for row in rows]


class Kraken(Venue):
    """Takes its fee from the quote asset, and dates the levels of a book but not the book."""

    id = "kraken"
    ccxt_id = "kraken"
    fee_asset = FeeAsset.QUOTE
    most_levels = 500
    most_books = 5
    states_fees = True
    quotes_decoder = msgspec.json.Decoder(_Tickers)

    @override
    def ask_quotes(self, exchange: Any) -> Any:
        return exchange.publicGetTicker()

    @override
    def quotes(self, body: Any) -> Rows:
        rows = body["result"]
        return Rows(list(rows), list(rows.values()), _prices, _amounts)

    @override
    def ask_book(self, exchange: Any, instrument_id: str, levels: int) -> Any:
        return exchange.publicGetDepth({"pair": instrument_id, "count": levels})

    @override
    def book(self, body: Any, received_ms: int) -> BookText:
        """The depth, without a time unless every level is old.

        A level's time says when it last changed, not when the book was read: as the book's time it would call
        thin markets stale. Only where nothing changed for long is the book dated by its newest level.
        """
        (book,) = body["result"].values()
        bids, asks = book["bids"], book["asks"]
        newest_ms = max((int(level[2]) for level in (*bids, *asks)), default=0) * 1000
        return BookText(
            [level[:2] for level in bids],
            [level[:2] for level in asks],
            newest_ms if newest_ms < received_ms - QUIET_MS else None,
            received_ms,
        )

    @override
    async def ask_markets(self, exchange: Any) -> list[Any]:
        # ccxt learns from the assets that XXBT is BTC, and that an asset's precision limits its markets'
        assets = await exchange.fetch_currencies()
        if not assets:
            raise ValueError("no assets")
        exchange.options[_ASSETS] = assets
        return list(await exchange.fetch_markets())

    @override
    def is_plain(self, market: Any) -> bool:
        return super().is_plain(market) and not market["id"].endswith(".d") and ":" not in market["id"]

    @override
    def tradable(self, info: Mapping[str, Any]) -> bool | None:
        return info["status"] == "online" if "status" in info else None

    @override
    async def currencies(self, ask: Ask, exchange: Any) -> dict[str, Currency]:
        return {
            code: Currency(networks={ANY_NETWORK: _CLOSED[currency["info"]["status"]]})
            for code, currency in _assets(exchange).items()
            if currency["info"].get("status") in _CLOSED
        }

    @override
    async def key_currencies(
        self, ask: Ask, exchange: Any, known: Mapping[str, Currency], assets: Collection[str]
    ) -> dict[str, Currency]:
        rows = (await ask(lambda client: client.privatePostWithdrawMethods()))["result"]
        networks: dict[str, dict[str, Network]] = {}
        for row in rows:
            code = exchange.safe_currency_code(row["asset"])
            networks.setdefault(code, {})[network_code(row["network"])] = Network(withdraw=True)
        for code in assets:
            await self._add_deposits(ask, exchange, code, networks.setdefault(code, {}))
        told = {}
        for code, by_name in networks.items():
            if not by_name:
                continue
            closed = known[code].networks[ANY_NETWORK] if code in known else Network()
            told[code] = Currency(
                networks={
                    name: Network(
                        deposit=False if closed.deposit is False else network.deposit,
                        withdraw=False if closed.withdraw is False else network.withdraw,
                        withdraw_fee=network.withdraw_fee,
                    )
                    for name, network in by_name.items()
                }
            )
        return overlaid({code: known[code] for code in known.keys() - told.keys()}, told)

    async def _add_deposits(self, ask: Ask, exchange: Any, code: str, networks: dict[str, Network]) -> None:
        asset_id = _assets(exchange)[code]["id"]
        body = await ask(lambda client: client.privatePostDepositMethods({"asset": asset_id}))
        for row in body["result"]:
            name = network_code(row["method"])
            networks[name] = replace(networks.get(name, Network()), deposit=True)

    @override
    async def key_fees(self, ask: Ask, markets: list[Any]) -> dict[str, Decimal]:
        """The fees of the tier that the key's volume of 30 days has reached; each market lists its tiers."""
        body = await ask(lambda client: client.privatePostTradeVolume())
        volume = Decimal(body["result"]["volume"])
        return {market["symbol"]: _tier_bps(market["info"]["fees"], volume) for market in markets}


def _assets(exchange: Any) -> dict[str, Any]:
    assets: dict[str, Any] = exchange.options[_ASSETS]
    return assets


def _tier_bps(tiers: Iterable[tuple[float, float]], volume: Decimal) -> Decimal:
    percent = [rate for least, rate in tiers if volume >= Decimal(str(least))][-1]
    return Decimal(str(percent)) * 100
