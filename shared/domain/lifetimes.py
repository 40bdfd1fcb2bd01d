"""How long opportunities live: first seen, last seen, peak and decay of each path across scans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from shared.domain.exact import text
from shared.domain.opportunity import Opportunity
from shared.errors import MalformedRecord


@dataclass(frozen=True, slots=True)
class Lifetime:
    """One life of an opportunity on one path; `net_bps` are edges after sizing, times ms since the epoch.

    It ended when a scan did not find it again; `ended_ms` is that scan's time, None while it lives.
    """

    path: tuple[str, ...]
    kind: str
    first_seen_ms: int
    last_seen_ms: int
    scans: int
    first_net_bps: Decimal
    last_net_bps: Decimal
    peak_net_bps: Decimal
    peak_ms: int
    peak_profit_value: Decimal
    ended_ms: int | None = None

    @property
    def duration_ms(self) -> int:
        """From the first scan that saw it to the last: a lower bound of how long it lived."""
        return self.last_seen_ms - self.first_seen_ms

    @property
    def decay_bps_per_s(self) -> Decimal | None:
        """Edge lost a second from the peak to the last sight; None if it was last seen at its peak."""
        elapsed_ms = self.last_seen_ms - self.peak_ms
        if elapsed_ms <= 0:
            return None
        return (self.peak_net_bps - self.last_net_bps) * 1000 / elapsed_ms


Living = Mapping[str, Lifetime]
"""Lives under way, by their path's text."""


def observe(
    living: Living, time_ms: int, opportunities: Iterable[Opportunity]
) -> tuple[Living, tuple[Lifetime, ...]]:
    """The lives after a scan, and those that it ended."""
    after: dict[str, Lifetime] = {}
    for found in opportunities:
        key = " ".join(found.path)
        known = living.get(key)
        after[key] = _continued(known, time_ms, found) if known else _born(time_ms, found)
    ended = (replace(life, ended_ms=time_ms) for key, life in living.items() if key not in after)
    return after, tuple(ended)


def _born(time_ms: int, found: Opportunity) -> Lifetime:
    edge = found.net_bps
    return Lifetime(
        found.path, found.kind, time_ms, time_ms, 1, edge, edge, edge, time_ms, found.profit_value
    )


def _continued(life: Lifetime, time_ms: int, found: Opportunity) -> Lifetime:
    higher = found.net_bps > life.peak_net_bps
    return replace(
        life,
        last_seen_ms=time_ms,
        scans=life.scans + 1,
        last_net_bps=found.net_bps,
        peak_net_bps=found.net_bps if higher else life.peak_net_bps,
        peak_ms=time_ms if higher else life.peak_ms,
        peak_profit_value=max(life.peak_profit_value, found.profit_value),
    )


def to_dict(living: Living) -> dict[str, Any]:
    """JSON values of lives under way."""
    return {
        key: {
            "kind": life.kind,
            "first_seen_ms": life.first_seen_ms,
            "last_seen_ms": life.last_seen_ms,
            "scans": life.scans,
            "first_net_bps": text(life.first_net_bps),
            "last_net_bps": text(life.last_net_bps),
            "peak_net_bps": text(life.peak_net_bps),
            "peak_ms": life.peak_ms,
            "peak_profit_value": text(life.peak_profit_value),
        }
        for key, life in living.items()
    }


def from_dict(raw: Mapping[str, Any]) -> Living:
    """Lives under way from their JSON values.

    Raises:
        MalformedRecord: an entry is no life.
    """
    living = {}
    for key, entry in raw.items():
        try:
            living[key] = Lifetime(
                tuple(key.split(" ")),
                entry["kind"],
                entry["first_seen_ms"],
                entry["last_seen_ms"],
                entry["scans"],
                Decimal(entry["first_net_bps"]),
                Decimal(entry["last_net_bps"]),
                Decimal(entry["peak_net_bps"]),
                entry["peak_ms"],
                Decimal(entry["peak_profit_value"]),
            )
        except (KeyError, TypeError, ArithmeticError) as error:
            remedy = f"is no lifetime ({error!r}); delete it"
            raise MalformedRecord(f"lifetimes.{key}", entry, remedy) from None
    return living
