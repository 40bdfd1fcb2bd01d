"""Requests checked: every wrong field of a body or a query is named with value, limit and remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from shared.domain.exact import written
from shared.errors import InputError
from shared.scans import ScanRequest

MAX_BODY_BYTES = 16_384
MAX_SYMBOLS = 200
MAX_PAGE = 500
MAX_NUMBER = Decimal(1_000_000_000)
MAX_TEXT = 200
MAX_RELOAD = 1_000
RELOAD_FIELDS = ("blobs", "poisoned", "since")
SWITCH_FIELDS = ("tripped", "by", "reason")
SCAN_FIELDS = ("venues", "symbols", "min_net_bps", "capital")


class BadRequest(InputError):
    """A request that cannot be served; `problems` names everything that is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def as_sent(value: object) -> str:
    """A value as an error repeats it: JSON's own words, and not much of a long one."""
    text = repr(value) if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."


def is_line(value: object) -> bool:
    """Whether a value is a line that a person can read."""
    return isinstance(value, str) and 0 < len(value.strip()) <= MAX_TEXT and value.isprintable()


def body_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; an empty body is an empty object.

    Raises:
        BadRequest: too large, no JSON, or no object.
    """
    if len(body) > MAX_BODY_BYTES:
        raise BadRequest([f"body: {len(body)} bytes, limit {MAX_BODY_BYTES}; send less"])
    if not body.strip():
        return {}
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest([f"body: is no JSON ({error}); send an object such as {{}}"]) from None
    if not isinstance(parsed, dict):
        raise BadRequest([f"body: {as_sent(parsed)} is no object; send one such as {{}}"])
    return parsed


def unknown_fields(given: Mapping[str, Any], known: Sequence[str]) -> list[str]:
    """An error for each field that a body must not have."""
    return [f"{name}: unknown field; known are {', '.join(known)}" for name in given if name not in known]


def positive(name: str, value: object, errors: list[str], *, zero: bool) -> Decimal | None:
    """A number of a request that must not be negative, or None with the error noted."""
    remedy = f"send a number {'of zero or more' if zero else 'above zero'}, {MAX_NUMBER} at most"
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        errors.append(f"{name}: {as_sent(value)} is no number; {remedy}")
        return None
    try:
        number = written(str(value))
    except ValueError:
        errors.append(f"{name}: {as_sent(value)} is no number; {remedy}")
        return None
    if not 0 <= number <= MAX_NUMBER or (number == 0 and not zero):
        errors.append(f"{name}: {as_sent(value)} is out of range; {remedy}")
        return None
    return number


def _names(field: str, value: object, errors: list[str]) -> tuple[str, ...] | None:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        errors.append(
            f'{field}: {as_sent(value)} is no list of names; send one such as ["..."] or leave it out'
        )
        return None
    if len(value) > MAX_SYMBOLS:
        errors.append(f"{field}: {len(value)} names, limit {MAX_SYMBOLS}; send fewer")
        return None
    return tuple(dict.fromkeys(value))


def scan_request(body: bytes, venues: tuple[str, ...]) -> ScanRequest:
    """A manual scan's overrides; symbols in capitals, as every venue's are.

    Args:
        body: JSON with any of `venues`, `symbols`, `min_net_bps`, `capital`.
        venues: the venues that are configured.

    Raises:
        BadRequest: a field is unknown or wrong.
    """
    given = body_object(body)
    errors = unknown_fields(given, SCAN_FIELDS)
    chosen: tuple[str, ...] | None = None
    symbols: tuple[str, ...] | None = None
    min_net_bps = capital = None
    if given.get("venues") is not None:
        chosen = _names("venues", given["venues"], errors)
        errors += [
            f"venues: {as_sent(name)} is unknown; known are {', '.join(venues)}"
            for name in chosen or ()
            if name not in venues
        ]
    if given.get("symbols") is not None:
        symbols = _names("symbols", given["symbols"], errors)
        symbols = symbols and tuple(dict.fromkeys(name.upper() for name in symbols))
        errors += [
            f"symbols: {as_sent(name)} is no symbol; write BASE/QUOTE"
            for name in symbols or ()
            if name.count("/") != 1 or not all(name.split("/"))
        ]
    if given.get("min_net_bps") is not None:
        min_net_bps = positive("min_net_bps", given["min_net_bps"], errors, zero=True)
    if given.get("capital") is not None:
        capital = positive("capital", given["capital"], errors, zero=False)
    if errors:
        raise BadRequest(errors)
    return ScanRequest("http", chosen, symbols, min_net_bps, capital)


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows a caller wants."""

    where: dict[str, Any]
    limit: int
    offset: int


