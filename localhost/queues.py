"""Queues as Azure Storage keeps them: at least once, invisible while handled, poisoned in the end."""

import asyncio
import base64
import time
import uuid
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from azure.functions.meta import Datum
from azure.functions.queue import QueueMessageInConverter

from localhost.background import Background
from localhost.config import HostConfig
from localhost.indexing import Function
from localhost.invocation import Invoker
from localhost.store import Store

MESSAGE_LIMIT_BYTES = 64 * 1024
POISON = "-poison"
LIFETIME_S = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Message:
    """A message taken from its queue; `body` is as stored, encoded. Times are seconds since the epoch."""

    id: str
    queue: str
    body: str
    inserted_at: float
    dequeue_count: int


class Queues:
    """All messages of the app."""

    def __init__(self, store: Store, config: HostConfig) -> None:
        self._store = store
        self._config = config
        self.changed: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.poisoned: list[str] = []

    def send(self, messages: list[tuple[str, bytes]]) -> None:
        """Store (queue, body) messages together or not at all.

        Raises:
            ValueError: an encoded message is larger than 64 KiB.
        """
        encoded = [(queue, self._encode(queue, body)) for queue, body in messages]
        with self._store.transaction():
            for queue, body in encoded:
                self._insert(queue, body)

    def _encode(self, queue: str, body: bytes) -> str:
        text = base64.b64encode(body).decode() if self._config.message_encoding == "base64" else body.decode()
        if len(text.encode()) > MESSAGE_LIMIT_BYTES:
            raise ValueError(
                f"a message for {queue} takes {len(text.encode())} bytes encoded, the limit is "
                f"{MESSAGE_LIMIT_BYTES}; store the data and send its name"
            )
        return text

    def decode(self, message: Message) -> bytes:
        """Return the message's body as its sender gave it."""
        if self._config.message_encoding == "base64":
            return base64.b64decode(message.body, validate=True)
        return message.body.encode()

    def _insert(self, queue: str, body: str) -> None:
        message_id, now = str(uuid.uuid4()), time.time()
        self._store.connection.execute(
            "INSERT INTO messages (id, queue, body, inserted_at, visible_at) VALUES (?, ?, ?, ?, ?)",
            (message_id, queue, body, now, now),
        )
        # Counted whoever sent it: the host after too many attempts, or the app itself.
        if queue.endswith(POISON):
            self.poisoned.append(f"{queue}/{message_id}")
        self.changed[queue].set()

    def claim(self, queue: str, limit: int) -> list[Message]:
        """Take up to `limit` visible messages, oldest first, and count the attempt."""
        with self._store.transaction() as db:
            rows = db.execute(
                "UPDATE messages SET claimed = 1, dequeue_count = dequeue_count + 1 WHERE id IN"
                " (SELECT id FROM messages WHERE queue = ? AND claimed = 0 AND visible_at <= ?"
                " ORDER BY inserted_at LIMIT ?)"
                " RETURNING id, queue, body, inserted_at, dequeue_count",
                (queue, time.time(), limit),
            ).fetchall()
        return [Message(*row) for row in rows]

    def delete(self, message: Message) -> None:
        """Forget a message that was handled."""
        self._store.connection.execute("DELETE FROM messages WHERE id = ?", (message.id,))

    def give_back(self, message: Message) -> None:
        """Show a failed message again after the visibility time-out, or move it to the poison queue."""
        if message.dequeue_count < self._config.max_dequeue_count:
            self._store.connection.execute(
                "UPDATE messages SET claimed = 0, visible_at = ? WHERE id = ?",
                (time.time() + self._config.visibility_timeout_s, message.id),
            )
            return
        with self._store.transaction():
            self._insert(message.queue + POISON, message.body)
            self.delete(message)

    def release_claims(self) -> None:
        """Show what a dead process had taken; this process alone holds DATA_DIR."""
        self._store.connection.execute(
            "UPDATE messages SET claimed = 0, visible_at = ? WHERE claimed = 1", (0,)
        )

    def length(self, queue: str) -> int:
        """Count the queue's messages, visible or not."""
        row = self._store.connection.execute("SELECT COUNT(*) FROM messages WHERE queue = ?", (queue,))
        return int(row.fetchone()[0])

    def seconds_to_next(self, queue: str) -> float | None:
        """Return the seconds until an unclaimed message shows itself; None without one."""
        (visible_at,) = self._store.connection.execute(
            "SELECT MIN(visible_at) FROM messages WHERE queue = ? AND claimed = 0", (queue,)
        ).fetchone()
        return None if visible_at is None else max(0.0, float(visible_at) - time.time())


class QueueListener:
    """Feeds one queue function, up to batchSize messages at a time."""

    def __init__(
        self, function: Function, queues: Queues, invoker: Invoker, config: HostConfig, background: Background
    ) -> None:
        self.queue = str(function.trigger.properties["queueName"])
        self._function = function
        self._queues = queues
        self._invoker = invoker
        self._config = config
        self._background = background
        self._running = 0

    async def listen(self) -> None:
        """Handle messages until cancelled."""
        changed = self._queues.changed[self.queue]
        while True:
            changed.clear()
            room = self._config.batch_size - self._running
            for message in self._queues.claim(self.queue, room) if room else []:
                self._running += 1
                self._background.spawn(self._handle(message))
            full = self._running >= self._config.batch_size
            with suppress(TimeoutError):
                await asyncio.wait_for(
                    changed.wait(), None if full else self._queues.seconds_to_next(self.queue)
                )

    async def _handle(self, message: Message) -> None:
        try:
            request = QueueMessageInConverter.decode(
                Datum(self._queues.decode(message), "bytes"), trigger_metadata=_metadata(message)
            )
            await self._invoker.run(self._function, {self._function.trigger.name: request})
        except Exception:  # noqa: BLE001 - the invoker has logged it; any failure means another attempt
            self._queues.give_back(message)
        else:
            self._queues.delete(message)
        finally:
            self._running -= 1
            self._queues.changed[self.queue].set()


def _metadata(message: Message) -> dict[str, Datum]:
    def moment(epoch_s: float) -> Datum:
        return Datum(datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="seconds"), "string")

    return {
        "Id": Datum(message.id, "string"),
        "DequeueCount": Datum(message.dequeue_count, "int"),
        "PopReceipt": Datum(f"{message.id}-{message.dequeue_count}", "string"),
        "InsertionTime": moment(message.inserted_at),
        "ExpirationTime": moment(message.inserted_at + LIFETIME_S),
        "NextVisibleTime": moment(time.time()),
    }
