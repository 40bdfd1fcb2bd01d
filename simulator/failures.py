"""The bodies, statuses and headers with which each venue refuses, breaks or rests."""

from collections.abc import Mapping
from http import HTTPStatus

from simulator.faults import Failure, FaultName

_JSON = "application/json"
_HTML = "text/html"


def _page(title: str, text: str) -> bytes:
    return (
        f"<!DOCTYPE html><html><head><title>{title}</title></head>"
        f"<body><center><h1>{title}</h1></center><hr><p>{text}</p></body></html>"
    ).encode()


_CLOUDFRONT_COUNTRY = _page(
    "ERROR: The request could not be satisfied",
    "The Amazon CloudFront distribution is configured to block access from your country. "
    "We can't connect to the server for this app or website at this time.",
)
_CLOUDFRONT_BLOCKED = _page(
    "ERROR: The request could not be satisfied",
    "Request blocked. We can't connect to the server for this app or website at this time.",
)
_BYBIT_FREQUENT = _page("403 Forbidden", "access too frequent")
_CLOUDFLARE_BLOCKED = _page("Attention Required! | Cloudflare", "Sorry, you have been blocked.")
_NGINX_403 = _page("403 Forbidden", "nginx")
_NGINX_502 = _page("502 Bad Gateway", "nginx")
_NGINX_503 = _page("503 Service Temporarily Unavailable", "nginx")
_CLOUDFLARE_520 = _page("520: Web server is returning an unknown error", "Cloudflare")

_BINANCE_WEIGHT = (
    b'{"code":-1003,"msg":"Too much request weight used; current limit is 6000 request weight per 1 MINUTE. '
    b'Please use WebSocket Streams for live updates to avoid polling the API."}'
)
_BINANCE_BANNED = (
    b'{"code":-1003,"msg":"Way too much request weight used; IP banned until %d. '
    b'Please use WebSocket Streams for live updates to avoid bans."}'
)
_BINANCE_PLACE = (
    b'{"code":0,"msg":"Service unavailable from a restricted location according to \'b. Eligibility\' in '
    b"https://www.binance.com/en/terms. Please contact customer service if you believe you received this "
    b'message in error."}'
)
_BYBIT_VISITS = b'{"retCode":10006,"retMsg":"Too many visits!","result":{},"retExtInfo":{},"time":%d}'
_GATE_REQUESTS = b'{"label":"TOO_MANY_REQUESTS","message":"Request Rate Limit Exceeded"}'
_GATE_FORBIDDEN = b'{"message":"Request is forbidden in your region","label":"FORBIDDEN"}'
_GATE_ERROR = b'{"label":"SERVER_ERROR","message":"Internal server error"}'


def _kraken(error: str) -> tuple[int, str, bytes]:
    return 200, _JSON, b'{"error":["%s"]}' % error.encode()


_FAILURES: Mapping[str, Mapping[FaultName, tuple[int, str, bytes]]] = {
    "binance": {
        FaultName.RATE_LIMITED: (429, _JSON, _BINANCE_WEIGHT),
        FaultName.BANNED: (418, _JSON, _BINANCE_BANNED),
        FaultName.GEO_BLOCKED: (451, _JSON, _BINANCE_PLACE),
        FaultName.FORBIDDEN_PAGE: (403, _HTML, _CLOUDFRONT_BLOCKED),
        FaultName.SERVER_ERROR: (502, _HTML, _NGINX_502),
        FaultName.MAINTENANCE: (503, _HTML, _NGINX_503),
    },
    "bybit": {
        FaultName.RATE_LIMITED: (200, _JSON, _BYBIT_VISITS),
        FaultName.BANNED: (403, _HTML, _BYBIT_FREQUENT),
        FaultName.GEO_BLOCKED: (403, _HTML, _CLOUDFRONT_COUNTRY),
        FaultName.FORBIDDEN_PAGE: (403, _HTML, _CLOUDFRONT_BLOCKED),
        FaultName.SERVER_ERROR: (502, _HTML, _NGINX_502),
        FaultName.MAINTENANCE: (503, _HTML, _NGINX_503),
    },
    "gateio": {
        FaultName.RATE_LIMITED: (429, _JSON, _GATE_REQUESTS),
        FaultName.BANNED: (429, _JSON, _GATE_REQUESTS),
        FaultName.GEO_BLOCKED: (403, _JSON, _GATE_FORBIDDEN),
        FaultName.FORBIDDEN_PAGE: (403, _HTML, _NGINX_403),
        FaultName.SERVER_ERROR: (500, _JSON, _GATE_ERROR),
        FaultName.MAINTENANCE: (503, _HTML, _NGINX_503),
    },
    "kraken": {
        FaultName.RATE_LIMITED: _kraken("EAPI:Rate limit exceeded"),
        FaultName.BANNED: _kraken("EGeneral:Temporary lockout"),
        FaultName.GEO_BLOCKED: (451, _HTML, _CLOUDFLARE_BLOCKED),
        FaultName.FORBIDDEN_PAGE: (403, _HTML, _CLOUDFLARE_BLOCKED),
        FaultName.SERVER_ERROR: (520, _HTML, _CLOUDFLARE_520),
        FaultName.MAINTENANCE: _kraken("EService:Unavailable"),
    },
}
_DEFAULT_BAN_S = 120.0


def failure_of(venue: str, fault: FaultName, *, now_ms: int, retry_after_s: float | None) -> Failure | None:
    """What the venue sends instead of an answer, or None for faults that bend the answer itself.

    The wait goes where the venue tells it: Retry-After with a failing status, X-Bapi-Limit-Reset-Timestamp
    (milliseconds) at Bybit, X-Gate-RateLimit-Reset-Timestamp (seconds) at Gate.io; Kraken tells none.
    """
    if fault is FaultName.EMPTY_BODY:
        return Failure(200, b"", {"Content-Type": _JSON})
    if fault is FaultName.HTML_BODY:
        return Failure(200, _page("Just a moment...", "Checking your browser"), {"Content-Type": _HTML})
    if fault not in _FAILURES[venue]:
        return None
    status, content_type, body = _FAILURES[venue][fault]
    headers = {"Content-Type": content_type}
    until_ms = now_ms + round(1000 * (retry_after_s if retry_after_s is not None else _DEFAULT_BAN_S))
    if b"%d" in body:
        body = body % (until_ms if fault is FaultName.BANNED else now_ms)
    if retry_after_s is not None:
        if status >= HTTPStatus.BAD_REQUEST:
            headers["Retry-After"] = f"{retry_after_s:g}"
        if venue == "bybit" and status == HTTPStatus.OK:
            headers |= {"X-Bapi-Limit": "600", "X-Bapi-Limit-Status": "0"}
            headers["X-Bapi-Limit-Reset-Timestamp"] = str(until_ms)
        if venue == "gateio" and status == HTTPStatus.TOO_MANY_REQUESTS:
            headers |= {"X-Gate-RateLimit-Limit": "200", "X-Gate-RateLimit-Requests-Remain": "0"}
            headers["X-Gate-RateLimit-Reset-Timestamp"] = str(until_ms // 1000)
    return Failure(status, body, headers)


def truncated(body: bytes) -> bytes:
    """The first half of a body: no longer JSON."""
    return body[: len(body) // 2]


def wrong_type(body: bytes) -> bytes:
    """JSON of another shape than asked for: an object for a list, a list for an object."""
    return b'{"data":[]}' if body.startswith(b"[") else b"[]"
