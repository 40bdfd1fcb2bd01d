"""Gate.io's wire format (API version 4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from typing_extensions import override

from shared.adapters.venues.columns import Rows
from shared.adapters.venues.venue import Ask, Venue, basis_points, contract, overlaid
from shared.domain.market import BookText, Currency, Network


class _Ticker(msgspec.Struct, gc=False):
    currency_pair: str
    highest_bid: str = ""
    lowest_ask: str = ""


def _prices(rows: Sequence[_Ticker]) -> tuple[list[str], list[str]]:
    return [row.highest_bid for row in rows], [row.lowest_ask for row in rows]


class Gateio(Venue):
    """Tells everybody its fees and which chains are closed; its tickers carry no sizes."""

    id = "gateio"
    ccxt_id = "gate"
    most_levels = 1000
    states_fees = True
    quotes_decoder = msgspec.json.Decoder(list[_Ticker])

    @override
    def ask_quotes(self, exchange: Any) -> Any:
        return exchange.publicSpotGetTickers()

    @override
    def quotes(self, body: Any) -> Rows:
        return Rows([row.currency_pair for row in body], body, _prices)

    @override
    def ask_book(self, exchange: Any, instrument_id: str, levels: int) -> Any:
        return exchange.publicSpotGetOrderBook(
            {"currency_pair": instrument_id, "limit": levels, "with_id": "true"}
        )

    @override
    def book(self, body: Any, received_ms: int) -> BookText:
        # `current` is when the book was read; `update`, when it last changed, would call a quiet market stale
        return BookText(body["bids"], body["asks"], body.get("current"), received_ms, body["id"])

    @override
    async def ask_markets(self, exchange: Any) -> list[Any]:
        # fetch_markets would ask for the account's margin mode first where a key is set
        return list(await exchange.fetch_spot_markets())

    @override
    def tradable(self, info: Mapping[str, Any]) -> bool | None:
        return bool(info["trade_status"] == "tradable")

    @override
    async def currencies(self, ask: Ask, exchange: Any) -> dict[str, Currency]:
        rows = await ask(lambda client: client.publicSpotGetCurrencies())
        if not isinstance(rows, list):
            raise TypeError("currencies come as a list")
        told = {}
        for row in rows:
            code = exchange.safe_currency_code(row["currency"])
            chains = row["chains"] if "chains" in row else [{**row, "name": row["chain"]}]
            told[code] = Currency(
                networks={
                    exchange.network_id_to_code(chain["name"], code): Network(
                        deposit=not (chain["deposit_disabled"] or row["deposit_disabled"]),
                        withdraw=not (chain["withdraw_disabled"] or row["withdraw_disabled"]),
                        contract=contract(chain.get("addr")),
                    )
                    for chain in chains
                }
            )
        return told

    @override
    async def key_currencies(
        self, ask: Ask, exchange: Any, known: Mapping[str, Currency], assets: Collection[str]
    ) -> dict[str, Currency]:
        told = {}
        for row in await ask(lambda client: client.privateWalletGetWithdrawStatus()):
            code = exchange.safe_currency_code(row["currency"])
            told[code] = Currency(
                networks={
                    exchange.network_id_to_code(chain, code): Network(withdraw_fee=Decimal(fee))
                    for chain, fee in row.get("withdraw_fix_on_chains", {}).items()
                }
            )
        return overlaid(known, told)

    @override
    async def key_fees(self, ask: Ask, markets: list[Any]) -> dict[str, Decimal]:
        body = await ask(lambda client: client.privateWalletGetFee())
        taker_bps = basis_points(body["taker_fee"])
        return {market["symbol"]: taker_bps for market in markets}
