"""The four venues' answers at production size: rows, fields and prices made from one seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

LIVE_BINANCE, ROWS_BINANCE, ROWS_BYBIT, ROWS_GATEIO, ROWS_KRAKEN = 1456, 3300, 600, 2503, 1100

TIME_MS = 1_764_000_000_000
"""The time in the answers that carry one."""

SHARE_OF_EDGES = 0.001
"""How many rows are dear enough for a loop to earn something."""

_USD = {
    "USDT": 1.0,
    "USDC": 1.0001,
    "USD": 1.0002,
    "EUR": 1.08,
    "BTC": 60_000.0,
    "ETH": 3_000.0,
    "FDUSD": 0.999,
}


_HUBS = {
    "USDT": ("BTC", "ETH", "USDC", "EUR", "FDUSD"),
    "USDC": ("BTC", "ETH", "EUR"),
    "FDUSD": ("BTC", "ETH"),
    "USD": ("BTC", "ETH", "USDT", "USDC", "EUR"),
    "EUR": ("BTC", "ETH"),
    "BTC": ("ETH",),
}
"""Quote assets against each other, as every venue lists them."""


class Market:
    """Fair prices, and each venue's rows a few basis points around them."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        names: dict[str, None] = {}
        while len(names) < ROWS_GATEIO:
            length = self._random.choice((3, 3, 4, 4, 5))
            names["".join(self._random.choices(letters, k=length))] = None
        self.bases = [name for name in names if name not in _USD]
        self.usd = {base: 10 ** self._random.uniform(1, 4) for base in self.bases} | _USD

    def pairs(self, *counts: tuple[str, int]) -> Iterator[tuple[str, str]]:
        """So many assets against each quote asset, other quote assets first."""
        for quote, count in counts:
            for base in [*_HUBS.get(quote, ()), *self.bases][:count]:
                yield base, quote

    def top(self, base: str, quote: str) -> tuple[float, float, float, float]:
        """Bid, its amount, ask, its amount; quote assets against each other trade tightly, without edges."""
        draw = self._random
        hub = base in _USD
        fair = self.usd[base] / self.usd[quote] * (1 + draw.gauss(0, 2e-5 if hub else 2e-4))
        if not hub and draw.random() < SHARE_OF_EDGES:
            fair *= 1.006
        half = 2e-5 if hub else draw.uniform(1e-4, 1e-3)
        amounts = (draw.uniform(20, 5000) / self.usd[base] for _ in range(2))
        return fair * (1 - half), next(amounts), fair * (1 + half), next(amounts)


def payloads(seed: int) -> dict[str, bytes]:
    """Bodies by path: instruments, and the one request for all tops of book, of every venue."""
    market = Market(seed)
    bodies: dict[str, Any] = {}
    for venue in (_binance, _bybit, _gateio, _kraken):
        bodies |= venue(market)
    return {path: json.dumps(body, separators=(",", ":")).encode() for path, body in bodies.items()}


def _text(number: float, decimals: int = 8) -> str:
    return f"{number:.{decimals}f}"


