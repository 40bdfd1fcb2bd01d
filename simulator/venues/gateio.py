"""Gate.io v4, spot: market endpoints, currencies with their chains, and the signed wallet endpoints."""

from datetime import UTC, datetime

from aiohttp import web

from simulator.assets import Asset, Tier
from simulator.daystats import DayStatsTable
from simulator.listings import GATEIO_TICKERS, Instrument, Status
from simulator.market import World
from simulator.signing import Credentials, gateio_credentials
from simulator.wire import DATA_MS, NOW_MS, answer, trimmed, whole_number

_MOST_LEVELS = 1000
_REQUESTS_A_WINDOW = 200
_WINDOW_MS = 10_000
DEMO_TAKER_FEE = "0.0009"
"""The demo account's tier is a little better than the base tier."""
_REFUSALS = {
    Credentials.NO_KEY: ("MISSING_REQUIRED_HEADER", "Missing required header: KEY"),
    Credentials.UNKNOWN_KEY: ("INVALID_KEY", "Invalid key provided"),
    Credentials.NO_TIMESTAMP: ("MISSING_REQUIRED_HEADER", "Missing required header: Timestamp"),
    Credentials.BAD_SIGNATURE: ("INVALID_SIGNATURE", "Signature mismatch"),
}


def _error(label: str, message: str, status: int = 400) -> web.Response:
    return answer({"label": label, "message": message}, status)


