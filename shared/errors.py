"""The exception tree, by what the operator does about each error.

ArbitrageError
    SettingsError        correct the settings it lists; nothing starts before
    InputError           correct the request, file or line it names; nothing was done
        MalformedRecord  a record or snapshot line: field and value are named, the other lines go on
        BadBook          an order book that no venue could mean; the book is refused, the scan goes on
    VenueError           nothing to do: the scan goes on without the venue and says which and why
        VenueTimeout     was retried once within the tick
        VenueRateLimited the venue was not asked: our own rate limit left no room; scan less often if it repeats
        VenueUnavailable was retried once within the tick (5xx, maintenance)
        VenueBanned      the venue cools down until `retry_at_ms`; look at quotas or geography if it repeats
        VenueLied        the venue answered with something that is no market (truncated, empty, HTML)
    NoVenueAnswered      look at this machine's way to the venues; the scan is recorded as empty
    StorageError         look at the storage it names
        Conflict         somebody else wrote first; read again and retry (the callers do)
        NotFound         the blob or entry does not exist
    LoadError
        TransientLoadError   nothing to do: the batch is queued again with back-off
        PermanentLoadError   repair what it names, then send the batch again with `reload`
    AnalystError         nothing to do: the rules decide, and the verdict says why
    MissingSecret        set the secret it names
    NoteNotSent          nothing to do: the note is sent again next round; check the webhook if it repeats
    Overdraft            nothing was booked; it repeats only if balances were changed by hand
"""

from __future__ import annotations


class ArbitrageError(Exception):
    """Every error this product raises on purpose."""


class SettingsError(ArbitrageError):
    """One or more settings are wrong; `problems` lists every one with value, limit and remedy."""

    exit_code = 2

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class InputError(ArbitrageError):
    """A request, a file or a record that cannot be used as it is."""


class MalformedRecord(InputError):
    """A record whose `field` holds a `value` that its format does not allow."""

    def __init__(self, field: str, value: object, remedy: str) -> None:
        shown = repr(value)
        super().__init__(f"{field}: {shown if len(shown) <= 80 else shown[:77] + '...'} {remedy}")  # noqa: PLR2004 - a line
        self.field = field
        self.value = value


class BadBook(InputError):
    """An order book with unsorted levels, or prices or amounts that are no positive numbers."""


class VenueError(ArbitrageError):
    """A venue could not be read; the scan goes on without it."""

    kind = "error"

    def __init__(self, venue: str, message: str) -> None:
        super().__init__(f"{venue}: {message}")
        self.venue = venue
        self.message = message


class VenueTimeout(VenueError):
    """No answer within the time limit, twice."""

    kind = "timeout"


class VenueRateLimited(VenueError):
    """Our own rate limit left no room for the request within its time; the venue was not asked."""

    kind = "rate_limited"


class VenueUnavailable(VenueError):
    """The venue is down or in maintenance."""

    kind = "unavailable"


class VenueBanned(VenueError):
    """The venue refuses this address for now; it must not be asked before `retry_at_ms` (ms since epoch)."""

    kind = "banned"

    def __init__(self, venue: str, message: str, retry_at_ms: int) -> None:
        super().__init__(venue, message)
        self.retry_at_ms = retry_at_ms


class VenueLied(VenueError):
    """The answer is no market: truncated, empty, HTML or of the wrong type."""

    kind = "bad_answer"


class NoVenueAnswered(ArbitrageError):
    """Not one venue answered; the message says of each why."""


class StorageError(ArbitrageError):
    """The lake or the state could not be read or written."""


class Conflict(StorageError):
    """The entry changed since it was read; read it again and decide anew."""


class NotFound(StorageError):
    """The blob or entry does not exist."""


class LoadError(ArbitrageError):
    """A batch did not reach the warehouse."""


class TransientLoadError(LoadError):
    """The warehouse is busy, down or cut the connection; the same batch will load later."""


class PermanentLoadError(LoadError):
    """The batch can never load as it is."""


class AnalystError(ArbitrageError):
    """The analyst's answer cannot be used; `reason` is a short code for the verdict's label."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class MissingSecret(ArbitrageError):
    """A secret is absent or may not be read; it is named, its value never is."""


class NoteNotSent(ArbitrageError):
    """An alarm's note did not reach its receiver."""


class Overdraft(ArbitrageError):
    """A fill or transfer that takes more than a balance holds; nothing was booked."""