def _binance(market: Market) -> dict[str, Any]:
    live = list(market.pairs(("USDT", 420), ("USDC", 300), ("BTC", 336), ("FDUSD", 200), ("ETH", 200)))
    gone = list(market.pairs(("USDT", 1600)))[420:] + list(market.pairs(("BTC", 1000)))[336:]
    symbols, rows = [], []
    for base, quote in live[:LIVE_BINANCE] + gone[: ROWS_BINANCE - LIVE_BINANCE]:
        trading = len(rows) < LIVE_BINANCE
        top = market.top(base, quote) if trading else (0.0,) * 4
        fields = ("bidPrice", "bidQty", "askPrice", "askQty")
        rows.append({"symbol": base + quote, **dict(zip(fields, map(_text, top), strict=True))})
        symbols.append(
            {
                "symbol": base + quote,
                "status": "TRADING" if trading else "BREAK",
                "baseAsset": base,
                "quoteAsset": quote,
                "isSpotTradingAllowed": trading,
                "permissions": [],
                "filters": [
                    {
                        "filterType": "PRICE_FILTER",
                        "minPrice": "0",
                        "maxPrice": "0",
                        "tickSize": "0.00000001",
                    },
                    {
                        "filterType": "LOT_SIZE",
                        "minQty": "0.001",
                        "maxQty": "9000000",
                        "stepSize": "0.00100000",
                    },
                    {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
                ],
            }
        )
    return {"/api/v3/exchangeInfo": {"symbols": symbols}, "/api/v3/ticker/bookTicker": rows}


def _bybit(market: Market) -> dict[str, Any]:
    instruments, rows = [], []
    for base, quote in list(market.pairs(("USDT", 450), ("USDC", 150)))[:ROWS_BYBIT]:
        bid, bid_amount, ask, ask_amount = market.top(base, quote)
        last = _text(bid, 6)
        rows.append(
            {
                "symbol": base + quote,
                "bid1Price": last,
                "bid1Size": _text(bid_amount, 3),
                "ask1Price": _text(ask, 6),
                "ask1Size": _text(ask_amount, 3),
                "lastPrice": last,
                "prevPrice24h": last,
                "price24hPcnt": "0.0068",
                "highPrice24h": last,
                "lowPrice24h": last,
                "turnover24h": "243765620.65899866",
                "volume24h": "11801.27771",
                "usdIndexPrice": last,
            }
        )
        lots = {
            "basePrecision": "0.001",
            "minOrderQty": "0.001",
            "maxOrderQty": "9000000",
            "minOrderAmt": "5",
        }
        instruments.append(
            {
                "symbol": base + quote,
                "baseCoin": base,
                "quoteCoin": quote,
                "status": "Trading",
                "lotSizeFilter": lots,
                "priceFilter": {"tickSize": "0.000001"},
            }
        )
    told = {"retCode": 0, "retMsg": "OK", "time": TIME_MS}
    return {
        "/v5/market/instruments-info": {**told, "result": {"category": "spot", "list": instruments}},
        "/v5/market/tickers": {**told, "result": {"category": "spot", "list": rows}},
    }


def _gateio(market: Market) -> dict[str, Any]:
    pairs, rows = [], []
    for base, quote in list(market.pairs(("USDT", 2303), ("BTC", 100), ("ETH", 100)))[:ROWS_GATEIO]:
        bid, _, ask, _ = market.top(base, quote)
        rows.append(
            {
                "currency_pair": f"{base}_{quote}",
                "last": _text(bid),
                "lowest_ask": _text(ask),
                "highest_bid": _text(bid),
                "change_percentage": "1.09",
                "change_utc0": "0.36",
                "change_utc8": "1.04",
                "base_volume": "4722.912133756",
                "quote_volume": "122324034.68892",
                "high_24h": _text(ask),
                "low_24h": _text(bid),
            }
        )
        pairs.append(
            {
                "id": f"{base}_{quote}",
                "base": base,
                "quote": quote,
                "fee": "0.1",
                "min_base_amount": "0.001",
                "min_quote_amount": "3",
                "amount_precision": 3,
                "precision": 8,
                "trade_status": "tradable",
            }
        )
    return {
        "/api/v4/spot/currency_pairs": pairs,
        "/api/v4/margin/currency_pairs": [],
        "/api/v4/spot/currencies": [],
        "/api/v4/spot/tickers": rows,
    }


def _kraken(market: Market) -> dict[str, Any]:
    pairs, rows = {}, {}
    for base, quote in list(market.pairs(("USD", 500), ("EUR", 450), ("BTC", 150)))[:ROWS_KRAKEN]:
        bid, bid_amount, ask, ask_amount = market.top(base, quote)
        price = _text(bid)
        rows[base + quote] = {
            "a": [_text(ask), "1", _text(ask_amount, 3)],
            "b": [price, "1", _text(bid_amount, 3)],
            "c": [price, "0.00100000"],
            "v": ["84.23095922", "600.91850325"],
            "p": [price, price],
            "t": [305, 2783],
            "l": [price, price],
            "h": [price, price],
            "o": price,
        }
        pairs[base + quote] = {
            "altname": base + quote,
            "wsname": f"{base}/{quote}",
            "base": base,
            "quote": quote,
            "pair_decimals": 8,
            "lot_decimals": 8,
            "fees": [[0, 0.4]],
            "fees_maker": [[0, 0.25]],
            "ordermin": "0.001",
            "costmin": "0.5",
            "status": "online",
        }
    assets = {
        name: {"altname": name, "decimals": 10, "display_decimals": 5, "status": "enabled"}
        for name in market.usd
    }
    return {
        "/0/public/AssetPairs": {"error": [], "result": pairs},
        "/0/public/Assets": {"error": [], "result": assets},
        "/0/public/Ticker": {"error": [], "result": rows},
    }
