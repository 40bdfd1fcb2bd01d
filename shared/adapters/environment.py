"""Secrets from environment variables: `binance-api-key` is BINANCE_API_KEY."""

from __future__ import annotations

import os


class EnvironmentSecrets:
    """Secrets of this process's environment."""

    async def get(self, name: str) -> str | None:
        """The value, or None where it is not set."""
        return os.environ.get(name.upper().replace("-", "_")) or None
