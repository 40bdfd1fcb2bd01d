"""How the venues' clients are set up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.adapters.venues.cooldown import REST_S

PUBLIC_HOSTS: Mapping[str, str] = {"binance": "data-api.binance.vision"}
"""Hosts for public data that are not the ones ccxt asks: Binance's answers from everywhere."""


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """What every client of a process shares."""

    base_url: str | None = None
    """One server that answers for all venues at their genuine paths; None for the real ones."""
    public_hosts: Mapping[str, str] = field(default_factory=lambda: PUBLIC_HOSTS)
    """Hosts for public data by venue, where they are not ccxt's."""
    time_out_ms: int = 6000
    """Longest wait for one answer."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """`venue:TICKER` to the name the asset has elsewhere, over ccxt's own renames."""
    rest_s: Mapping[int, int] = field(default_factory=lambda: REST_S)
    """Seconds to hold off a venue by HTTP status, where it does not say how long."""
