"""Reading foreign bodies: whatever a mapper stumbles over is an error of the venue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.errors import VenueLied

MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError, ArithmeticError)
"""What a mapper raises on a body of the wrong shape."""


class TooLarge(ValueError):
    """A body longer than any honest one."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")


_LONGEST_TEXT = 160
_URL = re.compile(r"(GET |POST )?https?://\S+")
_TAGS = re.compile(r"<[^>]*>")


def summary(text: str, secrets: tuple[str, ...] = ()) -> str:
    """One short line that shows neither addresses (they carry signatures) nor keys."""
    for secret in secrets:
        text = text.replace(secret, "***")
    line = " ".join(_TAGS.sub(" ", _URL.sub("", text)).split())
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 3] + "..."


def describe(body: Any) -> str:
    """What a body is, without showing more than its beginning."""
    if isinstance(body, (dict, list)):
        return f"{'an object' if isinstance(body, dict) else 'a list'} of {len(body)} entries"
    if isinstance(body, str) and body:
        return f"{len(body)} characters of text starting {summary(body[:40])!r}"
    return "nothing"


@contextmanager
def reading(venue: str, what: str, body: Any) -> Iterator[None]:
    """Map a body.

    Raises:
        VenueLied: the mapper found it misshapen.
    """
    try:
        yield
    except MALFORMED as error:
        raise VenueLied(
            venue, f"answered with {describe(body)}, which is no {what} ({error!r:.80})"
        ) from error
