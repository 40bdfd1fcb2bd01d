"""Answers as values: status, body and type, independent of the host that sends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def _plain(value: Any) -> str:
    """Decimals and the like as text, so that no digit is lost on the way."""
    return str(value)


def as_json(value: Any, status: int = 200) -> Answer:
    """A JSON answer."""
    return Answer(status, orjson.dumps(value, default=_plain))


def problem(status: int, title: str, *errors: str) -> Answer:
    """An error as problem details (RFC 9457), each error with value, limit and remedy."""
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": "; ".join(errors),
        "errors": errors,
    }
    return Answer(status, orjson.dumps(body), "application/problem+json")
