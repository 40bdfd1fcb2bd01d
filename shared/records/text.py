"""Numbers, times and texts in the forms that every store keeps unchanged."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

from shared.errors import MalformedRecord

DECIMAL_SCALE = 18
DECIMAL_DIGITS = 20
"""Digits before the point: with the scale, the 38 digits of DECIMAL(38, 18) and decimal128."""

_LIMIT = Decimal(10) ** DECIMAL_DIGITS
_STEP = Decimal(1).scaleb(-DECIMAL_SCALE)
_EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)
_ISO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{3})Z", re.ASCII)
_HASH_DIGITS = 12


def plain(value: Decimal) -> str:
    """The number without exponent or trailing zeros, at any precision."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def storable(value: Decimal) -> str | None:
    """The number as every store holds it, rounded half-even to 18 decimals.

    None if it has more than 20 digits before the point or is not finite.
    """
    if not value.is_finite() or value.copy_abs() >= _LIMIT:
        return None
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -DECIMAL_SCALE:
        value = value.quantize(_STEP, context=_EXACT)
        if value.copy_abs() >= _LIMIT:
            return None
    return plain(value)


def iso(time_ms: int) -> str:
    """Milliseconds since the epoch as ISO-8601 UTC, milliseconds always shown."""
    seconds, milliseconds = divmod(time_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


def from_iso(text: str, field: str = "time") -> int:
    """Milliseconds since the epoch of what `iso` wrote.

    Raises:
        MalformedRecord: it is something else.
    """
    match = _ISO.fullmatch(text)
    try:
        if match:
            whole = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
            return int(whole.timestamp()) * 1000 + int(match[2])
    except ValueError:
        pass
    raise MalformedRecord(field, text, "is not a time such as 2026-11-22T12:00:00.000Z")


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units, which is how SQL Server counts an NVARCHAR."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def fitted(text: str, size: int) -> str:
    """The text, or where it is longer than `size` its beginning and a hash: different texts stay different.

    Lone surrogates, which no store takes, become question marks.
    """
    text = text.encode("utf-8", "replace").decode()
    if utf16_length(text) <= size:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]
    room = size - _HASH_DIGITS - 1
    start = text.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore")
    return f"{start}~{digest}"
