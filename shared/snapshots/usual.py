"""The usual shape of a snapshot, checked by the parser itself; what is unusual is left to the exact reading."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

_Row = Annotated[list[str | None], msgspec.Meta(min_length=2, max_length=2)]

UNUSUAL = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What `read` raises for lines that are wrong or merely odd, such as amounts written as whole numbers."""


class UsualBook(msgspec.Struct, gc=False):
    """A book whose rows are pairs of texts; its times and its sequence are still to be read."""

    bids: list[_Row] | None = None
    asks: list[_Row] | None = None
    time: str | None = None
    received: str | None = None
    sequence: Any = None


class _Venue(msgspec.Struct, gc=False):
    books: dict[str, UsualBook]
    received: Any = None
    taker_bps: Any = None
    fee_asset: Any = None
    status: Any = None
    error: Any = None
    instruments: Any = None
    currencies: Any = None


class _Snapshot(msgspec.Struct, gc=False):
    venues: dict[str, _Venue]
    version: Any = None
    time: Any = None
    scan_id: Any = None
    phase: Any = None
    reference: Any = None
    balances: Any = None


_decoder = msgspec.json.Decoder(_Snapshot)


def read(line: bytes | str) -> dict[str, Any]:
    """The snapshot as its JSON object, but with each book as a UsualBook; only books are checked.

    Raises:
        MsgspecError, UnicodeError, RecursionError: the line is not of the usual shape.
    """
    raw = msgspec.structs.asdict(_decoder.decode(line))
    raw["venues"] = {venue: msgspec.structs.asdict(market) for venue, market in raw["venues"].items()}
    return raw
