"""Telemetry switched off: costs nothing, tells nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class SilentSpan:
    """Work that nobody times."""

    traceparent: str | None = None

    def set(self, **attributes: str | float | bool) -> None:
        """Forget them."""


class SilentMetrics:
    """The Metrics port with nobody listening."""

    _span = SilentSpan()

    @contextmanager
    def span(self, name: str, parent: str | None = None) -> Iterator[SilentSpan]:  # noqa: ARG002 - the port's form
        """Do the work."""
        yield self._span

    def event(self, name: str, **attributes: str | float | bool) -> None:
        """Forget it."""

    def measure(self, name: str, value: float, **labels: str) -> None:
        """Forget it."""
