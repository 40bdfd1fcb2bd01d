"""Telemetry that sets itself up at its first use, so that importing the product loads none of it."""

from __future__ import annotations

import logging
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.adapters.telemetry.lines import LOGGER
from shared.adapters.telemetry.silent import SilentMetrics
from shared.ports import Attribute, Span

if TYPE_CHECKING:  # loading it would load OpenTelemetry
    from shared.adapters.telemetry.live import LiveMetrics


_log = logging.getLogger(LOGGER)


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where telemetry goes and how it is labelled; at least one of the two addresses is set."""

    insights_connection: str | None = field(repr=False)
    otlp_endpoint: str | None
    service: str
    version: str
    market: str
    sampling_ratio: float = 1.0


class DeferredMetrics:
    """The Metrics port; the first call loads and configures OpenTelemetry, once, whatever the thread."""

    def __init__(self, destinations: Destinations) -> None:
        self._destinations = destinations
        self._lock = threading.Lock()
        self._made: LiveMetrics | SilentMetrics | None = None

    def _live(self) -> LiveMetrics | SilentMetrics:
        if self._made is None:
            with self._lock:
                if self._made is None:
                    self._made = self._make()
        return self._made

    def _make(self) -> LiveMetrics | SilentMetrics:
        """Telemetry, or where it cannot be set up silence: it never stops the work it tells about."""
        try:
            from shared.adapters.telemetry.live import live_metrics  # noqa: PLC0415 - half a second

            return live_metrics(self._destinations)
        except Exception as error:  # noqa: BLE001 - whatever its libraries raise
            _log.error("telemetry is off, check its connection string and endpoint: %s", error)
            return SilentMetrics()

    def span(
        self, name: str, parent: str | None = None, /, **attributes: Attribute
    ) -> AbstractContextManager[Span]:
        """Time a piece of work."""
        return self._live().span(name, parent, **attributes)

    def event(self, name: str, /, **attributes: Attribute) -> None:
        """Something that happened."""
        self._live().event(name, **attributes)

    def measure(self, name: str, value: float | Decimal, /, **labels: str) -> None:
        """A measured value."""
        self._live().measure(name, value, **labels)

    def flush(self) -> None:
        """Send what is held back now; blocks until it is sent or given up."""
        if self._made is not None:
            self._made.flush()

    async def close(self) -> None:
        """Send what is held back, then stop the exporters."""
        if self._made is not None:
            await self._made.close()
