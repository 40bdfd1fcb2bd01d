"""The task hub: runs orchestrations by the out-of-process protocol of azure-functions-durable 1.x.

An episode gives the orchestrator its whole history as JSON and takes back all actions so far. One transaction
consumes the events of an episode and records what it scheduled, so after a crash the work goes on where it
was; an activity that was under way runs again.
"""

import asyncio
import json
import logging
import sqlite3
import traceback
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import Any

from azure.functions.durable_functions import ActivityTriggerConverter, OrchestrationTriggerConverter
from azure.functions.meta import Datum

from localhost.background import Background
from localhost.clock import sleep_until
from localhost.config import HostConfig
from localhost.context import child_traceparent
from localhost.indexing import ACTIVITY, ORCHESTRATION, App
from localhost.instances import RUNNING_STATES, Instances, Outcome, Task, new_event
from localhost.invocation import Invoker
from localhost.replay import (
    Event,
    EventType,
    NonDeterministicError,
    Replay,
    Scheduled,
    UnsupportedActionError,
    check_determinism,
)

log = logging.getLogger(__name__)

# The SDK appends the orchestrator's state to the message of the exception it raises.
_STATE_LABEL = "\n\n$OutOfProcData$:"


class UnknownOrchestratorError(Exception):
    """No orchestrator of that name."""


class InstanceRunsError(Exception):
    """An instance of that id still runs and host.json does not let a new one replace it."""


class _OrchestratorFailedError(Exception):
    """The orchestrator raised; the message is its own."""


