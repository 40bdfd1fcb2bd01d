"""What an orchestration has scheduled: its actions and history, replayed with the SDK's sequence ids.

The Durable SDK numbers activities and timers in the order in which its own replay meets them. This room walks
the same road: an action is scheduled when the one before it is settled, a retried activity takes one id for a
timer after every failure, the last included, and one for each new attempt.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

Event = dict[str, Any]
Action = dict[str, Any]


class EventType(IntEnum):
    """The history events that this runner writes."""

    EXECUTION_STARTED = 0
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13


_RESUMING = (
    EventType.EXECUTION_STARTED,
    EventType.TASK_COMPLETED,
    EventType.TASK_FAILED,
    EventType.TIMER_FIRED,
)
_ACTIVITY, _ACTIVITY_WITH_RETRY, _TIMER, _ALL = 0, 1, 5, 12
_REFUSED = {
    2: "call_sub_orchestrator",
    3: "call_sub_orchestrator_with_retry",
    4: "continue_as_new",
    6: "wait_for_external_event",
    7: "call_entity",
    8: "call_http",
    9: "signal_entity",
    11: "task_any",
}
_SHOWN_INPUT_CHARACTERS = 200


class UnsupportedActionError(Exception):
    """The orchestrator asked for, or waits for, something that this runner does not know."""


class NonDeterministicError(Exception):
    """The orchestrator scheduled something else on replay than it did before."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """An activity, or a timer when `activity` is None, under the sequence id that the SDK gave it.

    A timer fires at `fire_at` (ISO 8601) or, between the attempts of a retried activity, `delay_ms` from now.
    `description` says what it is; the same id must have the same one on every replay.
    """

    id: int
    description: str
    activity: str | None = None
    input: str | None = None
    fire_at: str | None = None
    delay_ms: int = 0


@dataclass(slots=True, eq=False)
class _Node:
    """A task of the orchestration: pending until settled; its parent is the task_all that holds it."""

    parent: "_Node | None"
    pending_children: int = 0
    settled: bool = False

    def settle(self, *, failed: bool) -> None:
        self.settled = True
        parent = self.parent
        if parent is None or parent.settled:
            return
        parent.pending_children -= 1
        if failed or parent.pending_children == 0:
            parent.settle(failed=failed)

    def root(self) -> "_Node":
        node = self
        while node.parent is not None:
            node = node.parent
        return node


@dataclass(slots=True, eq=False)
class _Activity(_Node):
    name: str = ""
    input: str | None = None
    retry_delay_ms: int = 0
    attempts_left: int = 0
    retried: bool = False


@dataclass(slots=True)
class Replay:
    """The actions of the latest episode, walked along the history.

    Raises:
        UnsupportedActionError: from `feed`, when it meets an action this runner does not know.
    """

    actions: list[Action]
    _met: int = 0
    _next_id: int = 0
    _open: dict[int, _Node] = field(default_factory=dict)
    _current: _Node | None = None

    def feed(self, events: Iterable[Event]) -> tuple[list[Scheduled], bool]:
        """Take completions in their order.

        Returns:
            What they schedule, and whether the orchestrator's code may go on because of them. While it waits
            for an unfinished task_all, single completions need not run it.
        """
        scheduled: list[Scheduled] = []
        resumes = False
        for event in events:
            if event["EventType"] not in _RESUMING:
                continue
            waited_for = self._current
            node = self._open.pop(_completed_id(event), None)
            if node is not None:
                scheduled += self._complete(node, event)
            resumes |= (
                waited_for is None or waited_for.settled or node is None or node.root() is not waited_for
            )
            scheduled += self._advance()
        return scheduled, resumes

    def check_progress(self) -> None:
        """Check that something is open whose end will resume the orchestrator.

        Raises:
            UnsupportedActionError: nothing is.
        """
        if not self._open:
            raise UnsupportedActionError("it waits, but no activity and no timer is under way")

    def _advance(self) -> Iterator[Scheduled]:
        while (self._current is None or self._current.settled) and self._met < len(self.actions):
            action = self.actions[self._met]
            self._met += 1
            self._current = _Node(None)
            yield from self._begin(action, self._current)

    def _begin(self, action: Action, parent: _Node) -> Iterator[Scheduled]:
        kind = action["actionType"]
        if kind == _ALL:
            group = _Node(parent)
            parent.pending_children += 1
            children = action["compoundActions"]
            # Counted before any begins: an empty task_all inside must not settle its siblings' parent.
            group.pending_children = 1
            for child in children:
                yield from self._begin(child, group)
            group.pending_children -= 1
            if group.pending_children == 0 and not group.settled:
                group.settle(failed=False)
        elif kind in (_ACTIVITY, _ACTIVITY_WITH_RETRY):
            retry = action.get("retryOptions") or {}
            parent.pending_children += 1
            node = _Activity(
                parent,
                name=action["functionName"],
                input=action.get("input"),
                retried=kind == _ACTIVITY_WITH_RETRY,
                retry_delay_ms=retry.get("firstRetryIntervalInMilliseconds", 0),
                attempts_left=retry.get("maxNumberOfAttempts", 1) - 1,
            )
            yield self._schedule_activity(node)
        elif kind == _TIMER and not action.get("isCanceled"):
            parent.pending_children += 1
            fire_at = action["fireAt"]
            yield Scheduled(self._take_id(_Node(parent)), f"timer at {fire_at}", fire_at=fire_at)
        else:
            name = "a cancelled timer" if kind == _TIMER else _REFUSED.get(kind, f"action type {kind}")
            raise UnsupportedActionError(
                f"it uses {name}, which this development runner does not support (it knows call_activity, "
                "call_activity_with_retry, task_all and create_timer); run it with Azure Functions Core Tools"
            )

    def _complete(self, node: _Node, event: Event) -> Iterator[Scheduled]:
        failed = event["EventType"] == EventType.TASK_FAILED
        fired = event["EventType"] == EventType.TIMER_FIRED
        if not isinstance(node, _Activity) or not node.retried or not (failed or fired):
            node.settle(failed=failed)
        elif failed:
            description = f"retry timer of activity {node.name!r}"
            yield Scheduled(self._take_id(node), description, delay_ms=node.retry_delay_ms)
        elif node.attempts_left > 0:
            node.attempts_left -= 1
            yield self._schedule_activity(node)
        else:
            node.settle(failed=True)

    def _schedule_activity(self, node: _Activity) -> Scheduled:
        description = f"activity {node.name!r} with input {_shown(node.input)}"
        return Scheduled(self._take_id(node), description, activity=node.name, input=node.input)

    def _take_id(self, node: _Node) -> int:
        taken = self._next_id
        self._next_id += 1
        self._open[taken] = node
        return taken


def check_determinism(orchestrator: str, history: list[Event], scheduled: list[Scheduled]) -> None:
    """Compare what the replay schedules with what the history says was scheduled.

    Raises:
        NonDeterministicError: they differ; the message names both.
    """
    now = {task.id: task.description for task in scheduled}
    for event in history:
        if event["EventType"] not in (EventType.TASK_SCHEDULED, EventType.TIMER_CREATED):
            continue
        before, again = event["Description"], now.get(event["EventId"], "nothing")
        if before != again:
            raise NonDeterministicError(
                f"orchestrator {orchestrator!r} is not deterministic: as #{event['EventId']} it scheduled "
                f"{before}, on replay {again}; take the time, random values, I/O and settings out of it"
            )


def _completed_id(event: Event) -> int:
    identity = (
        event["TimerId"] if event["EventType"] == EventType.TIMER_FIRED else event.get("TaskScheduledId", -1)
    )
    return int(identity)


def _shown(text: str | None) -> str:
    """Return an input as an error message shows it; a long one is cut and told apart by its hash."""
    if text is None or len(text) <= _SHOWN_INPUT_CHARACTERS:
        return str(text)
    return f"{text[:_SHOWN_INPUT_CHARACTERS]}... (sha256 {hashlib.sha256(text.encode()).hexdigest()[:12]})"
