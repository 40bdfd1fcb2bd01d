"""Fields of foreign JSON: each is read as its type, or refused with its place, its value and what to do.

JSON integers are read as numbers; other JSON numbers are refused, since reading them has rounded them already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, TypeVar

from shared.domain.market import FeeAsset
from shared.errors import MalformedRecord

T = TypeVar("T")
Rows = Sequence[Sequence[str | None]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MAGNITUDE = 40
"""Numbers from 10^-40 to 10^40 are read; beyond that nothing is a price, an amount or a fee."""


class Wrong(Exception):
    """A value that does not fit; `place` grows from the inside out while the error travels up."""

    def __init__(self, value: object, remedy: str, place: str = "") -> None:
        super().__init__(remedy)
        self.value = value
        self.remedy = remedy
        self.place = place

    def under(self, name: str) -> Wrong:
        """The same, one level further out."""
        self.place = f"{name}{'' if self.place[:1] in ('', '[') else '.'}{self.place}"
        return self

    def malformed(self) -> MalformedRecord:
        """The error for whoever reads the record."""
        return MalformedRecord(self.place, self.value, self.remedy)


def each(raw: object, read: Callable[[str, Any], T]) -> dict[str, T]:
    """An object's entries, read one by one; a missing object is an empty one."""
    found: dict[str, T] = {}
    for name, value in objects(raw).items():
        try:
            found[name] = read(name, value)
        except Wrong as wrong:
            raise wrong.under(name) from None
    return found


def objects(raw: object) -> dict[str, Any]:
    """An object, or an empty one where it is missing."""
    if raw is None:
        return {}
    if type(raw) is not dict:
        raise Wrong(raw, "is no object; write {...}")
    return raw


def field(source: dict[str, Any], name: str, read: Callable[[Any], T]) -> T:
    """One field of an object; a missing one is read as None."""
    try:
        return read(source.get(name))
    except Wrong as wrong:
        raise wrong.under(name) from None


def number(raw: object) -> Decimal | None:
    """A decimal number in text, or a whole one."""
    if raw is None:
        return None
    if type(raw) is int or type(raw) is str:
        try:
            value = Decimal(raw)
        except InvalidOperation:
            raise Wrong(raw, 'is no number; write it as text, such as "0.01"') from None
        if value.is_finite() and -_MAGNITUDE <= value.adjusted() <= _MAGNITUDE:
            return value
        raise Wrong(raw, f"is outside 1e-{_MAGNITUDE} to 1e{_MAGNITUDE}; write a number within")
    raise Wrong(raw, 'is not exact; write numbers as text, such as "0.01"')


def amount(raw: object) -> Decimal | None:
    """A number that is not negative."""
    value = number(raw)
    if value is not None and value < 0:
        raise Wrong(raw, "is negative; write zero or more, or leave it out")
    return value


def basis_points(raw: object) -> Decimal | None:
    """A fee in basis points."""
    value = number(raw)
    if value is not None and abs(value) >= 10_000:  # noqa: PLR2004 - a whole
        raise Wrong(raw, "is outside -10000 to 10000; write basis points such as 10")
    return value


def flag(raw: object) -> bool | None:
    """True, false, or null for unknown."""
    if raw is not None and type(raw) is not bool:
        raise Wrong(raw, "is neither true nor false; write one of them, or null for unknown")
    return raw


def words(raw: object) -> str | None:
    """Text, or null."""
    if raw is not None and type(raw) is not str:
        raise Wrong(raw, "is no text; write it in quotes, or null")
    return raw


def whole(raw: object) -> int | None:
    """A whole number, or null."""
    if raw is not None and type(raw) is not int:
        raise Wrong(raw, "is no whole number; write one without quotes, or null")
    return raw


def fee_asset(raw: object) -> FeeAsset | None:
    """What a fee is taken from."""
    if raw is None:
        return None
    try:
        return FeeAsset(str(raw))
    except ValueError:
        raise Wrong(raw, "is unknown; write received or quote, or null") from None


def time_ms(raw: object) -> int | None:
    """Milliseconds of a time in ISO 8601 with its zone."""
    if raw is None:
        return None
    if type(raw) is not str:
        raise Wrong(raw, 'is no time; write text such as "2026-11-22T12:00:00.000Z"')
    return _milliseconds(raw)


@lru_cache(maxsize=4_096)
def _milliseconds(written: str) -> int:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise Wrong(written, "is no time; write one such as 2026-11-22T12:00:00.000Z") from None
    if moment.tzinfo is None:
        raise Wrong(written, "has no zone; write UTC with a Z at the end")
    return (moment - _EPOCH) // _MILLISECOND


@lru_cache(maxsize=4_096)
def iso_time(milliseconds: int) -> str:
    """The time in ISO 8601, UTC, to the millisecond."""
    moment = _EPOCH + milliseconds * _MILLISECOND
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def rows(raw: object) -> Rows:
    """Levels as they came: lists of a price and an amount in text; what is in the texts is the book's matter."""
    if raw is None:
        return ()
    if type(raw) is not list:
        raise Wrong(raw, "is no list; write [[price, amount], ...], best first")
    for place, row in enumerate(raw):
        if type(row) is not list or len(row) != 2:  # noqa: PLR2004 - price and amount
            raise Wrong(row, 'is no level; write ["price", "amount"]', f"[{place}]")
        price, size = row
        if type(price) is not str or (size is not None and type(size) is not str):
            try:
                raw[place] = [_figure(price), _figure(size)]
            except Wrong as wrong:
                raise wrong.under(f"[{place}]") from None
    return raw


def _figure(raw: object) -> str | None:
    if type(raw) is int:
        return str(raw)
    if raw is not None and type(raw) is not str:
        raise Wrong(raw, 'is not exact; write numbers as text, such as "0.01"')
    return raw
