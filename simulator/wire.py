"""What the four wire formats share: decimal text, JSON bodies, and the clocks of a request."""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

NOW_MS: web.RequestKey[int] = web.RequestKey("now_ms", int)
"""The venue's own clock when the request came in."""
DATA_MS: web.RequestKey[int] = web.RequestKey("data_ms", int)
"""The clock of its market data: the same, unless its books are frozen."""

_SCALES = tuple(10.0**n for n in range(16))


def fixed(whole: int, decimals: int) -> str:
    """Ticks or steps as text with all of the instrument's decimals."""
    return f"{whole / _SCALES[decimals]:.{decimals}f}"


def trimmed(whole: int, decimals: int) -> str:
    """Ticks or steps as text without trailing zeros."""
    text = f"{whole / _SCALES[decimals]:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text


def step_text(decimals: int) -> str:
    """The size of one tick or step: 0.001 for three decimals."""
    return f"{1 / _SCALES[decimals]:.{decimals}f}"


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON response; bytes are taken as JSON that is ready."""
    body = value if isinstance(value, bytes) else orjson.dumps(value)
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def whole_number(text: str | None, default: int) -> int | None:
    """A whole, positive query parameter; None if it is not one."""
    if text is None:
        return default
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else None
