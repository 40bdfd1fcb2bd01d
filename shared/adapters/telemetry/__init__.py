"""Telemetry: OpenTelemetry to Application Insights, to an OTLP endpoint, to both, or to nothing."""

from __future__ import annotations

from shared.adapters.telemetry.deferred import DeferredMetrics, Destinations
from shared.adapters.telemetry.lines import guard_log, log_json
from shared.adapters.telemetry.redaction import redact
from shared.adapters.telemetry.silent import SilentMetrics
from shared.ports import Metrics

__all__ = ["SilentMetrics", "log_json", "make_metrics", "redact"]


def make_metrics(
    insights_connection: str | None,
    otlp_endpoint: str | None,
    service: str,
    version: str,
    market: str,
    *,
    sampling_ratio: float = 1.0,
) -> Metrics:
    """The Metrics port for these destinations; SilentMetrics where there is none.

    No telemetry library is loaded before the first span, event or measurement.

    Args:
        insights_connection: connection string of Application Insights.
        otlp_endpoint: base address of an OTLP/HTTP receiver, as http://127.0.0.1:4318.
        service: role name shown by the receivers.
        version: version of the product.
        market: simulated or live; every span, event and measurement carries it.
        sampling_ratio: part of the traces that is kept, 0 to 1; events and metrics are never sampled.
    """
    guard_log()
    if not insights_connection and not otlp_endpoint:
        return SilentMetrics()
    return DeferredMetrics(
        Destinations(insights_connection, otlp_endpoint, service, version, market, sampling_ratio)
    )
