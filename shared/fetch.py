"""From the venues to a snapshot: references out of the lake, all tops of book, depth for candidates only."""

from __future__ import annotations

import asyncio
import gzip
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace

import orjson

from shared import snapshots
from shared.desk import Desk, Reference
from shared.domain.market import BookText, Snapshot, VenueMarket
from shared.domain.tops import with_books
from shared.errors import VenueError
from shared.ports import VenueQuotes, VenueReference
from shared.records import reference_name


async def refresh_markets(desk: Desk) -> Mapping[str, VenueReference | VenueError]:
    """Ask every venue for its instruments and currencies, and keep what changed in the lake.

    A venue that fails keeps its last reference.
    """
    answers = await desk.market_data.reference(desk.venues)
    good = {venue: answer for venue, answer in answers.items() if not isinstance(answer, VenueError)}
    if good:
        known = await _stored(desk)
        await _store(desk, {**(known.venues if known else {}), **good})
        desk.cache.reference = None
    return answers


async def reference(desk: Desk) -> Reference:
    """The references of the venues: from memory while they are current, else the lake, else the venues."""
    entry = await desk.state.get(desk.room("reference"), "current")
    known = set(entry.value["native"]) if entry else set()
    missing: dict[str, VenueError] = {}
    if set(desk.venues) - known:
        answers = await refresh_markets(desk)
        missing = {
            v: answer for v, answer in answers.items() if isinstance(answer, VenueError) and v not in known
        }
        entry = await desk.state.get(desk.room("reference"), "current")
    return replace(await _current(desk, str(entry.value["reference"]) if entry else ""), missing=missing)


async def known(desk: Desk) -> Mapping[str, VenueReference]:
    """The references that are known already; no venue is asked."""
    entry = await desk.state.get(desk.room("reference"), "current")
    return (await _current(desk, str(entry.value["reference"]) if entry else "")).venues


async def _current(desk: Desk, blob: str) -> Reference:
    """The references of that blob: from memory, else the lake."""
    if desk.cache.reference is None or desk.cache.reference.blob != blob:
        stored = await _stored(desk)
        desk.cache.reference = stored or Reference({}, "")
        if stored:
            desk.market_data.restore(stored.venues)
    return desk.cache.reference


async def _stored(desk: Desk) -> Reference | None:
    entry = await desk.state.get(desk.room("reference"), "current")
    if entry is None:
        return None
    blob = str(entry.value["reference"])
    content, natives = await asyncio.gather(
        desk.lake.read(blob),
        asyncio.gather(*(desk.lake.read(name) for name in entry.value["native"].values())),
    )
    markets = snapshots.decode_reference(content)
    native = dict(zip(entry.value["native"], natives, strict=True))
    venues = {
        venue: VenueReference(
            markets[venue].instruments,
            markets[venue].currencies,
            received_ms,
            orjson.loads(gzip.decompress(native[venue])),
        )
        for venue, received_ms in entry.value["received_ms"].items()
    }
    return Reference(venues, blob)


async def _store(desk: Desk, venues: Mapping[str, VenueReference]) -> None:
    content = snapshots.encode_reference(
        {
            venue: VenueMarket(instruments=found.instruments, currencies=found.currencies)
            for venue, found in sorted(venues.items())
        }
    )
    blobs = {reference_name(desk.market, content): content}
    native = {}
    for venue, found in sorted(venues.items()):
        packed = gzip.compress(orjson.dumps(found.native, option=orjson.OPT_SORT_KEYS), 1, mtime=0)
        native[venue] = reference_name(desk.market, packed)
        blobs[native[venue]] = packed
    for name, data in blobs.items():
        if not await desk.lake.exists(name):
            await desk.lake.write(name, data)
    await desk.state.replace(
        desk.room("reference"),
        "current",
        {
            "reference": reference_name(desk.market, content),
            "native": native,
            "received_ms": {venue: found.received_ms for venue, found in venues.items()},
        },
    )


def assemble(
    desk: Desk,
    scan_id: str,
    known: Reference,
    answers: Mapping[str, VenueQuotes | VenueError],
    symbols: Iterable[str] | None,
) -> Snapshot:
    """A snapshot of all tops of book; a venue that failed stands in it with its error and no books."""
    wanted = set(symbols) if symbols else None
    venues: dict[str, VenueMarket] = {}
    for venue, answer in answers.items():
        found = known.venues.get(venue)
        taker_bps, fee_asset = desk.venue_fees[venue]
        market = VenueMarket(
            taker_bps=taker_bps,
            fee_asset=fee_asset,
            instruments=found.instruments if found else {},
            currencies=found.currencies if found else {},
        )
        if isinstance(answer, VenueError):
            venues[venue] = replace(market, status=answer.kind, error=answer.message)
            continue
        books = answer.books
        if wanted is not None:
            books = {symbol: books[symbol] for symbol in books if symbol in wanted}
        venues[venue] = replace(market, received_ms=answer.received_ms, books=books)
    return Snapshot(desk.clock.now_ms(), venues, scan_id, reference=known.blob or None)


async def with_depth(desk: Desk, snapshot: Snapshot, wanted: Iterable[tuple[str, str]]) -> Snapshot:
    """The snapshot with books in depth in place of the tops; a book that could not be had keeps its top."""
    found = await desk.market_data.order_books(itertools.islice(wanted, desk.max_books))
    books: dict[str, dict[str, BookText]] = {}
    for (venue, symbol), answer in found.items():
        if isinstance(answer, VenueError):
            desk.metrics.measure("arbitrage_venue_errors", 1, venue=venue, kind=answer.kind)
        else:
            books.setdefault(venue, {})[symbol] = answer
    venues = {
        venue: replace(market, books=with_books(market.books, books[venue])) if venue in books else market
        for venue, market in snapshot.venues.items()
    }
    return replace(snapshot, time_ms=desk.clock.now_ms(), venues=venues)