def _filter_value(name: str, value: str, kind: str, errors: list[str]) -> str | Decimal | datetime | None:
    if kind == "number":
        return positive(name, value, errors, zero=True)
    return value if kind == "text" else moment(name, value, errors)


def moment(name: str, value: object, errors: list[str]) -> datetime | None:
    """A time of a request in UTC, or None with the error noted."""
    remedy = "write 2026-01-31T12:00:00Z"
    try:
        given = datetime.fromisoformat(value) if isinstance(value, str) else None
        if given and given.tzinfo:
            return given.astimezone(UTC)
    except (ValueError, OverflowError):
        given = None
    errors.append(f"{name}: {as_sent(value)} {'has no time zone' if given else 'is no time'}; {remedy}")
    return None


def past_ms(name: str, value: object, errors: list[str], now_ms: int) -> int | None:
    """A time that has passed, in ms since the epoch, or None with the error noted."""
    given = moment(name, value, errors)
    if given is None:
        return None
    given_ms = int(given.timestamp() * 1000)
    if given_ms > now_ms:
        errors.append(f"{name}: {as_sent(value)} is in the future; give a time that has passed")
    return given_ms


@dataclass(frozen=True, slots=True)
class ReloadRequest:
    """What a caller wants to have loaded again; one of the three."""

    blobs: tuple[str, ...] = ()
    poisoned: bool = False
    since_ms: int | None = None


def reload_request(body: bytes, now_ms: int) -> ReloadRequest:
    """What to load again: `blobs`, `poisoned` or `since`.

    Raises:
        BadRequest: none or several of them are given, or one is wrong.
    """
    given = body_object(body)
    errors = unknown_fields(given, RELOAD_FIELDS)
    if len(given) != 1:
        errors.append(f"body: {len(given)} fields; send exactly one of {', '.join(RELOAD_FIELDS)}")
    if errors:
        raise BadRequest(errors)
    blobs: tuple[str, ...] = ()
    if "blobs" in given:
        blobs = _names("blobs", given["blobs"], errors) or ()
    if "poisoned" in given and given["poisoned"] is not True:
        errors.append(f"poisoned: {as_sent(given['poisoned'])} is not true; send true")
    since_ms = past_ms("since", given["since"], errors, now_ms) if "since" in given else None
    if errors:
        raise BadRequest(errors)
    return ReloadRequest(blobs, "poisoned" in given, since_ms)


def page(params: Mapping[str, str], filters: Mapping[str, str]) -> Page:
    """Paging and filters of a query.

    Args:
        params: the query's parameters.
        filters: parameter -> `column:kind`, kind being text, number or time.

    Raises:
        BadRequest: a parameter is unknown or wrong.
    """
    errors: list[str] = []
    bounds = {"limit": (1, MAX_PAGE, 50), "offset": (0, 1_000_000, 0)}
    numbers: dict[str, int] = {}
    for name, (least, most, default) in bounds.items():
        value = params.get(name, str(default))
        digits = value if value.isascii() and len(value) <= len(str(most)) else ""
        if digits.isdigit() and least <= int(digits) <= most:
            numbers[name] = int(value)
        else:
            errors.append(f"{name}: {as_sent(value)} is no whole number from {least} to {most}; send one")
    where: dict[str, Any] = {}
    for name, value in params.items():
        if name in bounds or name == "code":
            continue
        if name in filters:
            column, kind = filters[name].split(":")
            where[column] = _filter_value(name, value, kind, errors)
        else:
            errors.append(f"{name}: unknown parameter; known are {', '.join([*filters, *bounds])}")
    if errors:
        raise BadRequest(errors)
    return Page(where, numbers["limit"], numbers["offset"])
