"""What the steps need of the outside world; contract tests hold every adapter to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from shared.domain.alarms import Note
from shared.domain.facts import Facts
from shared.domain.market import BookText, Currency, Instrument
from shared.domain.trade import Verdict
from shared.errors import VenueError

Row = Mapping[str, Any]


class Clock(Protocol):
    """Time, so that a replay can run on the recording's."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...

    async def sleep_until(self, time_ms: int) -> None:
        """Wait until then; at once if it has passed."""
        ...


@dataclass(frozen=True, slots=True)
class VenueReference:
    """What changes rarely at a venue; `received_ms` is when it was fetched."""

    instruments: Mapping[str, Instrument]
    currencies: Mapping[str, Currency]
    received_ms: int
    native: Mapping[str, Any]
    """What the adapter needs to restore itself without asking the venue again; plain JSON values."""


@dataclass(frozen=True, slots=True)
class VenueQuotes:
    """All tops of book of one venue, from one request."""

    books: Mapping[str, BookText]
    received_ms: int
    latency_ms: int
    clock_drift_ms: int | None = None


class MarketData(Protocol):
    """Public market data. A venue that fails is a VenueError in the answer, never an exception."""

    async def reference(self, venues: Iterable[str]) -> Mapping[str, VenueReference | VenueError]:
        """Instruments and currencies, asked of the venues."""
        ...

    def restore(self, references: Mapping[str, VenueReference]) -> None:
        """Use these instruments from now on, without asking the venues."""
        ...

    async def quotes(self, venues: Iterable[str]) -> Mapping[str, VenueQuotes | VenueError]:
        """All tops of book, one request a venue, all venues at once."""
        ...

    async def order_books(
        self, wanted: Iterable[tuple[str, str]]
    ) -> Mapping[tuple[str, str], BookText | VenueError]:
        """Books in depth of (venue, symbol) pairs; what a rate limit leaves no room for is not among them."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...


class Lake(Protocol):
    """Blobs under `/`-separated names."""

    async def write(self, name: str, data: bytes) -> None:
        """Write whole or not at all; replaces what was there."""
        ...

    async def read(self, name: str) -> bytes:
        """The blob.

        Raises:
            NotFound: there is none.
        """
        ...

    def names(self, prefix: str, after: str = "") -> AsyncIterator[str]:
        """Names under the prefix in ascending order, those greater than `after` only."""
        ...

    async def exists(self, name: str) -> bool:
        """Whether the blob is there."""
        ...

    async def delete(self, name: str) -> None:
        """Remove it; no error if it is gone already."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of the state with the tag that its replacement must show. Values are JSON objects."""

    key: str
    value: dict[str, Any]
    etag: str


STATE_VALUE_BYTES = 700_000
"""Longest value of the state as JSON: what an Azure table's entity of 1 MiB holds in base64."""


class State(Protocol):
    """Small shared memory with optimistic concurrency; a value has at most STATE_VALUE_BYTES of JSON."""

    async def get(self, partition: str, key: str) -> Entry | None:
        """The entry, or None."""
        ...

    async def put(self, partition: str, key: str, value: Mapping[str, Any], etag: str | None) -> str:
        """Write and return the new tag: `etag` None creates, else replaces the version so tagged.

        Raises:
            Conflict: it exists already, or changed since.
            StorageError: the value is too long, or the store cannot be reached.
        """
        ...

    async def replace(self, partition: str, key: str, value: Mapping[str, Any]) -> None:
        """Write whatever is there."""
        ...

    async def entries(self, partition: str, prefix: str = "") -> Sequence[Entry]:
        """All entries of a partition whose key starts with `prefix`, by key."""
        ...

    async def delete(self, partition: str, key: str) -> None:
        """Remove it; no error if it is gone already."""
        ...


class Warehouse(Protocol):
    """The relational store behind pages, reports and dashboards."""

    @property
    def migrates_itself(self) -> bool:
        """Whether the first use brings the schema up to date; else that is the deployment's."""
        ...

    async def migrate(self, *, dry_run: bool = False) -> Sequence[str]:
        """Bring the schema up to date; the names of the migrations applied, or with `dry_run` those pending."""
        ...

    async def load(self, blob: str, rows: Mapping[str, Sequence[Row]]) -> bool:
        """Load a blob's rows by table and its ledger row in one transaction; False if it was loaded before.

        Raises:
            TransientLoadError: try again later.
            PermanentLoadError: these rows can never load.
        """
        ...

    async def loaded(self, blobs: Sequence[str]) -> set[str]:
        """Which of these blobs have a ledger row."""
        ...

    async def select(
        self, table: str, where: Mapping[str, Any], order: Sequence[str], limit: int, offset: int = 0
    ) -> list[dict[str, Any]]:
        """Rows of a table or view.

        `where` maps `column`, or `column__ge`, `__le`, `__lt`, `__gt`, to a value; `order` lists columns,
        descending with a leading `-`.

        Raises:
            TransientLoadError: the warehouse cannot answer now.
        """
        ...

    async def probe(self, blob: str) -> None:
        """Write a ledger row of that name, read it, and roll both back.

        Raises:
            TransientLoadError: the warehouse cannot answer now.
            PermanentLoadError: it may not be written or read.
        """
        ...

    async def purge_market_data(self, before_ms: int) -> int:
        """Delete market_data older than that; the number of rows. The lake keeps every quote.

        Raises:
            TransientLoadError: the warehouse cannot answer now; what is deleted stays deleted.
        """
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...


class Analyst(Protocol):
    """Who judges an opportunity. Where an analyst fails the rules decide, and the verdict says why."""

    async def judge(self, facts: Facts) -> Verdict:
        """The verdict; never raises for what a model or a network does."""
        ...


class Secrets(Protocol):
    """Secrets by their Key Vault names."""

    async def get(self, name: str) -> str | None:
        """The value, or None where it is not set.

        Raises:
            MissingSecret: it exists but may not be read.
        """
        ...


Attribute = str | float | bool | Decimal
"""What a span or an event may carry; a Decimal keeps every digit."""


class Notifier(Protocol):
    """Brings alarms to a person."""

    async def send(self, note: Note) -> None:
        """Deliver one note.

        Raises:
            NoteNotSent: the receiver did not take it.
        """
        ...


class Span(Protocol):
    """A piece of work being timed."""

    @property
    def traceparent(self) -> str | None:
        """W3C trace context to hand to whoever goes on with the work, or None with telemetry off."""
        ...

    def set(self, **attributes: Attribute) -> None:
        """Note facts about the work."""
        ...


class Metrics(Protocol):
    """What is told to the outside, by the names that `shared.signals` declares. It never raises."""

    def span(
        self, name: str, parent: str | None = None, /, **attributes: Attribute
    ) -> AbstractContextManager[Span]:
        """Time a piece of work; `parent` is a traceparent from elsewhere, by default the current span."""
        ...

    def event(self, name: str, /, **attributes: Attribute) -> None:
        """Something that happened: a line of the log, and a custom event where telemetry is on."""
        ...

    def measure(self, name: str, value: float | Decimal, /, **labels: str) -> None:
        """A measured value in the declared unit; a label value outside its bounded set counts as other."""
        ...

    async def close(self) -> None:
        """Send what is still held back, then let go of every connection."""
        ...
