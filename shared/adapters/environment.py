"""Secrets from environment variables: `binance-api-key` is BINANCE_API_KEY."""

from __future__ import annotations

import os
from collections.abc import Mapping


class EnvironmentSecrets:
    """Secrets of this process's environment; `defaults` are those that are no secrets, by the same names."""

    def __init__(self, defaults: Mapping[str, str] | None = None) -> None:
        self._defaults = defaults or {}

    async def get(self, name: str) -> str | None:
        """The value, or None where it is not set."""
        return os.environ.get(name.upper().replace("-", "_")) or self._defaults.get(name)
