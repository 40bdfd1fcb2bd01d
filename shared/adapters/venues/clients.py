"""The ccxt clients of one event loop: they share their connections and answer in the product's own terms."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from time import perf_counter
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import certifi
import msgspec
import orjson

from shared.adapters.venues.binance import Binance
from shared.adapters.venues.bounded import BoundedResponse
from shared.adapters.venues.bybit import Bybit
from shared.adapters.venues.cooldown import Cooldowns
from shared.adapters.venues.failures import Transport, translate
from shared.adapters.venues.gateio import Gateio
from shared.adapters.venues.imports import EXCHANGES
from shared.adapters.venues.kraken import Kraken
from shared.adapters.venues.options import ClientOptions
from shared.adapters.venues.venue import Venue
from shared.errors import VenueBanned, VenueError, VenueRateLimited, VenueTimeout, VenueUnavailable
from shared.ports import Clock

VENUES: Mapping[str, Venue] = {venue.id: venue for venue in (Binance(), Bybit(), Gateio(), Kraken())}

Request = Callable[[Any], Awaitable[Any]]
"""A call of one or more methods of a ccxt client."""

CONNECTIONS_PER_HOST = 16
REQUESTS_AT_ONCE = 4
"""Requests of one venue under way together: more would queue in ccxt's rate limiter, where even a request
that was given up takes its turn."""

_ccxt_log = logging.getLogger("shared.venues.ccxt")
_ccxt_log.setLevel(logging.WARNING)  # at DEBUG ccxt logs the headers of signed requests


_transport: ContextVar[Transport] = ContextVar("transport")
"""Of the request under way in this task, and in the tasks that ccxt starts for it."""

_decoder: ContextVar[msgspec.json.Decoder[Any] | None] = ContextVar("decoder", default=None)
"""Made for the answer to that request, if there is one."""


class Answer(NamedTuple):
    """A decoded body and how it came. `latency_ms` includes the wait for our own rate limiter."""

    body: Any
    received_ms: int
    latency_ms: int
    clock_drift_ms: int | None

    def drift_from(self, server_ms: int, resolution_ms: int = 1) -> int:
        """The drift by a time that the venue wrote into its answer."""
        return clock_drift_ms(server_ms, resolution_ms, self.received_ms - self.latency_ms, self.received_ms)


def clock_drift_ms(server_ms: int, resolution_ms: int, sent_ms: int, received_ms: int) -> int:
    """By how much the venue's clock is at least ahead of ours (negative: behind); 0 where they may agree.

    The venue read its clock between `sent_ms` and `received_ms`, and saw a time between `server_ms` and
    `resolution_ms` later.
    """
    if server_ms > received_ms:
        return server_ms - received_ms
    return min(server_ms + resolution_ms - sent_ms, 0)


def _date_ms(transport: Transport) -> int | None:
    try:
        return int(parsedate_to_datetime(transport.header("Date")).timestamp() * 1000)
    except ValueError:
        return None


def _decode(text: str) -> Any:
    decoder = _decoder.get()
    if decoder is not None:
        with suppress(msgspec.DecodeError):
            return decoder.decode(text)
    return orjson.loads(text)


class VenueClient:
    """One venue's ccxt client."""

    def __init__(
        self, venue: Venue, exchange: Any, clock: Clock, cooldowns: Cooldowns, rest_s: Mapping[int, int]
    ) -> None:
        self.venue = venue
        self.exchange = exchange
        self._clock = clock
        self._cooldowns = cooldowns
        self._rest_s = rest_s
        self._room = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self._sent_s = self._heard_s = 0.0
        self._turn = exchange.throttle
        exchange.throttle = self._throttle
        exchange.on_rest_response = self._note
        exchange.on_json_response = _decode

    async def _throttle(self, cost: float | None = None) -> None:
        await self._turn(cost)
        _transport.get().sent = True
        self._sent_s = perf_counter()

    def _note(
        self, status: int, _reason: str, _url: str, _method: str, headers: Any, text: str, *_: Any
    ) -> str:
        self._heard_s = perf_counter()
        transport = _transport.get()
        transport.status, transport.headers = status, headers
        transport.received_ms = self._clock.now_ms()
        return text.strip()

    async def ask(self, request: Request, decoder: msgspec.json.Decoder[Any] | None = None) -> Answer:
        """Send a request; a second time where the venue was silent or broke down; never into a ban.

        A body that the decoder does not expect is decoded to plain values, as any other.

        Raises:
            VenueTimeout: no answer, twice.
            VenueUnavailable: broken down or unreachable, twice.
            VenueBanned: the venue cools down, or sent us away just now.
            VenueLied: the body could not be read.
            VenueError: it refused the request.
        """
        _decoder.set(decoder)
        try:
            return await self._ask(request)
        except (VenueTimeout, VenueUnavailable):
            return await self._ask(request, again=True)

    def not_in_time(self, wanted: str, within_s: float) -> VenueError:
        """Why a request of this task has no answer: the venue was silent, or our rate limit did not let it go.

        One that still waited for its turn waited for the venue, if the venue has not answered what was sent last.
        """
        transport = _transport.get(None)
        if (transport is not None and transport.sent) or self._sent_s > self._heard_s:
            return VenueTimeout(self.venue.id, f"no {wanted} within {within_s:g} s")
        return VenueRateLimited(
            self.venue.id, f"our rate limit left no room for {wanted} within {within_s:g} s"
        )

    async def _ask(self, request: Request, *, again: bool = False) -> Answer:
        async with self._room:
            self._cooldowns.check(self.venue.id)
            transport = Transport(sent=again)
            _transport.set(transport)
            started = perf_counter()
            try:
                body = await request(self.exchange)
            except Exception as error:  # noqa: BLE001 - ccxt lets any error of its parsers through; all are translated
                failure = translate(
                    self.venue.id,
                    error,
                    transport,
                    self._clock.now_ms(),
                    rest_s=self._rest_s,
                    secrets=tuple(filter(None, (self.exchange.apiKey, self.exchange.secret))),
                )
            else:
                latency_ms = round((perf_counter() - started) * 1000)
                received_ms = transport.received_ms
                date_ms = _date_ms(transport)
                drift_ms = (
                    None
                    if date_ms is None
                    else clock_drift_ms(date_ms, 1000, received_ms - latency_ms, received_ms)
                )
                return Answer(body, received_ms, latency_ms, drift_ms)
        if isinstance(failure, VenueBanned):
            await self._cooldowns.start(failure)
        raise failure


