"""Settings out of text: each parser takes what a variable holds, or raises ValueError with limit and remedy."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from shared.connection_strings import sql_problems, storage_problems
from shared.domain.exact import written
from shared.domain.fees import FeeOverrides, fee_overrides
from shared.domain.market import VENUE_IDS
from shared.errors import MalformedRecord

Parse = Callable[[str], Any]


def text(value: str) -> str:
    """Any text."""
    return value


def one_of(*allowed: str) -> Parse:
    """One of a few words."""

    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"is none of {', '.join(allowed)}; set one of them")
        return value

    return parse


def whole(least: int, most: int) -> Parse:
    """A whole number between two limits, both allowed."""

    def parse(value: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]+", value):
            raise ValueError(f"is no whole number; set one from {least} to {most} (digits 0-9 alone)")
        try:
            number = int(value)
        except ValueError:  # more digits than Python reads
            number = most + 1
        if not least <= number <= most:
            raise ValueError(f"is outside {least} to {most}; set a number between them")
        return number

    return parse


def number(least: str, most: str) -> Parse:
    """A decimal number between two limits, both allowed."""

    def parse(value: str) -> Decimal:
        try:
            parsed = written(value)
        except ValueError:
            raise ValueError(
                f"is no number; set one from {least} to {most} (digits 0-9 and a point)"
            ) from None
        if not Decimal(least) <= parsed <= Decimal(most):
            raise ValueError(f"is outside {least} to {most}; set a number between them")
        return parsed

    return parse


def words(value: str) -> tuple[str, ...]:
    """Words separated by commas, one at least."""
    found = tuple(dict.fromkeys(word.strip() for word in value.split(",") if word.strip()))
    if not found:
        raise ValueError("names nothing; leave it out, or write names with commas between them")
    return found


def venues(value: str) -> tuple[str, ...]:
    """Ids of venues separated by commas."""
    found = words(value)
    _refuse((venue for venue in found if venue not in VENUE_IDS), _KNOWN_VENUES)
    return found


def assets(value: str) -> tuple[str, ...]:
    """Assets separated by commas."""
    found = words(value)
    _refuse((asset for asset in found if not _is_asset(asset)), "write assets in capitals, as BTC,USDT")
    return found


def block_list(value: str) -> tuple[str, ...]:
    """ASSET, SYMBOL, venue:ASSET or venue:SYMBOL entries separated by commas."""
    found = words(value)

    def is_entry(entry: str) -> bool:
        venue, colon, what = entry.rpartition(":")
        return (not colon or venue in VENUE_IDS) and (_is_asset(what) or _is_symbol(what))

    remedy = f"write BTC, BTC/USDT, kraken:BTC or kraken:BTC/USDT, assets in capitals; {_KNOWN_VENUES}"
    _refuse((entry for entry in found if not is_entry(entry)), remedy)
    return found


_KNOWN_VENUES = f"known venues are {', '.join(VENUE_IDS)}"


def _is_asset(text: object) -> bool:
    """Whether it is written as every asset is: in capitals, without what separates names."""
    return isinstance(text, str) and re.fullmatch(r"[^\s/:,]+", text) is not None and text == text.upper()


def _is_symbol(text: str) -> bool:
    base, _, quote = text.partition("/")
    return _is_asset(base) and _is_asset(quote)


def _refuse(wrong: Iterable[str], remedy: str) -> None:
    if named := ", ".join(repr(each) for each in wrong):
        raise ValueError(f"names {named}; {remedy}")


def url(*schemes: str) -> Parse:
    """An address of one of the schemes."""

    def parse(value: str) -> str:
        if not value.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(f"is no address; start it with {' or '.join(s + '://' for s in schemes)}")
        try:
            parts = urlsplit(value)
            whole_address = bool(parts.hostname) and parts.port != 0 and not re.search(r"\s", value)
        except ValueError:
            whole_address = False
        if not whole_address:
            raise ValueError(f"has no host, or a wrong port; write a whole address, as {schemes[0]}://host")
        return value.rstrip("/")

    return parse


def account_name(value: str) -> str:
    """The name of a storage account."""
    if not re.fullmatch(r"[a-z0-9]{3,24}", value):
        raise ValueError(
            "is no name of a storage account; write its 3 to 24 small letters and digits, without the address"
        )
    return value


def guid(value: str) -> str:
    """The id of an identity or an application."""
    if not re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", value):
        raise ValueError("is no client id; write the GUID that the identity shows as its client id")
    return value


def sql_connection(value: str) -> str:
    """An ODBC connection string."""
    return _usable(value, sql_problems(value))


def storage_connection(value: str) -> str:
    """The connection string of a storage account."""
    return _usable(value, storage_problems(value))


def _usable(value: str, problems: list[str]) -> str:
    if problems:
        raise ValueError(f"cannot be used: {'; '.join(problems)}")
    return value


def insights(value: str) -> str:
    """The connection string of an Application Insights resource."""
    if not re.search(r"(?i)\bInstrumentationKey=[0-9a-f-]{36}(;|$)", value):
        raise ValueError("names no InstrumentationKey; copy the connection string that the resource shows")
    return value


_CLOCK = (
    ("second", 0, 59, ()),
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")),
    ("weekday", 0, 6, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")),
)
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PART = re.compile(r"(?:\*|([0-9]{1,2}|[A-Za-z]{3})(?:-([0-9]{1,2}|[A-Za-z]{3}))?)(?:/([1-9][0-9]?))?")


def schedule(value: str) -> str:
    """Six fields: second minute hour day month weekday."""
    given = value.split()
    if len(given) != len(_CLOCK):
        raise ValueError("has not six fields; write second minute hour day month weekday, as 0 * * * * *")
    meant: dict[str, set[int]] = {}
    for parts, (name, least, most, names) in zip(given, _CLOCK, strict=True):
        meant[name] = set()
        for part in parts.split(","):
            times = _times(part, least, most, names)
            if not times:
                by_name = f" or {names[0]} to {names[-1]}" if names else ""
                remedy = (
                    f"write *, */n, or numbers from {least} to {most}{by_name}, in a range the lower first"
                )
                raise ValueError(f"has {part!r} as {name}; {remedy}")
            meant[name].update(times)
    if not any(min(meant["day"]) <= _LONGEST_MONTHS[month - 1] for month in meant["month"]):
        raise ValueError(
            f"has {given[3]!r} as day, which no month of {given[4]!r} has; write a day that comes"
        )
    return value


def _times(part: str, least: int, most: int, names: tuple[str, ...]) -> range:
    """The numbers that a part of a field means; none if it means nothing."""
    match = _PART.fullmatch(part)
    if not match:
        return range(0)
    begin, end, step = match.groups()

    def numbered(text: str) -> int:
        if text.isdecimal():
            return int(text)
        return least + names.index(text.upper()) if text.upper() in names else most + 1

    first = numbered(begin) if begin else least
    last = numbered(end) if end else first if begin and not step else most
    return range(first, last + 1, int(step or 1)) if least <= first <= last <= most else range(0)


class _NamedTwice(ValueError):
    """An object of JSON with two values for one name."""


def json_once(source: str) -> Any:
    """JSON of which no object names a field twice, where the last would silently win."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        counts = Counter(name for name, _ in pairs)
        if twice := [repr(name) for name, count in counts.items() if count > 1]:
            raise _NamedTwice(f"names {', '.join(twice)} twice; name each once")
        return dict(pairs)

    return json.loads(source, object_pairs_hook=once)


