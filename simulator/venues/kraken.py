"""Kraken spot: /0/public, and the three signed endpoints that read-only keys are for."""

from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime

from aiohttp import web

from simulator.daystats import DayStatsTable
from simulator.listings import Instrument, Status, kraken_altname, kraken_asset_id
from simulator.market import World
from simulator.networks import NetworkState
from simulator.signing import Credentials, kraken_credentials
from simulator.traps import NO_DEPOSIT
from simulator.wire import DATA_MS, NOW_MS, answer, fixed, step_text, whole_number

_MOST_LEVELS = 500
_OLDEST_LEVEL_S = 30
_TIERS = ((0, 1), (10_000, 0.875), (50_000, 0.6), (100_000, 0.55), (1_000_000, 0.45), (10_000_000, 0.25))
_MAKER_SHARE = 0.625
DEMO_FEE_SHARE = Decimal("0.875")
"""The demo account has reached the second step of the fee schedule."""
_REFUSALS = {
    Credentials.NO_KEY: "EAPI:Invalid key",
    Credentials.UNKNOWN_KEY: "EAPI:Invalid key",
    Credentials.NO_TIMESTAMP: "EAPI:Invalid nonce",
    Credentials.BAD_SIGNATURE: "EAPI:Invalid signature",
}


def _error(message: str) -> web.Response:
    return answer({"error": [message]})


