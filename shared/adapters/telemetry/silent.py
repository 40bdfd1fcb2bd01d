"""Telemetry switched off: events are lines of the log, everything else costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from shared.adapters.telemetry.lines import log_event
from shared.ports import Attribute


class SilentSpan:
    """Work that nobody times."""

    traceparent: str | None = None

    def set(self, **attributes: Attribute) -> None:
        """Forget them."""


class SilentMetrics:
    """The Metrics port with nobody listening."""

    _span = SilentSpan()

    @contextmanager
    def span(self, name: str, parent: str | None = None, /, **attributes: Attribute) -> Iterator[SilentSpan]:  # noqa: ARG002 - the port's form
        """Do the work."""
        yield self._span

    def event(self, name: str, /, **attributes: Attribute) -> None:
        """Log it."""
        log_event(name, attributes)

    def measure(self, name: str, value: float | Decimal, /, **labels: str) -> None:
        """Forget it."""

    def flush(self) -> None:
        """Nothing is held back."""

    async def close(self) -> None:
        """Nothing is held back."""
