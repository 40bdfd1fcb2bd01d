"""Faults of a venue, switched on and off at run time, with the bodies that the real venue would send."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from simulator.listings import VENUES

_DAY_S = 86_400


class FaultName(StrEnum):
    """What goes wrong. A venue without such a status of its own fails the way it does for that cause."""

    RATE_LIMITED = "rate_limited_429"
    BANNED = "banned_418"
    GEO_BLOCKED = "geo_451"
    FORBIDDEN_PAGE = "forbidden_403_page"
    SERVER_ERROR = "server_error_5xx"
    TIME_OUT = "time_out"
    TRUNCATED_BODY = "truncated_body"
    EMPTY_BODY = "empty_body"
    HTML_BODY = "html_body"
    WRONG_TYPE = "wrong_type"
    MAINTENANCE = "maintenance"
    FROZEN = "frozen"
    NONE = "none"


class FaultRefusedError(ValueError):
    """A fault that cannot be switched on; the text names the value, what is allowed and the remedy."""


@dataclass(slots=True)
class Fault:
    """A fault that is on.

    `retry_after_s` goes into the headers, `requests` counts down what it still hits (None: until cleared),
    `path` limits it to paths that contain it, `since_ms` is where a frozen venue's books stay.
    """

    name: FaultName
    retry_after_s: float | None
    requests: int | None
    path: str | None
    since_ms: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A response that carries no market data."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class FaultBoard:
    """Which fault is on at which venue: at most one each."""

    def __init__(self) -> None:
        self._on: dict[str, Fault] = {}

    def set(
        self,
        venue: str,
        fault: str,
        *,
        now_ms: int,
        retry_after_s: float | None = None,
        requests: int | None = None,
        path: str | None = None,
    ) -> None:
        """Switch a fault on, or with "none" off.

        Raises:
            FaultRefusedError: the venue, the fault or a number is none that exists.
        """
        if venue not in VENUES:
            raise FaultRefusedError(f"venue {venue!r} is unknown; use one of {', '.join(VENUES)}")
        if fault not in set(FaultName):
            raise FaultRefusedError(f"fault {fault!r} is unknown; use one of {', '.join(FaultName)}")
        if retry_after_s is not None and not (_is_number(retry_after_s) and 0 <= retry_after_s <= _DAY_S):
            raise FaultRefusedError(
                f"retry_after_s {retry_after_s!r} must be a number of seconds from 0 to {_DAY_S}"
            )
        if requests is not None and (
            isinstance(requests, bool) or not isinstance(requests, int) or requests < 1
        ):
            raise FaultRefusedError(f"requests {requests!r} must be a whole number above 0, or null for all")
        if path is not None and not isinstance(path, str):
            raise FaultRefusedError(f"path {path!r} must be part of a path, or null for all paths")
        if fault == FaultName.NONE:
            self._on.pop(venue, None)
        else:
            self._on[venue] = Fault(FaultName(fault), retry_after_s, requests, path, now_ms)

    def take(self, venue: str, path: str) -> Fault | None:
        """The fault that hits a request to a path, counted down; None if the request goes well."""
        fault = self._on.get(venue)
        if fault is None or (fault.path is not None and fault.path not in path):
            return None
        if fault.requests is not None:
            fault.requests -= 1
            if fault.requests == 0:
                del self._on[venue]
        return fault

    def as_json(self) -> dict[str, dict[str, Any]]:
        """Every venue with its fault, "none" if it works."""
        found: dict[str, dict[str, Any]] = {}
        for venue in VENUES:
            fault = self._on.get(venue)
            found[venue] = {
                "fault": fault.name if fault else FaultName.NONE,
                "retry_after_s": fault.retry_after_s if fault else None,
                "requests": fault.requests if fault else None,
                "path": fault.path if fault else None,
            }
        return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
