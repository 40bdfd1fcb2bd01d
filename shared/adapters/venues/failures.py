"""What went wrong with a request, in the product's own exceptions; whether to ask again follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from aiohttp import ClientConnectorDNSError

from shared.adapters.venues.cooldown import REST_S
from shared.adapters.venues.imports import errors
from shared.adapters.venues.reading import MALFORMED, TooLarge, summary
from shared.errors import VenueBanned, VenueError, VenueLied, VenueTimeout, VenueUnavailable

LONGEST_REST_S = 3 * 86_400
"""Binance bans an address for up to three days; a longer wish is a fault."""

TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500
OK = 200


@dataclass(slots=True)
class Transport:
    """What came back on the wire; no status if nothing whole did. `sent` once our rate limiter let it go."""

    sent: bool = False
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    received_ms: int = 0

    def header(self, name: str) -> str:
        """A header's value, empty if it is missing; some proxies write the names in small letters."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "").strip()


def retry_at_ms(wish: str, default_s: int, now_ms: int) -> int:
    """When to ask again: as the Retry-After header wishes, in seconds or as a date, or by default."""
    wait_ms = default_s * 1000
    if wish.isdecimal():
        wait_ms = int(wish) * 1000
    elif wish:
        try:
            wait_ms = int(parsedate_to_datetime(wish).timestamp() * 1000) - now_ms
        except ValueError:
            wait_ms = default_s * 1000
    return now_ms + min(max(wait_ms, 1000), LONGEST_REST_S * 1000)


def translate(
    venue: str,
    error: Exception,
    transport: Transport,
    now_ms: int,
    *,
    rest_s: Mapping[int, int] = REST_S,
    secrets: tuple[str, ...] = (),
) -> VenueError:
    """The product's error for what a ccxt client raised.

    Args:
        venue: our id of the venue.
        error: ccxt's exception, or one of Python's where ccxt stumbled over the body.
        transport: what came back on the wire.
        now_ms: milliseconds since the epoch.
        rest_s: seconds to hold off by status that bans.
        secrets: the key that the client holds, if any; it must not appear in the message.
    """
    status = transport.status
    text = summary(_words(error), secrets) or f"answered {status}"
    if secrets and isinstance(error, errors.AuthenticationError):
        return VenueError(venue, f"refused the API key: {text}")
    if status in rest_s or isinstance(error, (errors.DDoSProtection, errors.RateLimitExceeded)):
        rest = rest_s.get(status or 0, REST_S[TOO_MANY_REQUESTS])
        return VenueBanned(venue, text, retry_at_ms(transport.header("Retry-After"), rest, now_ms))
    if isinstance(error, TooLarge):
        text = f"answered with {error}"
    elif status is None:
        text = _silence(error.__cause__ or error)
    elif isinstance(error, MALFORMED):
        text = f"answered {status} with an unreadable body ({type(error).__name__})"
    return _kind(error, status)(venue, text)


def _silence(cause: BaseException) -> str:
    """Why nothing came back, in words where the cause is on this machine's side."""
    if isinstance(cause, ClientConnectorDNSError):
        return "gave no answer: its name cannot be resolved; is there a network? (no proxy is used)"
    return f"gave no answer ({type(cause).__name__})"


def _words(error: Exception) -> str:
    """What the error says; ccxt's own start with ccxt's name of the venue."""
    return str(error).partition(" ")[2] if isinstance(error, errors.BaseError) else str(error)


def _kind(error: Exception, status: int | None) -> type[VenueError]:
    if isinstance(error, errors.RequestTimeout):
        return VenueTimeout
    if isinstance(error, errors.ExchangeNotAvailable):
        broken = status is None or status == OK or status >= SERVER_ERROR
        return VenueUnavailable if broken else VenueError
    cut_short = status is None and isinstance(error, errors.ExchangeError)
    return VenueLied if cut_short or isinstance(error, MALFORMED) else VenueError
