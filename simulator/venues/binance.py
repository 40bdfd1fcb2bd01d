"""Binance spot: /api/v3 and the two signed /sapi/v1 endpoints that read-only keys are for."""

from collections.abc import Iterable

import orjson
from aiohttp import web

from simulator.assets import Tier
from simulator.listings import Instrument, Status
from simulator.market import World
from simulator.networks import NetworkState
from simulator.signing import Credentials, binance_credentials
from simulator.wire import DATA_MS, NOW_MS, answer, whole_number

_LIMITS = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200000},
    {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000},
]
_DEPTH_WEIGHTS = ((100, 5), (500, 25), (1000, 50), (5000, 250))
_ORDER_TYPES = [
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
]
_PERMISSIONS = [["SPOT", "MARGIN", "TRD_GRP_004", "TRD_GRP_005", "TRD_GRP_006", "TRD_GRP_009", "TRD_GRP_010"]]
_REFUSALS = {
    Credentials.NO_KEY: (401, -2014, "API-key format invalid."),
    Credentials.UNKNOWN_KEY: (401, -2015, "Invalid API-key, IP, or permissions for action."),
    Credentials.NO_TIMESTAMP: (
        400, -1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."),
    Credentials.BAD_SIGNATURE: (400, -1022, "Signature for this request is not valid."),
}  # fmt: skip


def _status(instrument: Instrument) -> str:
    return "BREAK" if instrument.quirk.status in {Status.HALTED, Status.DELISTED} else "TRADING"


def _error(status: int, code: int, message: str) -> web.Response:
    return answer({"code": code, "msg": message}, status)


class BinanceApi:
    """Binance's answers. Used request weight is counted for the headers, and never refused."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._listed = {i.wire_id: i for i in world.by_venue["binance"]}
        self._rows = {i.wire_id: orjson.dumps(_symbol_row(i)) for i in self._listed.values()}
        self._minute, self._used = 0, 0

    def routes(self) -> list[web.RouteDef]:
        """Paths and their handlers."""
        return [
            web.get("/api/v3/ping", self._ping),
            web.get("/api/v3/time", self._time),
            web.get("/api/v3/exchangeInfo", self._exchange_info),
            web.get("/api/v3/ticker/bookTicker", self._book_ticker),
            web.get("/api/v3/depth", self._depth),
            web.get("/sapi/v1/capital/config/getall", self._coins),
            web.get("/sapi/v1/asset/tradeFee", self._trade_fee),
        ]

    def _weighed(self, request: web.Request, weight: int, value: object) -> web.Response:
        minute = request[NOW_MS] // 60_000
        if minute != self._minute:
            self._minute, self._used = minute, 0
        self._used += weight
        return answer(
            value, headers={"X-MBX-USED-WEIGHT": str(self._used), "X-MBX-USED-WEIGHT-1M": str(self._used)}
        )

    async def _ping(self, request: web.Request) -> web.Response:
        return self._weighed(request, 1, {})

    async def _time(self, request: web.Request) -> web.Response:
        return self._weighed(request, 1, {"serverTime": request[NOW_MS]})

    def _asked(self, request: web.Request) -> Iterable[Instrument] | web.Response:
        """The instruments that `symbol`, `symbols` and `symbolStatus` ask for, or the error they earn."""
        query = request.query
        wanted = [query["symbol"]] if "symbol" in query else None
        if "symbols" in query:
            try:
                wanted = [str(symbol) for symbol in orjson.loads(query["symbols"])]
            except (orjson.JSONDecodeError, TypeError):
                return _error(400, -1100, "Illegal characters found in parameter 'symbols'.")
        if wanted is not None:
            if not all(symbol in self._listed for symbol in wanted):
                return _error(400, -1121, "Invalid symbol.")
            return [self._listed[symbol] for symbol in wanted]
        status = query.get("symbolStatus")
        return [i for i in self._listed.values() if status in {None, _status(i)}]

    async def _exchange_info(self, request: web.Request) -> web.Response:
        asked = self._asked(request)
        if isinstance(asked, web.Response):
            return asked
        if request.query.get("showPermissionSets") == "false":
            rows = [orjson.dumps(_symbol_row(i) | {"permissionSets": []}) for i in asked]
        else:
            rows = [self._rows[i.wire_id] for i in asked]
        head = {
            "timezone": "UTC",
            "serverTime": request[NOW_MS],
            "rateLimits": _LIMITS,
            "exchangeFilters": [],
        }
        body = orjson.dumps(head)[:-1] + b',"symbols":[' + b",".join(rows) + b"]}"
        return self._weighed(request, 20, body)

    async def _book_ticker(self, request: web.Request) -> web.Response:
        asked = self._asked(request)
        if isinstance(asked, web.Response):
            return asked
        clock_ms, top_of = request[DATA_MS], self._world.top
        rows = []
        for i in asked:
            top = top_of(i, clock_ms)
            prices, steps = 10.0**i.price_decimals, 10.0**i.amount_decimals
            rows.append(
                f'{{"symbol":"{i.wire_id}",'
                f'"bidPrice":"{top.bid / prices:.8f}","bidQty":"{top.bid_amount / steps:.8f}",'
                f'"askPrice":"{top.ask / prices:.8f}","askQty":"{top.ask_amount / steps:.8f}"}}'
            )
        one = "symbol" in request.query
        text = rows[0] if one else "[" + ",".join(rows) + "]"
        return self._weighed(request, 2 if one else 4, text.encode())

    async def _depth(self, request: web.Request) -> web.Response:
        symbol = request.query.get("symbol")
        if not symbol:
            return _error(
                400, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."
            )
        instrument = self._listed.get(symbol)
        if instrument is None:
            return _error(400, -1121, "Invalid symbol.")
        limit = whole_number(request.query.get("limit"), 100)
        if limit is None:
            return _error(400, -1130, "Data sent for parameter 'limit' is not valid.")
        book = self._world.book(instrument, request[DATA_MS], limit)
        prices, steps = 10.0**instrument.price_decimals, 10.0**instrument.amount_decimals
        weight = next((weight for up_to, weight in _DEPTH_WEIGHTS if limit <= up_to), _DEPTH_WEIGHTS[-1][1])
        return self._weighed(
            request,
            weight,
            {
                "lastUpdateId": book.update_id,
                "bids": [[f"{price / prices:.8f}", f"{amount / steps:.8f}"] for price, amount in book.bids],
                "asks": [[f"{price / prices:.8f}", f"{amount / steps:.8f}"] for price, amount in book.asks],
            },
        )

    async def _coins(self, request: web.Request) -> web.Response:
        if refusal := _REFUSALS.get(binance_credentials(request)):
            return _error(*refusal)
        tickers = [ticker for venue, ticker in self._world.assets if venue == "binance"]
        return self._weighed(request, 10, [self._coin(ticker) for ticker in tickers])

    def _coin(self, ticker: str) -> dict[str, object]:
        networks = self._world.networks("binance", ticker)
        legal = self._world.assets["binance", ticker].network == "FIAT"
        amounts = dict.fromkeys(
            ("free", "freeze", "ipoable", "ipoing", "locked", "storage", "withdrawing"), "0"
        )
        return {
            "coin": ticker,
            "depositAllEnable": any(n.deposit for n in networks),
            "withdrawAllEnable": any(n.withdraw for n in networks),
            "name": ticker,
            **amounts,
            "isLegalMoney": legal,
            "trading": not legal,
            "networkList": [_network_row(ticker, n, first=k == 0) for k, n in enumerate(networks)],
        }

    async def _trade_fee(self, request: web.Request) -> web.Response:
        if refusal := _REFUSALS.get(binance_credentials(request)):
            return _error(*refusal)
        asked = self._asked(request)
        if isinstance(asked, web.Response):
            return asked
        fee = "0.001"
        rows = [{"symbol": i.wire_id, "makerCommission": fee, "takerCommission": fee} for i in asked]
        return self._weighed(request, 1, rows)


def _network_row(ticker: str, network: NetworkState, *, first: bool) -> dict[str, object]:
    return {
        "network": network.name,
        "coin": ticker,
        "withdrawIntegerMultiple": "0.00000001",
        "isDefault": first,
        "depositEnable": network.deposit,
        "withdrawEnable": network.withdraw,
        "depositDesc": "" if network.deposit else "Wallet Maintenance, Deposit Suspended",
        "withdrawDesc": "" if network.withdraw else "Wallet Maintenance, Withdrawal Suspended",
        "specialTips": "",
        "name": network.name,
        "resetAddressStatus": False,
        "addressRegex": "",
        "memoRegex": "",
        "withdrawFee": network.withdraw_fee,
        "withdrawMin": network.withdraw_min,
        "withdrawMax": "9999999999.99999999",
        "minConfirm": 12,
        "unLockConfirm": 0,
        **({"contractAddress": network.contract} if network.contract else {}),
    }


def _symbol_row(instrument: Instrument) -> dict[str, object]:
    tick = f"{10.0**-instrument.price_decimals:.8f}"
    step = f"{10.0**-instrument.amount_decimals:.8f}"
    spot = instrument.quirk.status not in {Status.NOT_SPOT, Status.DELISTED}
    filters = [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "922327.00000000", "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "92141578.00000000", "stepSize": step},
        {"filterType": "ICEBERG_PARTS", "limit": 10},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "920000.00000000",
         "stepSize": "0.00000000"},
        {"filterType": "TRAILING_DELTA", "minTrailingAboveDelta": 10, "maxTrailingAboveDelta": 2000,
         "minTrailingBelowDelta": 10, "maxTrailingBelowDelta": 2000},
        {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.2",
         "askMultiplierUp": "5", "askMultiplierDown": "0.2", "avgPriceMins": 5},
        {"filterType": "NOTIONAL", "minNotional": f"{instrument.min_notional:.8f}", "applyMinToMarket": True,
         "maxNotional": "9000000.00000000", "applyMaxToMarket": False, "avgPriceMins": 5},
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
    ]  # fmt: skip
    return {
        "symbol": instrument.wire_id,
        "status": _status(instrument),
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": _ORDER_TYPES,
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": spot,
        "isMarginTradingAllowed": instrument.tier is Tier.WATCHED,
        "filters": filters,
        "permissions": [],
        "permissionSets": _PERMISSIONS,
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"],
    }