class TaskHub:
    """All orchestrations of the app.

    `episodes` counts the runs of orchestrator code by instance id, `failures` holds the messages of the
    instances that failed since the start.
    """

    def __init__(
        self, app: App, instances: Instances, invoker: Invoker, background: Background, config: HostConfig
    ) -> None:
        self._orchestrators = app.triggered_by(ORCHESTRATION)
        self._activities = app.triggered_by(ACTIVITY)
        self._instances = instances
        self._invoker = invoker
        self._background = background
        self._replaces_running = config.replaces_running_instances
        self._activity_slots = asyncio.Semaphore(config.max_concurrent_activities)
        self._replays: dict[str, Replay] = {}
        self._driven: set[str] = set()
        self._dispatched: set[Task] = set()
        self.episodes: Counter[str] = Counter()
        self.failures: dict[str, str] = {}

    def start_new(self, name: str, instance_id: str, input_json: str | None, traceparent: str | None) -> None:
        """Start an instance; a finished one of the same id is silently replaced, as on the real host.

        Raises:
            UnknownOrchestratorError: there is no orchestrator of that name.
            InstanceRunsError: one of that id runs, and host.json does not say
                overridableExistingInstanceStates AnyState.
        """
        if name not in self._orchestrators:
            raise UnknownOrchestratorError(
                f"The function '{name}' doesn't exist, is disabled, or is not an orchestrator function. "
                f"The app's orchestrators are: {', '.join(self._orchestrators) or 'none'}"
            )
        existing = self._instances.get(instance_id)
        if existing and existing["status"] in RUNNING_STATES and not self._replaces_running:
            raise InstanceRunsError(
                f"An Orchestration instance with the status {existing['status']} already exists."
            )
        self._replays.pop(instance_id, None)
        self._instances.create(instance_id, name, input_json, child_traceparent(traceparent))
        self._wake(instance_id)

    def resume(self) -> None:
        """Go on with everything that was under way when the process ended."""
        for task in self._instances.tasks():
            self._dispatch(task)
        for instance_id in self._instances.with_waiting_events():
            self._wake(instance_id)

    def _wake(self, instance_id: str) -> None:
        if instance_id not in self._driven:
            self._driven.add(instance_id)
            self._background.spawn(self._drive(instance_id))

    async def _drive(self, instance_id: str) -> None:
        """Run episodes, one at a time, until no event waits; each takes all events that are ready."""
        try:
            while not self._invoker.closing and (ready := self._instances.waiting(instance_id)):
                await self._episode(instance_id, ready)
        finally:
            self._driven.discard(instance_id)

    async def _episode(self, instance_id: str, ready: list[tuple[int, Event]]) -> None:
        instance = self._instances.get(instance_id)
        if instance is None:
            raise LookupError(f"events wait for the unknown orchestration {instance_id}")
        consumed = [seq for seq, _ in ready]
        events = [new_event(EventType.ORCHESTRATOR_STARTED), *(event for _, event in ready)]
        replay = self._replays.pop(instance_id, None)
        resumes, scheduled = True, list[Scheduled]()
        if replay is not None:
            scheduled, resumes = replay.feed(events)
        outcome = Outcome("Running")
        if resumes or replay is None:
            replay, scheduled, outcome = await self._run_orchestrator(instance, events)
        tasks = self._instances.commit(instance, consumed, events, scheduled, outcome)
        if tasks is None:
            return
        if outcome.status == "Running":
            self._replays[instance_id] = replay
        if outcome.status == "Failed":
            self.failures[instance_id] = json.loads(outcome.output or '""')
        for task in tasks:
            self._dispatch(task)

    async def _run_orchestrator(
        self, instance: sqlite3.Row, events: list[Event]
    ) -> tuple[Replay, list[Scheduled], Outcome]:
        """Run the orchestrator's code over its history; return what it newly schedules and how it stands."""
        recorded = self._instances.history(instance["id"])
        history = [*recorded, *events]
        self.episodes[instance["id"]] += 1
        replay, custom_status = Replay([]), None
        try:
            state, failure = await self._call(instance, history, is_replaying=bool(recorded))
            custom_status = _json_or_none(state.get("customStatus"))
            replay = Replay([action for actions in state["actions"] for action in actions])
            scheduled, _ = replay.feed(history)
            check_determinism(instance["name"], recorded, scheduled)
            if failure is not None:
                raise failure
            if not state["isDone"]:
                replay.check_progress()
        except (_OrchestratorFailedError, UnsupportedActionError, NonDeterministicError) as error:
            message = f"Orchestrator function '{instance['name']}' failed: {error}"
            log.error("orchestration %s: %s", instance["id"], message, exc_info=error.__cause__)  # noqa: TRY400 - the cause's trace, not the SDK's
            return replay, [], Outcome("Failed", json.dumps(message), custom_status)
        if state["isDone"]:
            return replay, [], Outcome("Completed", _json_or_none(state.get("output")), custom_status)
        known = {event["EventId"] for event in recorded}
        new = [item for item in scheduled if item.id not in known]
        return replay, new, Outcome("Running", None, custom_status)

    async def _call(
        self, instance: sqlite3.Row, history: list[Event], *, is_replaying: bool
    ) -> tuple[dict[str, Any], _OrchestratorFailedError | None]:
        """Hand the orchestrator its context; return the SDK's state and, if the code raised, its failure."""
        function = self._orchestrators.get(instance["name"])
        if function is None:
            raise _OrchestratorFailedError("the app no longer has this orchestrator, or it is disabled")
        body = {
            "history": history,
            # The client sends JSON text inside JSON; the orchestrator reads the inner text.
            "input": json.loads(instance["input"]) if instance["input"] else None,
            "instanceId": instance["id"],
            "isReplaying": is_replaying,
            "parentInstanceId": None,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 2,
            "longRunningTimerIntervalDuration": "3.00:00:00",
            "maximumShortTimerDuration": "6.00:00:00",
            "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
        }
        context = OrchestrationTriggerConverter.decode(Datum(json.dumps(body), "json"), trigger_metadata=None)
        try:
            text = await self._invoker.in_thread(partial(function.call, **{function.trigger.name: context}))
        except Exception as error:
            message, label, state = str(error).partition(_STATE_LABEL)
            failure = _OrchestratorFailedError(message)
            failure.__cause__ = error.__cause__
            if not label:
                raise failure from error
            return json.loads(state), failure
        return json.loads(text), None

    def _dispatch(self, task: Task) -> None:
        if task not in self._dispatched:
            self._dispatched.add(task)
            self._background.spawn(self._run_activity(task) if task.activity else self._run_timer(task))

    async def _run_timer(self, task: Task) -> None:
        await sleep_until(datetime.fromtimestamp(task.due_at or 0.0, UTC))
        self._complete(task, new_event(EventType.TIMER_FIRED, TimerId=task.id))

    async def _run_activity(self, task: Task) -> None:
        async with self._activity_slots:
            instance = self._instances.get(task.instance_id)
            if instance is None or not self._instances.is_open(task):
                self._dispatched.discard(task)
                return
            try:
                result = await self._call_activity(task, instance["traceparent"])
            except Exception as error:  # noqa: BLE001 - any failure is the orchestrator's to judge
                reason = f"Activity function '{task.activity}' failed: {type(error).__name__}: {error}"
                log.warning("orchestration %s: %s", task.instance_id, reason)
                details = "".join(traceback.format_exception(error))
                event = new_event(
                    EventType.TASK_FAILED, TaskScheduledId=task.id, Reason=reason, Details=details
                )
            else:
                event = new_event(EventType.TASK_COMPLETED, TaskScheduledId=task.id, Result=result)
        self._complete(task, event)

    async def _call_activity(self, task: Task, traceparent: str) -> str:
        function = self._activities.get(task.activity or "")
        if function is None:
            raise LookupError(
                f"The function '{task.activity}' doesn't exist, is disabled, or is not an activity function"
            )
        given = ActivityTriggerConverter.decode(Datum(task.input, "json"), trigger_metadata=None)
        result = await self._invoker.run(function, {function.trigger.name: given}, traceparent=traceparent)
        return str(ActivityTriggerConverter.encode(result, expected_type=None).value)

    def _complete(self, task: Task, event: Event) -> None:
        self._dispatched.discard(task)
        self._instances.complete(task, event)
        self._wake(task.instance_id)


def _json_or_none(value: Any) -> str | None:
    return None if value is None else json.dumps(value)
