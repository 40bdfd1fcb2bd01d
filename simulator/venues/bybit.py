"""Bybit v5, spot: market endpoints and the two signed ones that read-only keys are for."""

from aiohttp import web

from simulator.assets import Tier
from simulator.daystats import DayStatsTable
from simulator.listings import Instrument, Status
from simulator.market import World
from simulator.networks import amount_text
from simulator.signing import Credentials, bybit_credentials
from simulator.wire import DATA_MS, NOW_MS, answer, fixed, step_text, trimmed, whole_number

_MOST_LEVELS = 200
_MOST_USD = 2_000_000
_REFUSALS = {
    Credentials.NO_KEY: (10003, "API key is invalid."),
    Credentials.UNKNOWN_KEY: (10003, "API key is invalid."),
    Credentials.NO_TIMESTAMP: (10001, "empty value: apiTimestamp[] apiKey[] apiSignature[]"),
    Credentials.BAD_SIGNATURE: (10004, "error sign! please check your signature generation algorithm."),
}


class BybitApi:
    """Bybit's answers: always status 200, with the outcome in retCode."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stats = DayStatsTable(world)
        self._listed = {i.wire_id: i for i in world.by_venue["bybit"]}

    def routes(self) -> list[web.RouteDef]:
        """Paths and their handlers."""
        return [
            web.get("/v5/market/time", self._time),
            web.get("/v5/market/tickers", self._tickers),
            web.get("/v5/market/instruments-info", self._instruments),
            web.get("/v5/market/orderbook", self._order_book),
            web.get("/v5/asset/coin/query-info", self._coins),
            web.get("/v5/account/fee-rate", self._fee_rate),
        ]

    def _result(
        self, request: web.Request, result: object, code: int = 0, message: str = "OK"
    ) -> web.Response:
        now_ms = request[NOW_MS]
        value = {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": now_ms}
        return answer(value, headers={"Ret_code": str(code), "Timenow": str(now_ms)})

    def _error(self, request: web.Request, code: int, message: str) -> web.Response:
        return self._result(request, {}, code, message)

    def _asked(self, request: web.Request) -> list[Instrument] | web.Response:
        """The instruments that `category` and `symbol` ask for, or the error they earn."""
        if request.query.get("category") != "spot":
            return self._error(request, 10001, "params error: Category is invalid")
        symbol = request.query.get("symbol")
        if symbol is None:
            return list(self._listed.values())
        found = self._listed.get(symbol)
        return [found] if found else self._error(request, 10001, "Not supported symbols")

    async def _time(self, request: web.Request) -> web.Response:
        now_ms = request[NOW_MS]
        result = {"timeSecond": str(now_ms // 1000), "timeNano": str(now_ms * 1_000_000)}
        return self._result(request, result)

    async def _tickers(self, request: web.Request) -> web.Response:
        asked = self._asked(request)
        if isinstance(asked, web.Response):
            return asked
        clock_ms, now_ms = request[DATA_MS], request[NOW_MS]
        rows = [self._ticker(i, clock_ms) for i in asked]
        body = (
            f'{{"retCode":0,"retMsg":"OK","result":{{"category":"spot","list":[{",".join(rows)}]}},'
            f'"retExtInfo":{{}},"time":{now_ms}}}'
        )
        return answer(body.encode(), headers={"Ret_code": "0", "Timenow": str(now_ms)})

    def _ticker(self, i: Instrument, clock_ms: int) -> str:
        top, day = self._world.top(i, clock_ms), self._stats.of(i, clock_ms)
        decimals, scale = i.price_decimals, 10.0**i.price_decimals
        last = top.bid / scale
        return (
            f'{{"symbol":"{i.wire_id}","bid1Price":"{last:.{decimals}f}",'
            f'"bid1Size":"{trimmed(top.bid_amount, i.amount_decimals)}",'
            f'"ask1Price":"{top.ask / scale:.{decimals}f}",'
            f'"ask1Size":"{trimmed(top.ask_amount, i.amount_decimals)}","lastPrice":"{last:.{decimals}f}",'
            f'"prevPrice24h":"{day.opened:.{decimals}f}","price24hPcnt":"{last / day.opened - 1:.4f}",'
            f'"highPrice24h":"{day.high:.{decimals}f}","lowPrice24h":"{day.low:.{decimals}f}",'
            f'"turnover24h":"{day.turnover:.4f}","volume24h":"{day.volume:.4f}","usdIndexPrice":""}}'
        )

    async def _instruments(self, request: web.Request) -> web.Response:
        asked = self._asked(request)
        if isinstance(asked, web.Response):
            return asked
        rows = [_instrument_row(i, _MOST_USD / self._world.fair.base_usd(i.asset)) for i in asked]
        return self._result(request, {"category": "spot", "list": rows})

    async def _order_book(self, request: web.Request) -> web.Response:
        asked = self._asked(request)
        if isinstance(asked, web.Response):
            return asked
        if "symbol" not in request.query:
            return self._error(request, 10001, "params error: symbol is required")
        limit = whole_number(request.query.get("limit"), 1)
        if limit is None or limit > _MOST_LEVELS:
            return self._error(request, 10001, "params error: limit is invalid")
        (i,) = asked
        data_ms = request[DATA_MS]
        book = self._world.book(i, data_ms, limit)
        sides = {
            name: [
                [fixed(price, i.price_decimals), trimmed(amount, i.amount_decimals)]
                for price, amount in levels
            ]
            for name, levels in (("b", book.bids), ("a", book.asks))
        }
        changed = {"ts": data_ms, "u": book.update_id, "seq": book.update_id * 7, "cts": book.changed_ms}
        return self._result(request, {"s": i.wire_id, **sides, **changed})

    async def _coins(self, request: web.Request) -> web.Response:
        if refusal := _REFUSALS.get(bybit_credentials(request)):
            return self._error(request, *refusal)
        wanted = request.query.get("coin")
        tickers = [
            ticker for venue, ticker in self._world.assets if venue == "bybit" and wanted in {None, ticker}
        ]
        return self._result(request, {"rows": [self._coin(ticker) for ticker in tickers]})

    def _coin(self, ticker: str) -> dict[str, object]:
        chains = [
            {
                "chain": n.name,
                "chainType": n.name,
                "confirmation": "12",
                "withdrawFee": n.withdraw_fee,
                "depositMin": "0",
                "withdrawMin": n.withdraw_min,
                "minAccuracy": "8",
                "chainDeposit": "1" if n.deposit else "0",
                "chainWithdraw": "1" if n.withdraw else "0",
                "withdrawPercentageFee": "0",
                "contractAddress": n.contract,
                "safeConfirmNumber": "24",
            }
            for n in self._world.networks("bybit", ticker)
        ]
        return {"name": ticker, "coin": ticker, "remainAmount": "1000000", "chains": chains}

    async def _fee_rate(self, request: web.Request) -> web.Response:
        if refusal := _REFUSALS.get(bybit_credentials(request)):
            return self._error(request, *refusal)
        asked = self._asked(request)
        if isinstance(asked, web.Response):
            return asked
        rows = [{"symbol": i.wire_id, "takerFeeRate": "0.001", "makerFeeRate": "0.001"} for i in asked]
        return self._result(request, {"list": rows})


def _instrument_row(i: Instrument, most: float) -> dict[str, object]:
    step = step_text(i.amount_decimals)
    return {
        "symbol": i.wire_id,
        "baseCoin": i.base,
        "quoteCoin": i.quote,
        "innovation": "1" if i.tier is Tier.TAIL else "0",
        "status": "Closed" if i.quirk.status is Status.HALTED else "Trading",
        "marginTrading": "utaOnly" if i.tier is Tier.WATCHED else "none",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": step,
            "quotePrecision": "0.00000001",
            "minOrderQty": step,
            "maxOrderQty": amount_text(most),
            "minOrderAmt": f"{i.min_notional:f}",
            "maxOrderAmt": "2000000",
        },
        "priceFilter": {"tickSize": step_text(i.price_decimals)},
        "riskParameters": {"priceLimitRatioX": "0.05", "priceLimitRatioY": "0.1"},
    }
