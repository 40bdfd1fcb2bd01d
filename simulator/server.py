"""The HTTP server: four venues on one loopback port, with faults and a view behind the scenes."""

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Self

import orjson
from aiohttp import web

from simulator.failures import failure_of, truncated, wrong_type
from simulator.faults import Fault, FaultBoard, FaultName, FaultRefusedError
from simulator.listings import VENUES
from simulator.market import World
from simulator.venues.binance import BinanceApi
from simulator.venues.bybit import BybitApi
from simulator.venues.gateio import GateioApi
from simulator.venues.kraken import KrakenApi
from simulator.wire import DATA_MS, NOW_MS, answer

_PREFIXES = {
    "/api/v3/": "binance",
    "/sapi/": "binance",
    "/v5/": "bybit",
    "/api/v4/": "gateio",
    "/0/": "kraken",
}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_FAULT_FIELDS = frozenset({"venue", "fault", "retry_after_s", "requests", "path"})

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def wall_clock_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def venue_of(path: str) -> str | None:
    """The venue whose API a path belongs to: the four never collide."""
    return next((venue for prefix, venue in _PREFIXES.items() if path.startswith(prefix)), None)


class SimulatorServer:
    """Serves a world on loopback. Use it as an async context manager, or call start and stop.

    Args:
        world: the market to serve.
        clock: milliseconds since 1970 UTC; tests pass their own to run an hour in seconds.
        host: a loopback address.
        port: 0 takes any free one.

    Raises:
        ValueError: the host is not loopback.
        OSError: on start, when the port is taken.
    """

    def __init__(
        self,
        world: World,
        clock: Callable[[], int] = wall_clock_ms,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        if host not in _LOOPBACK:
            raise ValueError(
                f"host {host!r} is not loopback; the simulator serves {', '.join(sorted(_LOOPBACK))} only"
            )
        self.world = world
        self.faults = FaultBoard()
        self.requests_served: dict[str, int] = dict.fromkeys(VENUES, 0)
        self._clock = clock
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._stopping = asyncio.Event()

    @property
    def base_url(self) -> str:
        """Where it listens: http://127.0.0.1:port."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    async def start(self) -> None:
        """Listen; returns when requests are answered."""
        self._stopping.clear()
        runner = web.AppRunner(
            self._application(), access_log=None, handler_cancellation=True, shutdown_timeout=1.0
        )
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port)
        try:
            await site.start()
        except OSError:
            await runner.cleanup()
            raise
        self._port = int(runner.addresses[0][1])
        self._runner = runner

    async def stop(self) -> None:
        """Release requests that hang on purpose, then stop listening."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def set_fault(
        self,
        venue: str,
        fault: str,
        *,
        retry_after_s: float | None = None,
        requests: int | None = None,
        path: str | None = None,
    ) -> None:
        """Switch a fault on, or with "none" off; see FaultBoard.set."""
        self.faults.set(
            venue, fault, now_ms=self._clock(), retry_after_s=retry_after_s, requests=requests, path=path
        )

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._venue_middleware])
        for api in (
            BinanceApi(self.world),
            BybitApi(self.world),
            GateioApi(self.world),
            KrakenApi(self.world),
        ):
            app.add_routes(api.routes())
        app.add_routes(
            [
                web.get("/simulator", self._about),
                web.get("/simulator/planted", self._planted),
                web.get("/simulator/traps", self._traps),
                web.get("/simulator/faults", self._get_faults),
                web.post("/simulator/faults", self._post_fault),
            ]
        )
        return app

    @web.middleware
    async def _venue_middleware(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        now_ms = request[NOW_MS] = request[DATA_MS] = self._clock()
        venue = venue_of(request.path)
        if venue is None:
            return await handler(request)
        self.requests_served[venue] += 1
        fault = self.faults.take(venue, request.path)
        if fault is None:
            return await handler(request)
        return await self._fail(request, handler, venue, fault, now_ms)

    async def _fail(
        self, request: web.Request, handler: _Handler, venue: str, fault: Fault, now_ms: int
    ) -> web.StreamResponse:
        failure = failure_of(venue, fault.name, now_ms=now_ms, retry_after_s=fault.retry_after_s)
        if failure is not None:
            return web.Response(status=failure.status, body=failure.body, headers=failure.headers)
        if fault.name is FaultName.TIME_OUT:
            await self._stopping.wait()
        if fault.name is FaultName.FROZEN:
            request[DATA_MS] = min(fault.since_ms, now_ms)
        response = await handler(request)
        if isinstance(response, web.Response) and isinstance(response.body, bytes):
            if fault.name is FaultName.TRUNCATED_BODY:
                response.body = truncated(response.body)
            elif fault.name is FaultName.WRONG_TYPE:
                response.body = wrong_type(response.body)
        return response

    async def _about(self, request: web.Request) -> web.Response:
        world = self.world
        return answer(
            {
                "seed": world.seed,
                "clock_ms": request[NOW_MS],
                "instruments": {venue: len(world.by_venue[venue]) for venue in VENUES},
                "shared_symbols": len(world.shared_symbols()),
                "watch_list": world.watch_list,
            }
        )

    async def _planted(self, request: web.Request) -> web.Response:
        return _listed(self.world.planted(request[NOW_MS]))

    async def _traps(self, request: web.Request) -> web.Response:
        return _listed(self.world.traps(request[NOW_MS]))

    async def _get_faults(self, _: web.Request) -> web.Response:
        return answer(self.faults.as_json())

    async def _post_fault(self, request: web.Request) -> web.Response:
        try:
            wanted = orjson.loads(await request.read())
        except orjson.JSONDecodeError as error:
            return _refused(f"the body is not JSON ({error}); send an object with venue and fault")
        if not isinstance(wanted, dict):
            return _refused(f"the body is a {type(wanted).__name__}; send an object with venue and fault")
        unknown = sorted(set(wanted) - _FAULT_FIELDS)
        if unknown:
            return _refused(f"unknown fields {', '.join(unknown)}; use {', '.join(sorted(_FAULT_FIELDS))}")
        venue, fault = wanted.pop("venue", None), wanted.pop("fault", None)
        if not isinstance(venue, str) or not isinstance(fault, str):
            return _refused(f"venue {venue!r} and fault {fault!r} must both be text")
        try:
            self.set_fault(venue, fault, **wanted)
        except FaultRefusedError as error:
            return _refused(str(error))
        return answer(self.faults.as_json())


def _refused(why: str) -> web.Response:
    return answer({"error": why}, status=400)


def _listed(values: Iterable[Any]) -> web.Response:
    rows = [dataclasses.asdict(value) for value in values]
    return answer(orjson.dumps(rows, default=str))
