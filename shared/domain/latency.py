"""How long an order takes to reach a venue's book: seeded draws, the same for the same content everywhere."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from statistics import NormalDist
from collections.abc import Mapping

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Latency:
    """A lognormal distribution of milliseconds: half of all draws are below `median_ms`; sigma 0 is constant."""

    median_ms: int = 80
    sigma: float = 0.4


@dataclass(frozen=True, slots=True)
class Latencies:
    """The distribution of each venue, and that of venues not listed."""

    default: Latency = Latency()
    venues: Mapping[str, Latency] = field(default_factory=dict)

    def draw_ms(self, venue: str, *seed: str) -> int:
        """The latency of one order in whole milliseconds; the same seed gives the same draw."""
        latency = self.venues.get(venue, self.default)
        digest = hashlib.sha256("\x1f".join((venue, *seed)).encode()).digest()
        uniform = (int.from_bytes(digest[:8], "big") + 0.5) / 2**64
        return round(latency.median_ms * math.exp(latency.sigma * _NORMAL.inv_cdf(min(uniform, 1 - 2**-53))))
