"""Moments in UTC and their text, as the Durable protocol writes them."""

import asyncio
from datetime import UTC, datetime

# Sleeping in short stretches keeps time when the clock is set or the machine was asleep.
_LONGEST_SLEEP_S = 30.0
ISO_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def utc_now() -> datetime:
    """Return the current moment, aware, in UTC."""
    return datetime.now(UTC)


def to_iso(moment: datetime) -> str:
    """Write a moment with microseconds and Z, so that texts sort like moments."""
    return moment.astimezone(UTC).strftime(ISO_FORMAT)


def from_iso(text: str) -> datetime:
    """Read an ISO 8601 moment; one without an offset is taken as UTC.

    Raises:
        ValueError: the text is not ISO 8601.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def sleep_until(moment: datetime) -> None:
    """Return at the moment (aware) or just after, never before it."""
    while (left_s := (moment - utc_now()).total_seconds()) > 0:  # noqa: ASYNC110 - time passing sets no event
        await asyncio.sleep(min(left_s, _LONGEST_SLEEP_S))
