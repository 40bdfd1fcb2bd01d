"""Runs one function: its arguments, its thread, its log line, and its messages once it has returned."""

import asyncio
import contextvars
import inspect
import json
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import azure.functions as func
from azure.functions.queue import QueueMessageOutConverter

from localhost.context import InvocationContext, TraceContext, child_traceparent
from localhost.errors import is_told_error
from localhost.indexing import RETURN, Function

log = logging.getLogger(__name__)

_THREADS = 32

SendMessages = Callable[[list[tuple[str, bytes]]], None]
"""Stores (queue, body) messages together or not at all."""


class Invoker:
    """Calls functions as the platform's worker does: async ones on the loop, the others on a thread."""

    def __init__(self, directory: Path, send: SendMessages, client_binding: Callable[[], str]) -> None:
        self._directory = str(directory)
        self._send = send
        self._client_binding = client_binding
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="function")
        self._calls: set[Future[Any]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._never = asyncio.Event()
        self.running = 0
        self.closing = False

    async def run(
        self, function: Function, arguments: Mapping[str, Any], *, traceparent: str | None = None
    ) -> Any:
        """Invoke the function and, when it returned, send what its output bindings hold.

        Returns:
            The function's own return value.

        Raises:
            Exception: what the function raised, or what is wrong with its output; it has been logged.
        """
        if self.closing:
            # What has not begun when the host stops must not begin: it is kept and goes on after a restart.
            await self._never.wait()
        started = time.perf_counter()
        self.running += 1
        self._idle.clear()
        try:
            result = await self._call(function, arguments, traceparent)
        except Exception as error:
            lasted_ms = (time.perf_counter() - started) * 1000
            if is_told_error(error) and not log.isEnabledFor(logging.DEBUG):
                told = "; ".join(str(error).splitlines())
                log.error("%s failed after %.0f ms: %s", function.name, lasted_ms, told)  # noqa: TRY400 - its words say all
            else:
                log.exception("%s failed after %.0f ms", function.name, lasted_ms)
            raise
        finally:
            self.running -= 1
            if not self.running:
                self._idle.set()
        log.debug("%s succeeded in %.0f ms", function.name, (time.perf_counter() - started) * 1000)
        return result

    async def _call(self, function: Function, arguments: Mapping[str, Any], traceparent: str | None) -> Any:
        outputs = {binding.name: _Output() for binding in function.queue_outputs if binding.name != RETURN}
        clients = {binding.name: self._client_binding() for binding in function.durable_clients}
        keywords: dict[str, Any] = {**arguments, **outputs, **clients}
        if function.wants_context:
            keywords["context"] = InvocationContext(
                function.name, self._directory, TraceContext(child_traceparent(traceparent))
            )
        if inspect.iscoroutinefunction(function.call):
            result = await function.call(**keywords)
        else:
            result = await self.in_thread(partial(function.call, **keywords))
        messages: list[tuple[str, bytes]] = []
        for binding in function.queue_outputs:
            value = result if binding.name == RETURN else outputs[binding.name].get()
            messages += [(str(binding.properties["queueName"]), body) for body in _bodies(value)]
        if messages:
            self._send(messages)
        return result

    async def in_thread(self, call: Callable[[], Any]) -> Any:
        """Run a blocking call on a thread, in a copy of the current context."""
        future = self._threads.submit(contextvars.copy_context().run, call)
        self._calls.add(future)
        future.add_done_callback(self._calls.discard)
        return await asyncio.wrap_future(future)

    def has_busy_threads(self) -> bool:
        """Whether a thread still runs a function, even one whose invocation was given up."""
        return bool(self._calls)

    async def close(self, grace_s: float) -> None:
        """Begin nothing more and wait for what runs, no longer than the grace."""
        self.closing = True
        try:
            await asyncio.wait_for(self._idle.wait(), grace_s)
        except TimeoutError:
            log.warning("%d invocations still run after %.0f s; they are left", self.running, grace_s)
        self._threads.shutdown(wait=False, cancel_futures=True)


class _Output(func.Out[Any]):
    """Holds what a function sets until it has returned."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        self._value = val

    def get(self) -> Any:
        return self._value


def _bodies(value: Any) -> list[bytes]:
    """Return the message bodies in an output value: None, text, bytes or a list of text.

    Raises:
        NotImplementedError: another type; the SDK's own converter decides.
    """
    if value is None:
        return []
    if isinstance(value, func.QueueMessage):
        raise NotImplementedError("a queue output takes text, bytes or a list of text, not a QueueMessage")
    datum = QueueMessageOutConverter.encode(value, expected_type=None)
    if datum.type == "json":
        texts = json.loads(datum.value)
        if not all(isinstance(text, str) for text in texts):
            raise NotImplementedError("a queue output takes a list of text, not of QueueMessage")
        return [text.encode() for text in texts]
    return [datum.value if isinstance(datum.value, bytes) else str(datum.value).encode()]
