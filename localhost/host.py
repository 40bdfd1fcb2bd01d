"""The host: one app, one DATA_DIR, one port; wires the rooms together and runs them."""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
from azure.durable_functions.models.utils import http_utils

from localhost.background import Background
from localhost.config import read_host_config
from localhost.durable import TaskHub
from localhost.durable_http import DurableEndpoints
from localhost.indexing import HTTP, QUEUE, TIMER, load_app
from localhost.instances import Instances
from localhost.invocation import Invoker
from localhost.keys import load_keys
from localhost.queues import QueueListener, Queues
from localhost.store import Store
from localhost.timers import Timer
from localhost.web import HOST, WebServer, route_of

log = logging.getLogger(__name__)

_DRAIN_POLL_S = 0.02
_GRACE_S = 10.0


class Host:
    """Runs a function app until stopped: `async with Host(app_path, data_dir) as host`.

    `schedule_timers` False leaves timers to `invoke_timer`. One host at a time in a process: the Durable SDK
    keeps one HTTP session for all its clients.
    """

    def __init__(
        self, app_path: Path | str, data_dir: Path | str, *, port: int = 0, schedule_timers: bool = False
    ) -> None:
        """Remember what to run; `start` begins it."""
        self._app_path = Path(app_path)
        self._data_dir = Path(data_dir).resolve()
        self._port = port
        self._schedule_timers = schedule_timers
        self._background = Background()
        self._closing = AsyncExitStack()
        self.base_url = ""

    async def start(self) -> None:
        """Import the app and serve it over HTTP; nothing else begins before `resume`.

        Raises:
            StartError: DATA_DIR, host.json, the app's bindings, a schedule or the port is not right.
            Exception: what the app's import raises.
        """
        self._store = Store(self._data_dir)
        self._closing.callback(self._store.close)
        config = read_host_config(self._app_path.resolve().parent)
        self.keys = load_keys(self._data_dir)
        self.app = load_app(self._app_path)
        self._queues = Queues(self._store, config)
        self._invoker = Invoker(
            self.app.directory, self._queues.send, lambda: self._endpoints.client_binding(self.base_url)
        )
        self._instances = Instances(self._store)
        self._hub = TaskHub(self.app, self._instances, self._invoker, self._background, config)
        self._endpoints = DurableEndpoints(self._hub, self._instances, self.keys, config.task_hub)
        self._timers = {
            name: Timer(function, self._invoker, self._store)
            for name, function in self.app.triggered_by(TIMER).items()
        }
        self._listeners = [
            QueueListener(function, self._queues, self._invoker, config, self._background)
            for function in self.app.triggered_by(QUEUE).values()
        ]
        self.routes = [route_of(function) for function in self.app.triggered_by(HTTP).values()]
        self.route_prefix = config.route_prefix
        server = WebServer(self.routes, config.route_prefix, self.keys, self._invoker, self._endpoints)
        self.base_url = f"http://{HOST}:{await server.start(self._port)}"
        self._closing.push_async_callback(self._wind_down, server)
        # The SDK keeps one HTTP session per process and never closes it, but a session and a lock belong to
        # one event loop. It has no public way to give it ours.
        http_utils._session_lock = asyncio.Lock()  # noqa: SLF001 - as said above
        http_utils._client_session = aiohttp.ClientSession()  # noqa: SLF001 - as above

    async def resume(self) -> None:
        """Begin the queues, what was under way when the process ended, and the timers' schedules."""
        self._queues.release_claims()
        for listener in self._listeners:
            self._background.spawn(listener.listen())
        self._hub.resume()
        for timer in self._timers.values() if self._schedule_timers else ():
            self._background.spawn(timer.keep_time())

    async def stop(self) -> None:
        """Begin nothing new, give what runs 10 s to end, and close; the rest goes on after the next start."""
        await self._closing.aclose()

    async def _wind_down(self, server: WebServer) -> None:
        await self._invoker.close(_GRACE_S)
        await self._background.cancel()
        await server.stop()
        await http_utils._close_session()  # noqa: SLF001 - see start

    def has_busy_threads(self) -> bool:
        """Whether a thread still runs a function after the stop; it would keep the interpreter alive."""
        return self.base_url != "" and self._invoker.has_busy_threads()

    async def __aenter__(self) -> Self:
        try:
            await self.start()
            await self.resume()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def function_key(self) -> str:
        """The key that opens function-level routes."""
        return self.keys.function

    @property
    def timers(self) -> list[str]:
        """The names of the timer functions that are not disabled."""
        return list(self._timers)

    async def invoke_timer(self, name: str) -> None:
        """Fire a timer function now; it never overlaps its schedule.

        Raises:
            KeyError: there is no such timer function, or it is disabled.
            Exception: what the function raised.
        """
        await self._timers[name].fire()

    def queue_length(self, queue: str) -> int:
        """Count the messages of a queue, visible or not."""
        return self._queues.length(queue)

    def poisoned_messages(self) -> list[str]:
        """Return `queue/id` of the messages that came into a poison queue since the start."""
        return list(self._queues.poisoned)

    def failed_orchestrations(self) -> dict[str, str]:
        """Return the messages of the orchestrations that failed since the start, by instance id."""
        return dict(self._hub.failures)

    def episodes(self, instance_id: str) -> int:
        """Count how often the orchestrator's code ran for the instance since the start."""
        return self._hub.episodes[instance_id]

    def pending_work(self) -> dict[str, int]:
        """Count what is not done, by kind; messages count where a function listens to their queue."""
        counts = {f"messages of {item.queue}": self.queue_length(item.queue) for item in self._listeners}
        counts["orchestrations, activities and timers"] = self._instances.pending()
        counts["invocations"] = self._invoker.running
        return {kind: count for kind, count in counts.items() if count}

    async def drain(self, timeout_s: float) -> None:
        """Wait until no message, orchestration or invocation is left.

        Raises:
            TimeoutError: something is left; the message counts it.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        while left := self.pending_work():
            if asyncio.get_running_loop().time() > deadline:
                parts = ", ".join(f"{count} {kind}" for kind, count in left.items())
                raise TimeoutError(f"not drained within {timeout_s:g} s: {parts}")
            await asyncio.sleep(_DRAIN_POLL_S)
