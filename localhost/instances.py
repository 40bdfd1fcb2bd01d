"""Orchestration instances in SQLite: their state, history, waiting events, and open activities and timers."""

import json
import sqlite3
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from localhost.clock import from_iso, to_iso, utc_now
from localhost.replay import Event, EventType, Scheduled
from localhost.store import Store

RUNNING_STATES = ("Pending", "Running")


@dataclass(frozen=True, slots=True)
class Task:
    """An open activity, or a timer when `activity` is None. `due_at` is in seconds since the epoch."""

    instance_id: str
    execution_id: str
    id: int
    activity: str | None
    input: str | None
    due_at: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an episode leaves its instance; `output` and `custom_status` are JSON texts."""

    status: str
    output: str | None = None
    custom_status: str | None = None


def new_event(kind: EventType, event_id: int = -1, **fields: object) -> Event:
    """Return a history event of this moment."""
    now = to_iso(utc_now())
    return {"EventType": int(kind), "EventId": event_id, "IsPlayed": False, "Timestamp": now, **fields}


class Instances:
    """The orchestrations' rows. Each method is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.connection

    def get(self, instance_id: str) -> sqlite3.Row | None:
        """Return the instance's row, or None."""
        row: sqlite3.Row | None = self._db.execute(
            "SELECT * FROM instances WHERE id = ?", (instance_id,)
        ).fetchone()
        return row

    def all(self) -> list[sqlite3.Row]:
        """Return all instances, oldest first."""
        return self._db.execute("SELECT * FROM instances ORDER BY created_at").fetchall()

    def history(self, instance_id: str) -> list[Event]:
        """Return the instance's history events in their order."""
        rows = self._db.execute(
            "SELECT event FROM history WHERE instance_id = ? ORDER BY seq", (instance_id,)
        )
        return [json.loads(row["event"]) for row in rows]

    def waiting(self, instance_id: str) -> list[tuple[int, Event]]:
        """Return the (sequence, event) pairs that no episode has consumed."""
        rows = self._db.execute(
            "SELECT seq, event FROM inbox WHERE instance_id = ? ORDER BY seq", (instance_id,)
        )
        return [(row["seq"], json.loads(row["event"])) for row in rows]

    def with_waiting_events(self) -> list[str]:
        """Return the ids of the instances that an episode can take further."""
        return [row["instance_id"] for row in self._db.execute("SELECT DISTINCT instance_id FROM inbox")]

    def tasks(self) -> list[Task]:
        """Return the open activities and timers of all instances."""
        return [Task(*row) for row in self._db.execute("SELECT * FROM tasks")]

    def pending(self) -> int:
        """Count running instances and open tasks."""
        both = "SELECT (SELECT COUNT(*) FROM running) + (SELECT COUNT(*) FROM tasks)"
        return int(self._db.execute(both).fetchone()[0])

    def create(self, instance_id: str, name: str, input_json: str | None, traceparent: str) -> None:
        """Start an instance in place of one with the same id."""
        now = to_iso(utc_now())
        started = new_event(EventType.EXECUTION_STARTED, Name=name, Version="", Input=input_json)
        with self._store.transaction() as db:
            self._forget(instance_id)
            db.execute(
                "INSERT INTO instances VALUES (?, ?, ?, ?, 'Pending', ?, ?, NULL, NULL, ?)",
                (instance_id, uuid.uuid4().hex, name, input_json, now, now, traceparent),
            )
            self._deliver(instance_id, started)

    def commit(
        self,
        instance: sqlite3.Row,
        consumed: Iterable[int],
        events: list[Event],
        scheduled: list[Scheduled],
        outcome: Outcome,
    ) -> list[Task] | None:
        """Record an episode: its events, what it scheduled, how it leaves the instance.

        Returns:
            The new tasks; None, with nothing recorded, if the instance was replaced or ended meanwhile.
        """
        id_, execution_id = instance["id"], instance["execution_id"]
        tasks = [_task(id_, execution_id, item) for item in scheduled]
        completed = new_event(EventType.ORCHESTRATOR_COMPLETED)
        history = [*events, *map(_scheduling_event, scheduled, tasks), completed]
        with self._store.transaction() as db:
            updated = db.execute(
                "UPDATE instances SET status = ?, output = ?, custom_status = coalesce(?, custom_status),"
                " updated_at = ? WHERE id = ? AND execution_id = ? AND status IN ('Pending', 'Running')",
                (outcome.status, outcome.output, outcome.custom_status, to_iso(utc_now()), id_, execution_id),
            )
            if not updated.rowcount:
                return None
            db.executemany("DELETE FROM inbox WHERE seq = ?", [(seq,) for seq in consumed])
            db.executemany(
                "INSERT INTO history (instance_id, event) VALUES (?, ?)",
                [(id_, json.dumps(event)) for event in history],
            )
            db.executemany(
                "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?)",
                [(id_, execution_id, task.id, task.activity, task.input, task.due_at) for task in tasks],
            )
            if outcome.status not in RUNNING_STATES:
                # Activities that were sent still run, as on the real host; timers and events are moot.
                db.execute("DELETE FROM tasks WHERE instance_id = ? AND activity IS NULL", (id_,))
                db.execute("DELETE FROM inbox WHERE instance_id = ?", (id_,))
        return tasks

    def complete(self, task: Task, event: Event) -> None:
        """Close a task and hand its completion to the instance, if that still runs."""
        key = (task.instance_id, task.execution_id)
        with self._store.transaction() as db:
            closed = db.execute(
                "DELETE FROM tasks WHERE instance_id = ? AND execution_id = ? AND id = ?", (*key, task.id)
            )
            running = db.execute(
                "SELECT 1 FROM running WHERE id = ? AND execution_id = ?",
                key,
            ).fetchone()
            if closed.rowcount and running:
                self._deliver(task.instance_id, event)

    def is_open(self, task: Task) -> bool:
        """Whether the task still waits to be done: its instance was not purged, replaced or terminated."""
        found = self._db.execute(
            "SELECT 1 FROM tasks WHERE instance_id = ? AND execution_id = ? AND id = ?",
            (task.instance_id, task.execution_id, task.id),
        )
        return found.fetchone() is not None

    def terminate(self, instance_id: str, reason: str) -> None:
        """End an instance; activities under way run to their end and are ignored."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM inbox WHERE instance_id = ?", (instance_id,))
            db.execute("DELETE FROM tasks WHERE instance_id = ?", (instance_id,))
            db.execute(
                "UPDATE instances SET status = 'Terminated', output = ?, updated_at = ? WHERE id = ?",
                (json.dumps(reason), to_iso(utc_now()), instance_id),
            )

    def purge(self, instance_id: str) -> None:
        """Forget an instance and its history."""
        with self._store.transaction():
            self._forget(instance_id)

    def _forget(self, instance_id: str) -> None:
        self._db.execute("DELETE FROM instances WHERE id = ?", (instance_id,))
        for table in ("history", "inbox", "tasks"):
            self._db.execute(f"DELETE FROM {table} WHERE instance_id = ?", (instance_id,))  # noqa: S608 - our names

    def _deliver(self, instance_id: str, event: Event) -> None:
        self._db.execute(
            "INSERT INTO inbox (instance_id, event) VALUES (?, ?)", (instance_id, json.dumps(event))
        )


def _task(instance_id: str, execution_id: str, item: Scheduled) -> Task:
    due_at: float | None = None
    if item.activity is None:
        fires = from_iso(item.fire_at) if item.fire_at else utc_now()
        due_at = fires.timestamp() + item.delay_ms / 1000
    return Task(instance_id, execution_id, item.id, item.activity, item.input, due_at)


def _scheduling_event(item: Scheduled, task: Task) -> Event:
    """Return the event of the history; `Description` is the runner's own field, for its determinism check."""
    if item.activity is not None:
        return new_event(
            EventType.TASK_SCHEDULED, item.id, Name=item.activity, Version="", Description=item.description
        )
    fire_at = item.fire_at or to_iso(datetime.fromtimestamp(task.due_at or 0.0, UTC))
    return new_event(EventType.TIMER_CREATED, item.id, FireAt=fire_at, Description=item.description)
