"""Which database errors pass by themselves and which never do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared.errors import LoadError, PermanentLoadError, TransientLoadError

TRANSIENT_NUMBERS = frozenset(
    {1205, 4060, 10928, 10929, 40197, 40501, 40613, 49918, 49919, 49920}  # deadlock, throttling, failover
    | {64, 233, 10053, 10054, 10060, 10061}  # connection loss
    | {208, 2812}  # a table or procedure that the pending migration brings
)
_TRANSIENT_STATES = ("08", "HYT", "40001")
_NUMBER = re.compile(r"\((\d{2,6})\)")
_REMEDIES = {
    "no such table": "run `python -m shared migrate`",
    "(208)": "run `python -m shared migrate`",
    "(229)": "give the login the role arbitrage_app",
    "(18456)": "create the login's user in the database and give it the role arbitrage_app",
    "(40615)": "let this address through the server's firewall",
}
"""What to do about errors that time alone does not cure, by what their texts hold."""


def is_transient(error: SQLAlchemyError) -> bool:
    """Whether the same statement may work later: the store is busy, down or not yet migrated."""
    if isinstance(error, PoolTimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state, text = _parts(error)
    numbers = {int(number) for number in _NUMBER.findall(text)}
    return (
        error.connection_invalidated
        or bool(numbers & TRANSIENT_NUMBERS)
        or state.startswith(_TRANSIENT_STATES)
        or isinstance(error, OperationalError | InterfaceError)
    )


@contextmanager
def translated(store: str, action: str) -> Iterator[None]:
    """Database errors as this product's own; statements and values stay out of the message.

    Raises:
        TransientLoadError: try again later.
        PermanentLoadError: it will never work as it is.
    """
    try:
        yield
    except ImportError as error:  # pyodbc without its C libraries
        raise TransientLoadError(
            f"{store}: cannot {action}: {error}; install unixODBC and ODBC Driver 18 for SQL Server"
        ) from error
    except OSError as error:
        raise TransientLoadError(
            f"{store}: cannot {action}: {error}; check owner, permissions and free space, or set DATA_DIR"
        ) from error
    except SQLAlchemyError as error:
        text = _parts(error)[1] if isinstance(error, DBAPIError) else str(error)
        remedy = next((f"; {remedy}" for mark, remedy in _REMEDIES.items() if mark in text), "")
        kind: type[LoadError] = TransientLoadError if is_transient(error) else PermanentLoadError
        raise kind(f"{store}: cannot {action}: {text[:400]}{remedy}") from error


def _parts(error: DBAPIError) -> tuple[str, str]:
    """SQLSTATE (empty in SQLite) and text of the driver's error."""
    arguments = getattr(error.orig, "args", ())
    texts = [str(argument) for argument in arguments]
    return (texts[0], texts[1]) if len(texts) > 1 else ("", " ".join(texts) or type(error.orig).__name__)
