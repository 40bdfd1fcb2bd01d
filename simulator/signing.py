"""Signatures of the four venues, checked against the one key that the simulator knows."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from enum import Enum
from urllib.parse import parse_qs, unquote

from aiohttp import web

DEMO_API_KEY = "simulated-read-only"
DEMO_API_SECRET = b64encode(b"opens nothing but this simulator").decode()
"""Base64, because Kraken's secrets are; the other venues use the text as it is."""
_SECRET = DEMO_API_SECRET.encode()


class Credentials(Enum):
    """What is wrong with a signed request, if anything."""

    GOOD = "good"
    NO_KEY = "no_key"
    UNKNOWN_KEY = "unknown_key"
    NO_TIMESTAMP = "no_timestamp"
    BAD_SIGNATURE = "bad_signature"


def _judge(key: str, timestamp: str, signature: str, expected: str) -> Credentials:
    if not key:
        return Credentials.NO_KEY
    if key != DEMO_API_KEY:
        return Credentials.UNKNOWN_KEY
    if not timestamp:
        return Credentials.NO_TIMESTAMP
    return Credentials.GOOD if hmac.compare_digest(signature, expected) else Credentials.BAD_SIGNATURE


def _raw_query(request: web.Request) -> str:
    return request.raw_path.partition("?")[2]


def binance_credentials(request: web.Request) -> Credentials:
    """HMAC SHA256 of the query string up to `signature`, hex; key in X-MBX-APIKEY."""
    signed, _, signature = _raw_query(request).partition("&signature=")
    expected = hmac.new(_SECRET, signed.encode(), hashlib.sha256).hexdigest()
    key = request.headers.get("X-MBX-APIKEY", "")
    return _judge(key, request.query.get("timestamp", ""), signature, expected)


def bybit_credentials(request: web.Request) -> Credentials:
    """HMAC SHA256 of timestamp, key, receive window and query string, hex; all in X-BAPI headers."""
    headers = request.headers
    key, timestamp = headers.get("X-BAPI-API-KEY", ""), headers.get("X-BAPI-TIMESTAMP", "")
    payload = timestamp + key + headers.get("X-BAPI-RECV-WINDOW", "") + _raw_query(request)
    expected = hmac.new(_SECRET, payload.encode(), hashlib.sha256).hexdigest()
    return _judge(key, timestamp, headers.get("X-BAPI-SIGN", ""), expected)


def gateio_credentials(request: web.Request) -> Credentials:
    """HMAC SHA512 of method, path, query, body hash and timestamp on lines of their own, hex."""
    headers = request.headers
    timestamp = headers.get("Timestamp", "")
    body_hash = hashlib.sha512(b"").hexdigest()
    lines = (request.method, request.path, unquote(_raw_query(request)), body_hash, timestamp)
    expected = hmac.new(_SECRET, "\n".join(lines).encode(), hashlib.sha512).hexdigest()
    return _judge(headers.get("KEY", ""), timestamp, headers.get("SIGN", ""), expected)


async def kraken_credentials(request: web.Request) -> tuple[Credentials, dict[str, str]]:
    """HMAC SHA512 of path and SHA256(nonce + form) with the decoded secret, base64; and the form's fields."""
    text = await request.text()
    form = {name: values[0] for name, values in parse_qs(text).items()}
    nonce = form.get("nonce", "")
    message = request.path.encode() + hashlib.sha256((nonce + text).encode()).digest()
    expected = b64encode(hmac.new(b64decode(_SECRET), message, hashlib.sha512).digest()).decode()
    key, signature = request.headers.get("API-Key", ""), request.headers.get("API-Sign", "")
    return _judge(key, nonce, signature, expected), form
