"""How long an order takes to reach a venue's book: seeded draws, the same for the same content everywhere."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

_NORMAL = NormalDist()
_RESOLUTION = 52
"""Bits of a draw: what a float holds with half a unit to spare, so that a draw is never 0 or 1."""


@dataclass(frozen=True, slots=True)
class Latency:
    """A lognormal distribution: half of all draws are below `median_ms`; with sigma 0 all are equal to it."""

    median_ms: int = 80
    sigma: float = 0.4


@dataclass(frozen=True, slots=True)
class Latencies:
    """The distribution of each venue; `default` is that of venues not listed, `seed` shifts every draw."""

    default: Latency = Latency()
    venues: Mapping[str, Latency] = field(default_factory=dict)
    seed: int = 0

    def draw_ms(self, venue: str, *seed: str) -> int:
        """The latency of one order in whole milliseconds; the same seed gives the same draw."""
        latency = self.venues.get(venue, self.default)
        digest = hashlib.sha256("\x1f".join((str(self.seed), venue, *seed)).encode()).digest()
        uniform = ((int.from_bytes(digest[:8], "big") >> (64 - _RESOLUTION)) + 0.5) / 2**_RESOLUTION
        return round(latency.median_ms * math.exp(latency.sigma * _NORMAL.inv_cdf(uniform)))
