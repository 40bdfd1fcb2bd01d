"""Bybit's wire format (API version 5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypedDict

import msgspec
from typing_extensions import override

from shared.adapters.venues.columns import Rows
from shared.adapters.venues.venue import Ask, Venue, basis_points, contract, overlaid, positive
from shared.domain.market import BookText, Currency, Network


class _Ticker(msgspec.Struct, rename="camel", gc=False):
    symbol: str
    bid1_price: str = ""
    bid1_size: str = ""
    ask1_price: str = ""
    ask1_size: str = ""


class _Result(TypedDict):
    list: list[_Ticker]


class _Tickers(TypedDict):
    retCode: int
    result: _Result
    time: int


def _prices(rows: Sequence[_Ticker]) -> tuple[list[str], list[str]]:
    return [row.bid1_price for row in rows], [row.ask1_price for row in rows]


def _amounts(rows: Sequence[_Ticker]) -> tuple[list[str], list[str]]:
    return [row.bid1_size for row in rows], [row.ask1_size for row in rows]


class Bybit(Venue):
    """Stamps each answer with its own time in milliseconds; tells only a key which currencies move."""

    id = "bybit"
    ccxt_id = "bybit"
    most_levels = 200
    quotes_decoder = msgspec.json.Decoder(_Tickers)

    @override
    def ask_quotes(self, exchange: Any) -> Any:
        return exchange.publicGetV5MarketTickers({"category": "spot"})

    @override
    def quotes(self, body: Any) -> Rows:
        rows = body["result"]["list"]
        return Rows([row.symbol for row in rows], rows, _prices, _amounts, body["time"])

    @override
    def server_time_ms(self, body: Any) -> int | None:
        time_ms: int = body["time"]
        return time_ms

    @override
    def ask_book(self, exchange: Any, instrument_id: str, levels: int) -> Any:
        return exchange.publicGetV5MarketOrderbook(
            {"category": "spot", "symbol": instrument_id, "limit": levels}
        )

    @override
    def book(self, body: Any, received_ms: int) -> BookText:
        result = body["result"]
        return BookText(result["b"], result["a"], result["ts"], received_ms, result["u"])

    @override
    async def ask_markets(self, exchange: Any) -> list[Any]:
        return list(await exchange.fetch_markets())

    @override
    def tradable(self, info: Mapping[str, Any]) -> bool | None:
        return bool(info["status"] == "Trading")

    @override
    async def key_currencies(
        self, ask: Ask, exchange: Any, known: Mapping[str, Currency], assets: Collection[str]
    ) -> dict[str, Currency]:
        body = await ask(lambda client: client.privateGetV5AssetCoinQueryInfo())
        told = {}
        for row in body["result"]["rows"]:
            code = exchange.safe_currency_code(row["coin"])
            told[code] = Currency(
                networks={
                    exchange.network_id_to_code(chain["chain"], code): Network(
                        deposit=chain["chainDeposit"] == "1",
                        withdraw=chain["chainWithdraw"] == "1",
                        # an empty fee means that the chain takes no withdrawals
                        withdraw_fee=Decimal(chain["withdrawFee"]) if chain["withdrawFee"] else None,
                        contract=contract(chain.get("contractAddress")),
                    )
                    for chain in row["chains"]
                }
            )
        return overlaid(known, told)

    @override
    async def key_fees(self, ask: Ask, markets: list[Any]) -> dict[str, Decimal]:
        symbols = {market["id"]: market["symbol"] for market in markets}
        body = await ask(lambda client: client.privateGetV5AccountFeeRate({"category": "spot"}))
        return {
            symbols[row["symbol"]]: basis_points(row["takerFeeRate"])
            for row in body["result"]["list"]
            if row["symbol"] in symbols and positive(row["takerFeeRate"])
        }