class Clients:
    """The clients of one event loop. Connections outlive a tick; `close` before the loop ends.

    The quick ones serve the ticks. The slow ones serve the reference: they alone hold keys, and have rate
    limiters of their own, so that no tick waits behind a refresh.
    """

    def __init__(self, clock: Clock, cooldowns: Cooldowns, options: ClientOptions) -> None:
        self._clock = clock
        self._cooldowns = cooldowns
        self._options = options
        self._tls: ssl.SSLContext | bool = False
        if options.base_url is None or options.base_url.startswith("https:"):
            self._tls = ssl.create_default_context(cafile=certifi.where())
        self._session = aiohttp.ClientSession(
            response_class=BoundedResponse,
            connector=aiohttp.TCPConnector(
                ssl=self._tls, keepalive_timeout=75, limit_per_host=CONNECTIONS_PER_HOST, ttl_dns_cache=300
            ),
        )
        self._quick: dict[str, VenueClient] = {}
        self._slow: dict[str, VenueClient] = {}

    def quick(self, venue: str) -> VenueClient:
        """The client for quotes and books."""
        return self._open(self._quick, venue)

    def slow(self, venue: str) -> VenueClient:
        """The client for instruments, currencies and signed requests."""
        return self._open(self._slow, venue)

    def _open(self, opened: dict[str, VenueClient], venue: str) -> VenueClient:
        if venue not in opened:
            exchange = self._exchange(VENUES[venue])
            opened[venue] = VenueClient(
                VENUES[venue], exchange, self._clock, self._cooldowns, self._options.rest_s
            )
        return opened[venue]

    def _exchange(self, venue: Venue) -> Any:
        keys = {key.partition(":")[::2]: name for key, name in self._options.aliases.items()}
        exchange = EXCHANGES[venue.ccxt_id](
            {
                "session": self._session,
                "logger": _ccxt_log,
                "verify": bool(self._tls),
                "number": str,
                "timeout": self._options.time_out_ms,
                "rateLimiterAlgorithm": "rollingWindow",
                "commonCurrencies": {
                    ticker: name for (owner, ticker), name in keys.items() if owner == venue.id
                },
                "options": {"fetchMarkets": {"types": ["spot"]}},
            }
        )
        exchange.ssl_context = self._tls
        host = self._options.public_hosts.get(venue.id)
        exchange.urls["api"] = {
            name: readdressed(exchange, url, self._options.base_url, host if name == "public" else None)
            for name, url in exchange.urls["api"].items()
        }
        return exchange

    async def close(self) -> None:
        """Close the connections."""
        for client in (*self._quick.values(), *self._slow.values()):
            client.exchange.session = None
        await self._session.close()


def readdressed(exchange: Any, url: Any, base_url: str | None, host: str | None) -> Any:
    """A tree of ccxt's addresses, all at `base_url` if there is one, else at `host` if there is one."""
    if isinstance(url, dict):
        return {name: readdressed(exchange, part, base_url, host) for name, part in url.items()}
    parts = urlsplit(exchange.implode_hostname(url))
    if base_url:
        return base_url.rstrip("/") + parts.path
    return f"{parts.scheme}://{host or parts.netloc}{parts.path}"
