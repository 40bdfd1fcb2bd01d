"""Binance's wire format."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from typing_extensions import override

from shared.adapters.venues.columns import Rows
from shared.adapters.venues.venue import Ask, Venue, basis_points, contract, overlaid
from shared.domain.market import BookText, Currency, Network


class _Ticker(msgspec.Struct, rename="camel", gc=False):
    symbol: str
    bid_price: str
    bid_qty: str
    ask_price: str
    ask_qty: str


def _prices(rows: Sequence[_Ticker]) -> tuple[list[str], list[str]]:
    return [row.bid_price for row in rows], [row.ask_price for row in rows]


def _amounts(rows: Sequence[_Ticker]) -> tuple[list[str], list[str]]:
    return [row.bid_qty for row in rows], [row.ask_qty for row in rows]


class Binance(Venue):
    """Gives no time with a book, and tells only a key which currencies move."""

    id = "binance"
    ccxt_id = "binance"
    most_levels = 5000
    quotes_decoder = msgspec.json.Decoder(list[_Ticker])

    @override
    def ask_quotes(self, exchange: Any) -> Any:
        return exchange.publicGetTickerBookTicker()

    @override
    def quotes(self, body: Any) -> Rows:
        return Rows([row.symbol for row in body], body, _prices, _amounts)

    @override
    def ask_book(self, exchange: Any, instrument_id: str, levels: int) -> Any:
        return exchange.publicGetDepth({"symbol": instrument_id, "limit": levels})

    @override
    def book(self, body: Any, received_ms: int) -> BookText:
        return BookText(body["bids"], body["asks"], None, received_ms, body["lastUpdateId"])

    @override
    async def ask_markets(self, exchange: Any) -> list[Any]:
        return list(await exchange.fetch_markets({"showPermissionSets": "false"}))

    @override
    def tradable(self, info: Mapping[str, Any]) -> bool | None:
        return info["status"] == "TRADING" and info["isSpotTradingAllowed"] is True

    @override
    def is_leveraged(self, market: Any) -> bool:
        return "LEVERAGED" in market["info"].get("permissions", ()) or super().is_leveraged(market)

    @override
    async def key_currencies(
        self, ask: Ask, exchange: Any, known: Mapping[str, Currency], assets: Collection[str]
    ) -> dict[str, Currency]:
        told = {}
        for row in await ask(lambda client: client.sapiGetCapitalConfigGetall()):
            code = exchange.safe_currency_code(row["coin"])
            told[code] = Currency(
                networks={
                    exchange.network_id_to_code(chain["network"], code): Network(
                        deposit=chain["depositEnable"] is True,
                        withdraw=chain["withdrawEnable"] is True,
                        withdraw_fee=Decimal(chain["withdrawFee"]),
                        contract=contract(chain.get("contractAddress")),
                    )
                    for chain in row["networkList"]
                }
            )
        return overlaid(known, told)

    @override
    async def key_fees(self, ask: Ask, markets: list[Any]) -> dict[str, Decimal]:
        symbols = {market["id"]: market["symbol"] for market in markets}
        rows = await ask(lambda client: client.sapiGetAssetTradeFee())
        return {
            symbols[row["symbol"]]: basis_points(row["takerCommission"])
            for row in rows
            if row["symbol"] in symbols
        }
