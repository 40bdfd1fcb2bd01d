"""The log: one line an event, correlated with the trace, without secrets. Imports no telemetry library."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TextIO

from shared.adapters.telemetry.redaction import redact
from shared.ports import Attribute
from shared.signals import EVENTS

LOGGER = "arbitrage"
LOGGERS = (LOGGER, "shared")
"""What the product logs to: its own name, and the names of its modules."""

EVENT_NAME = "microsoft.custom_event.name"
"""The record attribute by which the Azure Monitor exporter tells a custom event from a log line."""

_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_PLAIN = logging.Formatter()

_log = logging.getLogger(LOGGER)


def plain(value: Attribute) -> str | float | bool:
    """An attribute as exporters take it: a Decimal as text with every digit, text without secrets."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return redact(value) if isinstance(value, str) else value


def guard_log() -> None:
    """Take secrets out of every record of the product's loggers, whichever handler writes it; idempotent."""
    make = logging.getLogRecordFactory()
    if isinstance(make, _Guarded):
        return
    logging.setLogRecordFactory(_Guarded(make))


class _Guarded:
    """A record factory whose records of the product hold no secret in text or stack."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self._make(*args, **kwargs)
        if str(record.name).partition(".")[0] in LOGGERS:
            record.msg, record.args = redact(record.getMessage()), ()
            if record.exc_info:
                record.exc_text = redact(_PLAIN.formatException(record.exc_info))
        return record


def event_level(name: str) -> int:
    """The level of an event's line: the scan's own line tells of what goes well."""
    event = EVENTS.get(name)
    return logging.WARNING if event is None or event.warning else logging.DEBUG


def event_record(name: str, attributes: Mapping[str, Attribute]) -> logging.LogRecord:
    """A declared event as the line `name key=value ...`; its attributes are the record's extra fields."""
    level = event_level(name)
    event = EVENTS.get(name)
    if event is None:
        text = f"undeclared event {name} dropped: declare it in shared/signals.py"
        return _log.makeRecord(LOGGER, level, "", 0, text, (), None)
    known = {key: plain(value) for key, value in attributes.items() if key in event.attributes}
    line = " ".join([name, *(f"{key}={_quoted(value)}" for key, value in known.items())])
    return _log.makeRecord(LOGGER, level, "", 0, "%s", (line,), None, extra={EVENT_NAME: name, **known})


def log_event(name: str, attributes: Mapping[str, Attribute]) -> None:
    """Log an event where its level is wanted."""
    if _log.isEnabledFor(event_level(name)):
        _log.handle(event_record(name, attributes))


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text) if not text or any(c in text for c in ' ="\n') else text


class JsonLines(logging.Formatter):
    """One JSON object a record: time, level, logger, message, the extra fields, trace and span ids."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its newline."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        for key, value in vars(record).items():
            if key == EVENT_NAME:
                entry["event"] = value
            elif key not in _OF_EVERY_RECORD:
                entry[key] = redact(value) if isinstance(value, str) else value
        if record.exc_info:
            entry["exception"] = record.exc_text or redact(self.formatException(record.exc_info))
        return json.dumps(entry | _trace_ids(), default=str)


def _trace_ids() -> dict[str, str]:
    """The current span's ids; without loading the library that would have made one."""
    api = sys.modules.get("opentelemetry.trace")
    if api is None:
        return {}
    here = api.get_current_span().get_span_context()
    return {"trace_id": f"{here.trace_id:032x}", "span_id": f"{here.span_id:016x}"} if here.is_valid else {}


def log_json(stream: TextIO | None = None) -> None:
    """Write the product's log as JSON lines, and nowhere else but to telemetry; by default to stderr.

    Events that need no person's look are written too: whoever collects lines chooses among them.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    for logger in map(logging.getLogger, LOGGERS):
        for before in logger.handlers.copy():
            if isinstance(before.formatter, JsonLines):
                logger.removeHandler(before)
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
