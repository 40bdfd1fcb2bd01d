"""What a function that asks for `context` receives: its invocation and its trace."""

import re
import secrets
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

import azure.functions as func

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})")


def child_traceparent(parent: str | None = None) -> str:
    """Return a W3C traceparent with a new span, in the parent's trace if the parent is a valid one."""
    match = _TRACEPARENT.fullmatch(parent or "")
    trace_id, flags = match.groups() if match else (secrets.token_hex(16), "01")
    return f"00-{trace_id}-{secrets.token_hex(8)}-{flags}"


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The W3C trace of an invocation."""

    trace_parent: str
    trace_state: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InvocationContext:
    """The context of one invocation; there are no retries, as functions with a retry policy are refused."""

    function_name: str
    function_directory: str
    trace_context: TraceContext
    invocation_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    thread_local_storage: type[threading.local] = threading.local
    retry_context: None = None


func.Context.register(InvocationContext)
