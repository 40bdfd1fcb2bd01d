"""How the venues' clients are set up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PUBLIC_HOSTS: Mapping[str, str] = {"binance": "data-api.binance.vision"}
"""Hosts for public data that are not the ones ccxt asks: Binance's answers from everywhere."""


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """What every client of a process shares; told one by one where the adapter is made."""

    base_url: str | None
    public_hosts: Mapping[str, str]
    time_out_ms: int
    aliases: Mapping[str, str]
    rest_s: Mapping[int, int]