class KrakenApi:
    """Kraken's answers: always status 200, with what went wrong in `error`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stats = DayStatsTable(world)
        self._listed = {i.wire_id: i for i in world.by_venue["kraken"]}
        self._by_altname = {_pair_altname(i): i for i in world.by_venue["kraken"]}
        self._tickers = {
            kraken_asset_id(ticker): ticker for venue, ticker in world.assets if venue == "kraken"
        }

    def routes(self) -> list[web.RouteDef]:
        """Paths and their handlers."""
        return [
            web.get("/0/public/Time", self._time),
            web.get("/0/public/SystemStatus", self._system_status),
            web.get("/0/public/Ticker", self._ticker),
            web.get("/0/public/AssetPairs", self._asset_pairs),
            web.get("/0/public/Assets", self._assets),
            web.get("/0/public/Depth", self._depth),
            web.post("/0/private/DepositMethods", self._deposit_methods),
            web.post("/0/private/WithdrawMethods", self._withdraw_methods),
            web.post("/0/private/TradeVolume", self._trade_volume),
        ]

    def _asked(self, pairs: str | None) -> list[Instrument] | None:
        """The instruments of a comma-separated list of ids or short names; None if one is unknown."""
        if pairs is None:
            return list(self._listed.values())
        found = [self._listed.get(name) or self._by_altname.get(name) for name in pairs.split(",")]
        known = [instrument for instrument in found if instrument]
        return known if len(known) == len(found) else None

    async def _time(self, request: web.Request) -> web.Response:
        now = datetime.fromtimestamp(request[NOW_MS] // 1000, UTC)
        result = {"unixtime": request[NOW_MS] // 1000, "rfc1123": format_datetime(now)}
        return answer({"error": [], "result": result})

    async def _system_status(self, request: web.Request) -> web.Response:
        now = datetime.fromtimestamp(request[NOW_MS] // 1000, UTC)
        result = {"status": "online", "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
        return answer({"error": [], "result": result})

    async def _ticker(self, request: web.Request) -> web.Response:
        asked = self._asked(request.query.get("pair"))
        if asked is None:
            return _error("EQuery:Unknown asset pair")
        clock_ms = request[DATA_MS]
        rows = ",".join(self._ticker_row(i, clock_ms) for i in asked)
        return answer(f'{{"error":[],"result":{{{rows}}}}}'.encode())

    def _ticker_row(self, i: Instrument, clock_ms: int) -> str:
        top, day = self._world.top(i, clock_ms), self._stats.of(i, clock_ms)
        d, scale, steps = i.price_decimals, 10.0**i.price_decimals, 10.0**i.amount_decimals
        bid, ask = f"{top.bid / scale:.{d}f}", f"{top.ask / scale:.{d}f}"
        bids, asks = top.bid_amount / steps, top.ask_amount / steps
        places = max(3, i.amount_decimals)
        return (
            f'"{i.wire_id}":{{"a":["{ask}","{asks:.0f}","{asks:.{places}f}"],'
            f'"b":["{bid}","{bids:.0f}","{bids:.{places}f}"],"c":["{bid}","{bids / 3:.8f}"],'
            f'"v":["{day.volume / 3:.8f}","{day.volume:.8f}"],'
            f'"p":["{day.average:.{d}f}","{day.average:.{d}f}"],'
            f'"t":[{day.trades // 3},{day.trades}],"l":["{day.low:.{d}f}","{day.low:.{d}f}"],'
            f'"h":["{day.high:.{d}f}","{day.high:.{d}f}"],"o":"{day.opened:.{d}f}"}}'
        )

    async def _asset_pairs(self, request: web.Request) -> web.Response:
        asked = self._asked(request.query.get("pair"))
        if asked is None:
            return _error("EQuery:Unknown asset pair")
        return answer({"error": [], "result": {i.wire_id: _pair_row(i) for i in asked}})

    async def _assets(self, request: web.Request) -> web.Response:
        wanted = request.query.get("asset")
        ids = list(self._tickers) if wanted is None else [self._asset_id(name) for name in wanted.split(",")]
        known = [asset_id for asset_id in ids if asset_id]
        if len(known) != len(ids):
            return _error("EQuery:Unknown asset")
        result = {}
        for asset_id in known:
            ticker = self._tickers[asset_id]
            fiat = self._world.assets["kraken", ticker].network == "FIAT"
            result[asset_id] = {
                "aclass": "currency",
                "altname": kraken_altname(ticker),
                "decimals": 4 if fiat else 10,
                "display_decimals": 2 if fiat else 5,
                "status": "funding_temporarily_disabled" if ("kraken", ticker) in NO_DEPOSIT else "enabled",
            }
        return answer({"error": [], "result": result})

    def _asset_id(self, name: str) -> str | None:
        if name in self._tickers:
            return name
        return next((i for i, ticker in self._tickers.items() if kraken_altname(ticker) == name), None)

    async def _depth(self, request: web.Request) -> web.Response:
        if "pair" not in request.query:
            return _error("EGeneral:Invalid arguments")
        asked = self._asked(request.query["pair"])
        if not asked:
            return _error("EQuery:Unknown asset pair")
        count = whole_number(request.query.get("count"), 100)
        if count is None or count > _MOST_LEVELS:
            return _error("EGeneral:Invalid arguments:count")
        i = asked[0]
        book = self._world.book(i, request[DATA_MS], count)
        second, places = book.changed_ms // 1000, max(3, i.amount_decimals)
        sides = {
            name: [
                [fixed(price, i.price_decimals), f"{amount / 10.0**i.amount_decimals:.{places}f}",
                 second - n * 7 % _OLDEST_LEVEL_S]
                for n, (price, amount) in enumerate(levels)
            ]
            for name, levels in (("asks", book.asks), ("bids", book.bids))
        }  # fmt: skip
        return answer({"error": [], "result": {i.wire_id: sides}})

    async def _signed(self, request: web.Request) -> dict[str, str] | web.Response:
        credentials, form = await kraken_credentials(request)
        refusal = _REFUSALS.get(credentials)
        return _error(refusal) if refusal else form

    async def _funding(self, request: web.Request) -> tuple[str, tuple[NetworkState, ...]] | web.Response:
        form = await self._signed(request)
        if isinstance(form, web.Response):
            return form
        if "asset" not in form:
            return _error("EGeneral:Invalid arguments")
        asset_id = self._asset_id(form["asset"])
        if asset_id is None:
            return _error("EFunding:Unknown asset")
        return asset_id, self._world.networks("kraken", self._tickers[asset_id])

    async def _deposit_methods(self, request: web.Request) -> web.Response:
        """The ways in that are open; a way that is shut is not listed."""
        funding = await self._funding(request)
        if isinstance(funding, web.Response):
            return funding
        asset_id, networks = funding
        rows = [
            {
                "method": _method(self._tickers[asset_id], n),
                "limit": False,
                "fee": "0.0000000000",
                "gen-address": True,
                "minimum": n.withdraw_min,
            }
            for n in networks
            if n.deposit
        ]
        return answer({"error": [], "result": rows})

    async def _withdraw_methods(self, request: web.Request) -> web.Response:
        """The ways out that are open, of one asset or of all; a way that is shut is not listed."""
        form = await self._signed(request)
        if isinstance(form, web.Response):
            return form
        asset_ids = [self._asset_id(form["asset"])] if "asset" in form else list(self._tickers)
        rows = [
            {
                "asset": asset_id,
                "method": _method(self._tickers[asset_id], n),
                "network": n.name,
                "minimum": n.withdraw_min,
                "fee": {"aclass": "currency", "asset": asset_id, "fee": n.withdraw_fee},
            }
            for asset_id in asset_ids
            if asset_id
            for n in self._world.networks("kraken", self._tickers[asset_id])
            if n.withdraw
        ]
        if None in asset_ids:
            return _error("EFunding:Unknown asset")
        return answer({"error": [], "result": rows})

    async def _trade_volume(self, request: web.Request) -> web.Response:
        form = await self._signed(request)
        if isinstance(form, web.Response):
            return form
        asked = self._asked(form.get("pair", "XXBTZUSD"))
        if asked is None:
            return _error("EQuery:Unknown asset pair")
        result: dict[str, object] = {"currency": "ZUSD", "volume": "12345.6789"}
        if "pair" in form:
            result["fees"] = {i.wire_id: _fee_row(i.taker_bps / 100) for i in asked}
            maker_share = Decimal(str(_MAKER_SHARE))
            result["fees_maker"] = {i.wire_id: _fee_row(i.taker_bps / 100 * maker_share) for i in asked}
        return answer({"error": [], "result": result})


def _method(ticker: str, network: NetworkState) -> str:
    return network.name if network.network == "BTC" else f"{kraken_altname(ticker)} ({network.name})"


def _fee_row(percent: Decimal) -> dict[str, str]:
    return {
        "fee": f"{percent * DEMO_FEE_SHARE:.4f}",
        "minfee": f"{percent / 4:.4f}",
        "maxfee": f"{percent:.4f}",
        "nextfee": f"{percent * Decimal('0.6'):.4f}",
        "tiervolume": "10000.0000",
        "nextvolume": "50000.0000",
    }


def _pair_altname(i: Instrument) -> str:
    return kraken_altname(i.base) + kraken_altname(i.quote)


def _pair_row(i: Instrument) -> dict[str, object]:
    percent = float(i.taker_bps) / 100
    return {
        "altname": _pair_altname(i),
        "wsname": f"{kraken_altname(i.base)}/{kraken_altname(i.quote)}",
        "aclass_base": "currency",
        "base": kraken_asset_id(i.base),
        "aclass_quote": "currency",
        "quote": kraken_asset_id(i.quote),
        "lot": "unit",
        "cost_decimals": 8 if i.quote in {"BTC", "ETH"} else 5,
        "pair_decimals": i.price_decimals,
        "lot_decimals": 8,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[volume, round(percent * share, 3)] for volume, share in _TIERS],
        "fees_maker": [[volume, round(percent * share * _MAKER_SHARE, 3)] for volume, share in _TIERS],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": f"{i.min_amount:f}",
        "costmin": f"{i.min_notional:f}",
        "tick_size": step_text(i.price_decimals),
        "status": "cancel_only" if i.quirk.status is Status.HALTED else "online",
    }
