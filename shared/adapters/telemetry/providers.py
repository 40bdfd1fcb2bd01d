"""One provider a signal, an exporter for each destination; nothing global, sampling explicit, noise off."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider, UpDownCounter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler, TraceIdRatioBased

from shared.adapters.telemetry.deferred import Destinations
from shared.adapters.telemetry.redaction import redact
from shared.signals import METRICS

METRICS_EVERY_MS = 60_000
"""How often metrics are sent; Application Insights aggregates by the minute."""

_QUIET = (
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
)


@dataclass(frozen=True, slots=True)
class Exporters:
    """What one destination takes."""

    spans: SpanExporter
    metrics: MetricExporter
    logs: LogRecordExporter


@dataclass(frozen=True, slots=True)
class Providers:
    """The three signals' providers."""

    tracers: TracerProvider
    meters: MeterProvider
    logs: LoggerProvider

    def flush(self) -> None:
        """Send what is held back; blocks until it is sent or given up."""
        self.tracers.force_flush()
        self.logs.force_flush()
        self.meters.force_flush()

    def close(self) -> None:
        """Send what is held back and stop."""
        self.tracers.shutdown()
        self.logs.shutdown()
        self.meters.shutdown()


class _Finished(LogRecordProcessor):
    """Gives each log record its market, and takes secrets out of the stack that the handler wrote anew."""

    def __init__(self, market: str) -> None:
        self._market = market

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        record = log_record.log_record
        attributes = {
            key: redact(value) if key.startswith("exception.") and isinstance(value, str) else value
            for key, value in (record.attributes or {}).items()
        }
        record.attributes = attributes | {"market": self._market}

    def shutdown(self) -> None:
        """Holds nothing."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the SDK's form
        """Holds nothing."""
        return True


def _insights(connection: str) -> Exporters:
    """Exporters of azure-monitor-opentelemetry."""
    for name in _QUIET:
        os.environ.setdefault(name, "true")
    from azure.monitor.opentelemetry.exporter import (  # noqa: PLC0415 - reads the environment set above
        AzureMonitorLogExporter,
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )

    metrics = AzureMonitorMetricExporter(connection_string=connection)
    # each point of the customMetrics table stands for its own minute, signed distributions too
    MetricExporter.__init__(
        metrics,
        preferred_temporality={
            **(metrics._preferred_temporality or {}),  # noqa: SLF001 - the exporter offers no argument for it
            UpDownCounter: AggregationTemporality.DELTA,
        },
    )
    return Exporters(
        AzureMonitorTraceExporter(connection_string=connection),
        metrics,
        AzureMonitorLogExporter(connection_string=connection),
    )


def _otlp(endpoint: str) -> Exporters:
    """OTLP over HTTP; headers, time-outs and compression by the standard OTEL_EXPORTER_OTLP_ variables."""
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415 - if asked
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415 - for
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - only

    return Exporters(
        OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces"),
        OTLPMetricExporter(endpoint=f"{endpoint}/v1/metrics"),
        OTLPLogExporter(endpoint=f"{endpoint}/v1/logs"),
    )


def _sampler(destinations: Destinations) -> Sampler:
    """Every trace, or the asked part of them by trace id, so that all processes keep the same ones."""
    if destinations.sampling_ratio >= 1:
        return ALWAYS_ON
    if not destinations.insights_connection:
        return TraceIdRatioBased(destinations.sampling_ratio)
    from azure.monitor.opentelemetry.exporter import ApplicationInsightsSampler  # noqa: PLC0415 - as above

    return ApplicationInsightsSampler(destinations.sampling_ratio)


def _views() -> list[View]:
    return [
        View(
            instrument_name=metric.name,
            aggregation=ExplicitBucketHistogramAggregation(boundaries=list(metric.buckets)),
        )
        for metric in METRICS.values()
        if metric.signed
    ]


def make_providers(destinations: Destinations) -> Providers:
    """Providers that export to every destination."""
    targets: list[Exporters] = []
    if destinations.insights_connection:
        targets.append(_insights(destinations.insights_connection))
    if destinations.otlp_endpoint:
        targets.append(_otlp(destinations.otlp_endpoint))
    resource = Resource.create(_described(destinations))
    tracers = TracerProvider(sampler=_sampler(destinations), resource=resource)
    logs = LoggerProvider(resource=resource)
    logs.add_log_record_processor(_Finished(destinations.market))
    for target in targets:
        tracers.add_span_processor(BatchSpanProcessor(target.spans))
        logs.add_log_record_processor(BatchLogRecordProcessor(target.logs))
    readers = [PeriodicExportingMetricReader(target.metrics, METRICS_EVERY_MS) for target in targets]
    return Providers(tracers, MeterProvider(readers, resource, views=_views()), logs)


def _described(destinations: Destinations) -> dict[str, Any]:
    """The resource: role, version, and the instance where the platform names it."""
    described = {
        "service.name": destinations.service,
        "service.version": destinations.version,
        "deployment.environment.name": destinations.market,
    }
    instance = os.environ.get("WEBSITE_INSTANCE_ID") or os.environ.get("HOSTNAME")
    return described | ({"service.instance.id": instance} if instance else {})