def json_object(value: str) -> dict[str, Any]:
    """A JSON object, or the path of a file that holds one."""
    try:
        source = value if value.lstrip().startswith("{") else Path(value).read_text(encoding="utf-8")
        parsed = json_once(source)
    except _NamedTwice:
        raise
    except (OSError, ValueError) as error:
        raise ValueError(f"is neither a JSON object nor a readable file of one ({error})") from None
    if not isinstance(parsed, dict):
        raise ValueError("is no JSON object; write {...}")  # noqa: TRY004 - every parser raises ValueError
    return parsed


def fees(value: str) -> FeeOverrides:
    """Taker fees by venue and instrument, as a JSON object or the path of a file that holds one."""
    try:
        found = fee_overrides(json_object(value))
    except MalformedRecord as error:
        raise ValueError(f"holds no fee at {error}") from None
    _refuse((venue for venue in found.venues if venue not in VENUE_IDS), _KNOWN_VENUES)
    _refuse(
        (symbol for _, symbol in found.instruments if not _is_symbol(symbol)), "write symbols as BTC/USDT"
    )
    return found


def aliases(value: str) -> dict[str, str]:
    """Names of assets by venue:TICKER, as a JSON object or the path of a file that holds one."""
    found = json_object(value)

    def is_alias(key: str) -> bool:
        venue, _, ticker = key.partition(":")
        return venue in VENUE_IDS and _is_asset(ticker) and _is_asset(found[key])

    wrong = next((key for key in found if not is_alias(key)), None)
    if wrong is not None:
        remedy = 'write {"gateio:ABC": "XYZ"}, both in capitals'
        raise ValueError(f"has {json.dumps({wrong: found[wrong]})}; {remedy}; {_KNOWN_VENUES}")
    return found
