"""Timer functions: six-field NCRONTAB in UTC, never overlapping; a missed occurrence fires on start."""

import asyncio
import json
import logging
from contextlib import suppress
from datetime import datetime, timedelta

from azure.functions.meta import Datum
from azure.functions.timer import TimerRequestConverter
from croniter import croniter

from localhost.clock import from_iso, sleep_until, to_iso, utc_now
from localhost.errors import StartError
from localhost.indexing import Function
from localhost.invocation import Invoker
from localhost.store import Store

log = logging.getLogger(__name__)

_MONITORED_FROM = timedelta(minutes=1)


class Schedule:
    """An NCRONTAB expression: second, minute, hour, day, month, day of week; both day fields must match."""

    def __init__(self, expression: str, function: str) -> None:
        """Check the expression; five fields mean second zero.

        Raises:
            StartError: it is not NCRONTAB.
        """
        fields = expression.split()
        self._expression = " ".join(["0", *fields] if len(fields) == 5 else fields)  # noqa: PLR2004 - see above
        if len(fields) not in (5, 6) or not croniter.is_valid(self._expression, second_at_beginning=True):
            raise StartError(
                f"the schedule of {function} is {expression!r}; write six fields: "
                "second minute hour day month day-of-week, such as '0 */5 * * * *'"
            )

    def next_after(self, moment: datetime) -> datetime:
        """Return the first occurrence after the moment (UTC)."""
        occurrences = croniter(self._expression, moment, second_at_beginning=True, day_or=False)
        following: datetime = occurrences.get_next(datetime)
        return following

    def is_monitored(self) -> bool:
        """Whether missed occurrences are caught up: only where they are at least a minute apart."""
        first = self.next_after(utc_now())
        return self.next_after(first) - first >= _MONITORED_FROM


class Timer:
    """One timer function."""

    def __init__(self, function: Function, invoker: Invoker, store: Store) -> None:
        self._function = function
        self._invoker = invoker
        self._store = store
        self._one_at_a_time = asyncio.Lock()
        self.schedule = Schedule(str(function.trigger.properties["schedule"]), function.name)

    async def keep_time(self) -> None:
        """Fire at each occurrence until cancelled; what fell due while nothing ran fires once, at once."""
        properties, last = self._function.trigger.properties, self._last()
        if last is None:
            self._remember(utc_now())
        is_monitored = self.schedule.is_monitored() and properties.get("useMonitor") is not False
        missed = last is not None and is_monitored and self.schedule.next_after(last) <= utc_now()
        if missed or properties.get("runOnStartup"):
            await self._fire_logged(past_due=missed)
        while True:
            await sleep_until(self.schedule.next_after(utc_now()))
            await self._fire_logged()

    async def fire(self, *, past_due: bool = False) -> None:
        """Invoke the function once, after an invocation that already runs.

        Raises:
            Exception: what the function raised.
        """
        async with self._one_at_a_time:
            started, last = utc_now(), self._last()
            status = {
                "IsPastDue": past_due,
                "Schedule": {"AdjustForDST": True},
                "ScheduleStatus": {
                    "Last": to_iso(last or started),
                    "Next": to_iso(self.schedule.next_after(started)),
                    "LastUpdated": to_iso(last or started),
                },
            }
            request = TimerRequestConverter.decode(Datum(json.dumps(status), "json"), trigger_metadata=None)
            try:
                await self._invoker.run(self._function, {self._function.trigger.name: request})
            except Exception:
                self._remember(started)
                raise
            # Only after it: a timer that died with the process was missed and fires again on start.
            self._remember(started)

    async def _fire_logged(self, *, past_due: bool = False) -> None:
        # The invoker has logged the failure, and the host does not retry a timer.
        with suppress(Exception):
            await self.fire(past_due=past_due)

    def _last(self) -> datetime | None:
        row = self._store.connection.execute(
            "SELECT last FROM timers WHERE name = ?", (self._function.name,)
        ).fetchone()
        return from_iso(row["last"]) if row else None

    def _remember(self, moment: datetime) -> None:
        self._store.connection.execute(
            "INSERT OR REPLACE INTO timers VALUES (?, ?)", (self._function.name, to_iso(moment))
        )
