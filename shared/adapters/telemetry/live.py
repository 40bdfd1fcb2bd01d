"""The Metrics port over OpenTelemetry: spans, instruments and log records by their declared names."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.metrics import Meter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.adapters.telemetry.deferred import Destinations
from shared.adapters.telemetry.lines import EVENT_NAME, LOGGER, LOGGERS, event_record, plain
from shared.adapters.telemetry.providers import Providers, make_providers
from shared.adapters.telemetry.redaction import redact
from shared.ports import Attribute
from shared.signals import METRICS, OTHER, SPANS, MetricKind, MetricSignal, SpanKind

_KINDS = {
    SpanKind.REQUEST: trace.SpanKind.SERVER,
    SpanKind.MESSAGE: trace.SpanKind.CONSUMER,
    SpanKind.CALL: trace.SpanKind.CLIENT,
    SpanKind.INTERNAL: trace.SpanKind.INTERNAL,
}
_PROPAGATOR = TraceContextTextMapPropagator()

_log = logging.getLogger(LOGGER)

Record = Callable[[float, Mapping[str, str]], None]


class LiveSpan:
    """A running span."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str | None:
        """W3C trace context of this span."""
        here = self._span.get_span_context()
        return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags:02x}"

    def set(self, **attributes: Attribute) -> None:
        """Note facts about the work."""
        self._span.set_attributes({key: plain(value) for key, value in attributes.items()})

    def failed(self, error: BaseException) -> None:
        """Mark the work as failed, with the error's text and stack, without secrets."""
        message = redact(str(error))
        self._span.set_status(trace.StatusCode.ERROR, f"{type(error).__name__}: {message}")
        self._span.add_event(
            "exception",
            {
                "exception.type": type(error).__name__,
                "exception.message": message,
                "exception.stacktrace": redact("".join(traceback.format_exception(error))),
            },
        )


class LiveMetrics:
    """Spans, events and measurements on their way to the exporters."""

    def __init__(self, providers: Providers, market: str) -> None:
        self._providers = providers
        self._market = market
        self._tracer = providers.tracers.get_tracer(LOGGER)
        self._meter = providers.meters.get_meter(LOGGER)
        self._records: dict[str, Record] = {}
        self._complained: set[str] = set()
        self._handler = LoggingHandler(logger_provider=providers.logs)
        self._handler.setLevel(logging.INFO)
        # event() hands events over by itself, whatever the log's level is
        self._handler.addFilter(lambda record: EVENT_NAME not in vars(record))
        for logger in map(logging.getLogger, LOGGERS):
            logger.addHandler(self._handler)
            if logger.getEffectiveLevel() > logging.INFO:
                logger.setLevel(logging.INFO)

    @contextmanager
    def span(self, name: str, parent: str | None = None, /, **attributes: Attribute) -> Iterator[LiveSpan]:
        """Time a piece of work; an exception marks it failed and goes on."""
        here = trace.get_current_span().get_span_context()
        context, links = _placed(parent, here)
        above = trace.get_current_span(context).get_span_context()
        signal = SPANS.get(name)
        if signal is None:
            self._complain(f"span {name}")
        kind = _KINDS[signal.kind] if signal else trace.SpanKind.INTERNAL
        peer = {"peer.service": signal.peer} if signal and signal.peer else {}
        if kind is trace.SpanKind.SERVER and above == here and here.is_remote:
            # the host has reported its own request for this invocation: a second one would count it twice
            kind = trace.SpanKind.INTERNAL
        noted = {"market": self._market, **peer, **{key: plain(value) for key, value in attributes.items()}}
        with self._tracer.start_as_current_span(
            name,
            context,
            kind,
            noted,
            links,
            record_exception=False,
            set_status_on_exception=False,
        ) as started:
            span = LiveSpan(started)
            try:
                yield span
            except BaseException as error:
                span.failed(error)
                raise

    def event(self, name: str, /, **attributes: Attribute) -> None:
        """Export it whatever the log's level is, and log it where its level is wanted."""
        record = event_record(name, attributes)
        if EVENT_NAME in vars(record):
            self._handler.emit(record)
        if _log.isEnabledFor(record.levelno):
            _log.handle(record)

    def measure(self, name: str, value: float | Decimal, /, **labels: str) -> None:
        """Record a value in the declared unit."""
        signal = METRICS.get(name)
        if signal is None:
            self._complain(f"metric {name}")
            return
        record = self._records.get(name)
        if record is None:
            record = self._records[name] = _instrument(self._meter, signal)
        bounded = {"market": self._market}
        for label, text in labels.items():
            allowed = signal.labels.get(label)
            if allowed is None:
                self._complain(f"label {label} of metric {name}")
            else:
                bounded[label] = text if text in allowed else OTHER
        record(float(value), bounded)

    def _complain(self, what: str) -> None:
        """Say once that something is not declared; telemetry never stops the work it tells about."""
        if what not in self._complained:
            self._complained.add(what)
            _log.warning("undeclared %s: declare it in shared/signals.py", what)

    def flush(self) -> None:
        """Send what is held back now; blocks until it is sent or given up."""
        self._providers.flush()

    async def close(self) -> None:
        """Send what is held back, then stop the exporters."""
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(self._handler)
        await asyncio.to_thread(self._providers.close)


def _placed(
    parent: str | None, here: trace.SpanContext
) -> tuple[contexts.Context | None, list[trace.Link] | None]:
    """The context a span starts in, and its links.

    Work handed over by a message or an orchestration belongs to the trace of its traceparent. A span that the
    host opened for the invocation is the nearer parent if it lies in the same trace, else a link.
    """
    if parent is None:
        return None, None
    given = _PROPAGATOR.extract({"traceparent": parent}, contexts.Context())
    handed = trace.get_current_span(given).get_span_context()
    if not handed.is_valid:
        return None, None
    if here.is_valid and here.is_remote and here.trace_id == handed.trace_id:
        return None, None
    if here.is_valid and here.trace_id != handed.trace_id:
        return given, [trace.Link(here)]
    return given, None


def _instrument(meter: Meter, signal: MetricSignal) -> Record:
    name, unit, says = signal.name, signal.unit, signal.says
    if signal.kind is MetricKind.COUNTER:
        return meter.create_counter(name, unit, says).add
    if signal.kind is MetricKind.GAUGE:
        return meter.create_gauge(name, unit, says).set
    if signal.signed:
        # a Histogram refuses negative values; a view gives this instrument the histogram's aggregation
        return meter.create_up_down_counter(name, unit, says).add
    buckets = list(signal.buckets)
    return meter.create_histogram(name, unit, says, explicit_bucket_boundaries_advisory=buckets).record


def live_metrics(destinations: Destinations) -> LiveMetrics:
    """Telemetry to these destinations, set up now."""
    return LiveMetrics(make_providers(destinations), destinations.market)