class GateioApi:
    """Gate.io's answers."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stats = DayStatsTable(world)
        self._listed = {i.wire_id: i for i in world.by_venue["gateio"]}
        self._windows: dict[str, tuple[int, int]] = {}

    def routes(self) -> list[web.RouteDef]:
        """Paths and their handlers."""
        return [
            web.get("/api/v4/spot/time", self._time),
            web.get("/api/v4/spot/tickers", self._tickers),
            web.get("/api/v4/spot/currency_pairs", self._pairs),
            web.get("/api/v4/spot/currencies", self._currencies),
            web.get("/api/v4/spot/order_book", self._order_book),
            web.get("/api/v4/margin/currency_pairs", self._margin_pairs),
            web.get("/api/v4/account/detail", self._account),
            web.get("/api/v4/wallet/withdraw_status", self._withdraw_status),
            web.get("/api/v4/wallet/fee", self._fee),
            web.get("/api/v4/spot/fee", self._fee),
        ]

    def _limited(self, request: web.Request, value: object) -> web.Response:
        """Count the request against its endpoint's window, for the headers alone: none is refused."""
        window = request[NOW_MS] // _WINDOW_MS
        known, used = self._windows.get(request.path, (window, 0))
        used = used + 1 if known == window else 1
        self._windows[request.path] = (window, used)
        headers = {
            "X-Gate-RateLimit-Limit": str(_REQUESTS_A_WINDOW),
            "X-Gate-RateLimit-Requests-Remain": str(max(0, _REQUESTS_A_WINDOW - used)),
            "X-Gate-RateLimit-Reset-Timestamp": str((window + 1) * _WINDOW_MS // 1000),
        }
        return answer(value, headers=headers)

    def _asked(self, request: web.Request) -> list[Instrument] | web.Response:
        pair = request.query.get("currency_pair")
        if pair is None:
            return list(self._listed.values())
        found = self._listed.get(pair)
        return [found] if found else _error("INVALID_CURRENCY_PAIR", f"Invalid currency pair {pair}")

    async def _time(self, request: web.Request) -> web.Response:
        return self._limited(request, {"server_time": request[NOW_MS]})

    async def _tickers(self, request: web.Request) -> web.Response:
        asked = self._asked(request)
        if isinstance(asked, web.Response):
            return asked
        clock_ms = request[DATA_MS]
        return self._limited(
            request, ("[" + ",".join(self._ticker(i, clock_ms) for i in asked) + "]").encode()
        )

    def _ticker(self, i: Instrument, clock_ms: int) -> str:
        top, day = self._world.top(i, clock_ms), self._stats.of(i, clock_ms)
        decimals = i.price_decimals
        bid = trimmed(top.bid, decimals) if top.bid else ""
        ask = trimmed(top.ask, decimals) if top.ask else ""
        last = (top.bid or top.ask) / 10.0**decimals
        fund = ""
        if self._world.assets["gateio", i.base].network == "FUND":
            moment = clock_ms // 1000
            fund = (
                f',"etf_net_value":"{last:.{decimals}f}","etf_pre_net_value":"{last:.{decimals}f}",'
                f'"etf_pre_timestamp":{moment - moment % 86_400},"etf_leverage":"3.0"'
            )
        return (
            f'{{"currency_pair":"{i.wire_id}","last":"{bid or ask}",'
            f'"lowest_ask":"{ask}","highest_bid":"{bid}",'
            f'"change_percentage":"{(last / day.opened - 1) * 100:.2f}","change_utc0":"0","change_utc8":"0",'
            f'"base_volume":"{day.volume:.4f}","quote_volume":"{day.turnover:.4f}",'
            f'"high_24h":"{day.high:.{decimals}f}","low_24h":"{day.low:.{decimals}f}"{fund}}}'
        )

    async def _pairs(self, request: web.Request) -> web.Response:
        return self._limited(request, [_pair_row(i) for i in self._listed.values()])

    async def _margin_pairs(self, request: web.Request) -> web.Response:
        """Enabled margin pairs, one of an untradable spot pair: `status` says nothing about spot."""
        rows = [
            {
                "id": i.wire_id,
                "base": i.wire_id.split("_")[0],
                "quote": i.quote,
                "leverage": 10,
                "min_base_amount": f"{i.min_amount:f}",
                "min_quote_amount": f"{i.min_notional:f}",
                "max_quote_amount": "500000",
                "status": 1,
            }
            for i in self._listed.values()
            if i.tier in {Tier.HUB, Tier.WATCHED} or i.quirk.status is Status.HALTED
        ]
        return self._limited(request, rows)

    def _tickers_of_assets(self) -> list[tuple[str, str, Asset]]:
        """World ticker, Gate.io's ticker and asset of everything that Gate.io lists."""
        mine = [(ticker, asset) for (venue, ticker), asset in self._world.assets.items() if venue == "gateio"]
        return [(ticker, GATEIO_TICKERS.get(ticker, ticker), asset) for ticker, asset in mine]

    async def _currencies(self, request: web.Request) -> web.Response:
        rows = []
        for ticker, wire_ticker, asset in self._tickers_of_assets():
            chains = [
                {
                    "name": n.name,
                    "addr": n.contract,
                    "withdraw_disabled": not n.withdraw,
                    "withdraw_delayed": False,
                    "deposit_disabled": not n.deposit,
                }
                for n in self._world.networks("gateio", ticker)
            ]
            rows.append(
                {
                    "currency": wire_ticker,
                    "name": asset.name,
                    "delisted": False,
                    "withdraw_disabled": False,
                    "withdraw_delayed": False,
                    "deposit_disabled": False,
                    "trade_disabled": False,
                    "chain": chains[0]["name"] if chains else "",
                    "chains": chains,
                }
            )
        return self._limited(request, rows)

    async def _order_book(self, request: web.Request) -> web.Response:
        if "currency_pair" not in request.query:
            return _error("MISSING_REQUIRED_PARAM", "Missing required parameter: currency_pair")
        asked = self._asked(request)
        if isinstance(asked, web.Response):
            return asked
        limit = whole_number(request.query.get("limit"), 10)
        if limit is None or limit > _MOST_LEVELS:
            return _error("INVALID_PARAM_VALUE", "invalid argument: limit")
        (i,) = asked
        book = self._world.book(i, request[DATA_MS], limit)
        sides = {
            name: [
                [trimmed(price, i.price_decimals), trimmed(amount, i.amount_decimals)]
                for price, amount in levels
            ]
            for name, levels in (("asks", book.asks), ("bids", book.bids))
        }
        numbered = {"id": book.update_id} if request.query.get("with_id", "").lower() == "true" else {}
        return self._limited(
            request, {**numbered, "current": request[NOW_MS], "update": book.changed_ms, **sides}
        )

    async def _account(self, request: web.Request) -> web.Response:
        if refusal := _REFUSALS.get(gateio_credentials(request)):
            return _error(*refusal, status=401)
        never = datetime.min.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
        detail = {"user_id": 1, "ip_whitelist": [], "currency_pairs": [], "key": {"mode": 1}, "tier": 0}
        return self._limited(request, {**detail, "tier_expire_time": never, "copy_trading_role": 0})

    async def _withdraw_status(self, request: web.Request) -> web.Response:
        if refusal := _REFUSALS.get(gateio_credentials(request)):
            return _error(*refusal, status=401)
        wanted = request.query.get("currency")
        rows = []
        for ticker, wire_ticker, asset in self._tickers_of_assets():
            networks = self._world.networks("gateio", ticker)
            if not networks or wanted not in {None, wire_ticker}:
                continue
            rows.append(
                {
                    "currency": wire_ticker,
                    "name": asset.name,
                    "name_cn": asset.name,
                    "deposit": "0",
                    "withdraw_percent": "0%",
                    "withdraw_fix": networks[0].withdraw_fee,
                    "withdraw_day_limit": "500000",
                    "withdraw_day_limit_remain": "499999",
                    "withdraw_amount_mini": networks[0].withdraw_min,
                    "withdraw_eachtime_limit": "499999",
                    "withdraw_fix_on_chains": {n.name: n.withdraw_fee for n in networks},
                }
            )
        return self._limited(request, rows)

    async def _fee(self, request: web.Request) -> web.Response:
        if refusal := _REFUSALS.get(gateio_credentials(request)):
            return _error(*refusal, status=401)
        fees = {
            "user_id": 1,
            "taker_fee": DEMO_TAKER_FEE,
            "maker_fee": DEMO_TAKER_FEE,
            "gt_discount": False,
            "gt_taker_fee": "0",
            "gt_maker_fee": "0",
            "loan_fee": "0.18",
            "point_type": "1",
            "futures_taker_fee": "0.0005",
            "futures_maker_fee": "0.0002",
            "debit_fee": 3,
        }
        return self._limited(request, fees)


def _pair_row(i: Instrument) -> dict[str, object]:
    base = i.wire_id.split("_")[0]
    return {
        "id": i.wire_id,
        "base": base,
        "base_name": i.asset,
        "quote": i.quote,
        "quote_name": i.quote,
        "fee": f"{i.taker_bps / 100:f}",
        "min_base_amount": f"{i.min_amount:f}",
        "min_quote_amount": f"{i.min_notional:f}",
        "max_quote_amount": "5000000",
        "amount_precision": i.amount_decimals,
        "precision": i.price_decimals,
        "trade_status": "untradable" if i.quirk.status is Status.HALTED else "tradable",
        "sell_start": 1_516_378_650,
        "buy_start": 1_516_378_650,
        "type": "normal",
        "trade_url": f"https://www.gate.com/trade/{i.wire_id}",
    }
