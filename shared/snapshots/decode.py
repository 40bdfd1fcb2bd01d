"""JSON into snapshots: whatever does not fit the format is named by its field."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from shared.domain.market import BookText, Currency, Instrument, Network, Snapshot, VenueMarket
from shared.errors import MalformedRecord, NotFound
from shared.garbage import collection_paused
from shared.snapshots import fields, usual
from shared.snapshots.fields import Wrong, each, field, objects

VERSION = 1
PHASES = ("scan", "execution")

_GZIP = b"\x1f\x8b"
_REFERENCES_KEPT = 4


class References:
    """Instruments and currencies that snapshots name by a stored blob; the latest few stay decoded.

    `read` returns the blob's bytes, and raises KeyError or NotFound where there is none.
    """

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read
        self._known: dict[str, Mapping[str, VenueMarket]] = {}

    def __call__(self, name: str) -> Mapping[str, VenueMarket]:
        """The venues' instruments and currencies.

        Raises:
            MalformedRecord: there is no such blob, or it holds something else.
        """
        if name not in self._known:
            try:
                content = self._read(name)
            except (KeyError, NotFound):
                remedy = "names a blob that is not stored; restore it or write the instruments in full"
                raise MalformedRecord("reference", name, remedy) from None
            while len(self._known) >= _REFERENCES_KEPT:
                del self._known[next(iter(self._known))]
            self._known[name] = decode_reference(content)
        return self._known[name]


def decode_snapshot(line: bytes | str, references: References | None = None) -> Snapshot:
    """One snapshot.

    Raises:
        MalformedRecord: it is no JSON, or a field is missing or of another type than the format's.
    """
    with collection_paused():
        try:
            return _snapshot(usual.read(line), references)
        except (Wrong, *usual.UNUSUAL):  # only the exact reading can tell whether and where it is wrong
            return _read_exactly(line, references)


def _read_exactly(line: bytes | str, references: References | None) -> Snapshot:
    try:
        raw = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        why = f"is no JSON ({error.msg} at character {error.pos}); write one object"
        raise MalformedRecord("line", _beginning(line), why) from None
    try:
        return _snapshot(objects(raw) or {}, references)
    except Wrong as wrong:
        raise (wrong if wrong.place else wrong.under("line")).malformed() from None


def decode_reference(content: bytes) -> Mapping[str, VenueMarket]:
    """The venues' instruments and currencies of a stored blob, gzipped or not.

    Raises:
        MalformedRecord: it holds something else.
    """
    try:
        raw = orjson.loads(gzip.decompress(content) if content[:2] == _GZIP else content)
    except (orjson.JSONDecodeError, OSError, EOFError, zlib.error) as error:
        raise MalformedRecord("reference", content[:40], f"is no JSON ({error}); store it again") from None
    try:
        return field(objects(raw), "venues", lambda venues: each(venues, _market))
    except Wrong as wrong:
        raise wrong.under("reference").malformed() from None


def _beginning(line: bytes | str) -> str:
    return line[:60].decode(errors="replace") if isinstance(line, bytes) else line[:60]


def _snapshot(raw: dict[str, Any], references: References | None) -> Snapshot:
    if raw.get("version") != VERSION or type(raw["version"]) is not int:
        raise Wrong(raw.get("version"), f"is no known version; write {VERSION}", "version")
    time_ms = field(raw, "time", fields.time_ms)
    if time_ms is None:
        raise Wrong(None, "is missing; write the time such as 2026-11-22T12:00:00.000Z", "time")
    if raw.get("venues") is None:
        raise Wrong(None, "is missing; write {venue: {books: {...}}}", "venues")
    phase = field(raw, "phase", fields.words) or PHASES[0]
    if phase not in PHASES:
        raise Wrong(phase, f"is unknown; write {' or '.join(PHASES)}", "phase")
    venues = field(raw, "venues", lambda found: each(found, _venue))
    reference = field(raw, "reference", fields.words)
    if reference is not None:
        venues = _with_reference(venues, reference, references)
    balances = None if raw.get("balances") is None else field(raw, "balances", _balances)
    return Snapshot(time_ms, venues, field(raw, "scan_id", fields.words), phase, reference, balances)


def _with_reference(
    venues: Mapping[str, VenueMarket], reference: str, references: References | None
) -> dict[str, VenueMarket]:
    """The venues with what the reference says of them; what stands in the snapshot itself goes first."""
    if references is None:
        remedy = "names a stored blob, and none can be read here; read the snapshot from its lake"
        raise Wrong(reference, remedy, "reference")
    known = references(reference)
    merged = {}
    for venue, market in venues.items():
        listed = known.get(venue, VenueMarket())
        merged[venue] = VenueMarket(
            market.received_ms,
            market.taker_bps,
            market.fee_asset,
            market.status,
            market.error,
            {**listed.instruments, **market.instruments} if market.instruments else listed.instruments,
            market.books,
            {**listed.currencies, **market.currencies} if market.currencies else listed.currencies,
        )
    return merged


def _balances(raw: object) -> dict[str, dict[str, Any]]:
    def balance(_asset: str, value: object) -> Any:
        held = fields.amount(value)
        if held is None:
            raise Wrong(value, "is missing; write zero or leave the asset out")
        return held

    return each(raw, lambda _venue, assets: each(assets, balance))


def _venue(venue: str, raw: object) -> VenueMarket:
    source = objects(raw)
    if source.get("books") is None:
        raise Wrong(None, "is missing; write {} for a venue without books", "books")
    market = _market(venue, source)
    return VenueMarket(
        field(source, "received", fields.time_ms),
        field(source, "taker_bps", fields.basis_points),
        field(source, "fee_asset", fields.fee_asset),
        field(source, "status", fields.words) or "ok",
        field(source, "error", fields.words),
        market.instruments,
        field(source, "books", lambda books: each(books, _book)),
        market.currencies,
    )


def _market(venue: str, raw: object) -> VenueMarket:
    source = objects(raw)
    return VenueMarket(
        instruments=field(
            source,
            "instruments",
            lambda found: each(found, lambda symbol, entry: _instrument(venue, symbol, entry)),
        ),
        currencies=field(source, "currencies", lambda found: each(found, _currency)),
    )


@lru_cache(maxsize=32_768)
def _assets(symbol: str) -> tuple[str, str]:
    base, slash, quote = symbol.partition("/")
    if not (base and slash and quote) or base == quote or "/" in quote:
        raise Wrong(symbol, "is no symbol; write BASE/QUOTE")
    return base, quote


def _instrument(venue: str, symbol: str, raw: object) -> Instrument:
    source = objects(raw)
    assets = _assets(symbol)
    for name, expected in zip(("base", "quote"), assets, strict=True):
        written = field(source, name, fields.words)
        if written is not None and written != expected:
            raise Wrong(written, f"is not {expected}, as the symbol says; write them alike", name)
    return Instrument(
        venue,
        symbol,
        *assets,
        field(source, "tradable", fields.flag),
        field(source, "leveraged", fields.flag),
        field(source, "amount_step", fields.amount),
        field(source, "price_step", fields.amount),
        field(source, "min_amount", fields.amount),
        field(source, "max_amount", fields.amount),
        field(source, "min_notional", fields.amount),
        field(source, "taker_bps", fields.basis_points),
        field(source, "fee_asset", fields.fee_asset),
    )


def _book(symbol: str, raw: object) -> BookText:
    _assets(symbol)
    if type(raw) is usual.UsualBook:
        return BookText(
            () if raw.bids is None else raw.bids,
            () if raw.asks is None else raw.asks,
            fields.time_ms(raw.time),
            fields.time_ms(raw.received),
            fields.whole(raw.sequence),
        )
    if type(raw) is not dict:
        raise Wrong(raw, 'is no book; write {"bids": [...], "asks": [...]}')
    return BookText(
        field(raw, "bids", fields.rows),
        field(raw, "asks", fields.rows),
        field(raw, "time", fields.time_ms),
        field(raw, "received", fields.time_ms),
        field(raw, "sequence", fields.whole),
    )


def _currency(_asset: str, raw: object) -> Currency:
    source = objects(raw)
    return Currency(
        field(source, "asset_id", fields.words),
        field(source, "networks", lambda networks: each(networks, _network)),
    )


def _network(_name: str, raw: object) -> Network:
    source = objects(raw)
    return Network(
        field(source, "deposit", fields.flag),
        field(source, "withdraw", fields.flag),
        field(source, "withdraw_fee", fields.amount),
        field(source, "contract", fields.words),
    )
