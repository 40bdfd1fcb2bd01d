"""What a function that asks for `context` receives: its invocation, its trace, its retries (none here)."""

import re
import secrets
import threading
import uuid
from pathlib import Path

import azure.functions as func
from azure.functions import _abc as contracts  # the public package exports only Context of these contracts

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")


def child_traceparent(parent: str | None = None) -> str:
    """Return a W3C traceparent with a new span, in the parent's trace if the parent is a valid one."""
    match = _TRACEPARENT.fullmatch(parent or "")
    trace_id, flags = match.groups() if match else (secrets.token_hex(16), "01")
    return f"00-{trace_id}-{secrets.token_hex(8)}-{flags}"


class InvocationContext(func.Context):
    """The context of one invocation."""

    def __init__(self, function_name: str, directory: Path, traceparent: str | None) -> None:
        self._invocation_id = str(uuid.uuid4())
        self._function_name = function_name
        self._directory = str(directory)
        self._trace = _Trace(child_traceparent(traceparent))

    @property
    def invocation_id(self) -> str:
        """A new id for each attempt."""
        return self._invocation_id

    @property
    def thread_local_storage(self) -> type[threading.local]:
        """Where the platform's logging looks for the invocation; unused here."""
        return threading.local

    @property
    def function_name(self) -> str:
        """The function's name."""
        return self._function_name

    @property
    def function_directory(self) -> str:
        """The app's folder."""
        return self._directory

    @property
    def trace_context(self) -> contracts.TraceContext:
        """The W3C trace of the invocation."""
        return self._trace

    @property
    def retry_context(self) -> contracts.RetryContext:
        """No retries: functions with a retry policy are refused."""
        return _NoRetries()


class _Trace(contracts.TraceContext):
    def __init__(self, traceparent: str) -> None:
        self._traceparent = traceparent

    @property
    def trace_parent(self) -> str:
        return self._traceparent

    @property
    def trace_state(self) -> str:
        return ""

    @property
    def attributes(self) -> dict[str, str]:
        return {}


class _NoRetries(contracts.RetryContext):
    @property
    def retry_count(self) -> int:
        return 0

    @property
    def max_retry_count(self) -> int:
        return 0

    @property
    def exception(self) -> contracts.RpcException:
        raise AttributeError("there was no earlier attempt, so there is no exception")
