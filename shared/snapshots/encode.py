"""Snapshots and detections into JSON. Texts of levels pass through as they came."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from shared.domain.exact import text
from shared.domain.market import BookText, Currency, Instrument, Snapshot, VenueMarket
from shared.domain.opportunity import Detection, Opportunity, Rejection
from shared.domain.tops import Tops
from shared.snapshots.columns import tops_json
from shared.snapshots.decode import VERSION
from shared.snapshots.fields import iso_time


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """One line without its end. With a `reference`, instruments and currencies are left to it."""
    inline = snapshot.reference is None
    raw: dict[str, Any] = {"version": VERSION, "time": iso_time(snapshot.time_ms)}
    if snapshot.scan_id is not None:
        raw["scan_id"] = snapshot.scan_id
    raw["phase"] = snapshot.phase
    if snapshot.reference is not None:
        raw["reference"] = snapshot.reference
    if snapshot.balances is not None:
        raw["balances"] = {
            venue: {asset: text(amount) for asset, amount in assets.items()}
            for venue, assets in snapshot.balances.items()
        }
    raw["venues"] = {
        venue: _venue(market) | (_listed(market) if inline else {})
        for venue, market in snapshot.venues.items()
    }
    return orjson.dumps(raw, default=list)


def encode_reference(venues: Mapping[str, VenueMarket]) -> bytes:
    """A blob of the venues' instruments and currencies, gzipped; the same content gives the same bytes."""
    raw = {"venues": {venue: _listed(market) for venue, market in venues.items()}}
    return gzip.compress(orjson.dumps(raw, option=orjson.OPT_SORT_KEYS), 6, mtime=0)


def detection_json(snapshot: Snapshot, detection: Detection) -> dict[str, Any]:
    """What `detect` prints of a snapshot; every number in plain notation with all its digits."""
    return {
        "time": iso_time(snapshot.time_ms),
        "scan_id": snapshot.scan_id,
        "opportunities": [opportunity_json(found) for found in detection.opportunities],
        "rejections": [rejection_json(refused) for refused in detection.rejections],
    }


def opportunity_json(found: Opportunity) -> dict[str, Any]:
    """An opportunity as `detect` prints it."""
    return {
        "id": found.id,
        "kind": found.kind,
        "start_asset": found.start_asset,
        "start_amount": text(found.start_amount),
        "end_amount": text(found.end_amount),
        "net_profit": text(found.net_profit),
        "gross_profit": text(found.gross_profit),
        "net_bps": text(found.net_bps),
        "legs": [
            {
                "venue": leg.venue,
                "symbol": leg.symbol,
                "side": leg.side.value,
                "amount": text(leg.amount),
                "average_price": text(leg.average_price),
                "limit_price": text(leg.limit_price),
                "fee": text(leg.fee),
                "fee_asset": leg.fee_asset,
            }
            for leg in found.legs
        ],
        "oldest_book_ms": found.oldest_book_ms,
        "skew_ms": found.skew_ms,
        "marks": list(found.marks),
    }


def rejection_json(refused: Rejection) -> dict[str, Any]:
    """A refused loop as `detect` prints it."""
    return {
        "reason": refused.reason.value,
        "path": list(refused.path),
        "net_bps": text(refused.net_bps),
        "detail": refused.detail,
    }


def _venue(market: VenueMarket) -> dict[str, Any]:
    return _known(
        received=_time(market.received_ms),
        taker_bps=_number(market.taker_bps),
        fee_asset=market.fee_asset and market.fee_asset.value,
        status=market.status,
        error=market.error,
    ) | {"books": _books(market.books)}


def _books(books: Mapping[str, BookText]) -> Any:
    if isinstance(books, Tops):
        fragment = tops_json(books, lambda book: orjson.dumps(_book(book), default=list))
        if fragment is not None:
            return fragment
    return {symbol: _book(book) for symbol, book in books.items()}


def _book(book: BookText) -> dict[str, Any]:
    bids, asks, time_ms, received_ms, sequence = book
    raw: dict[str, Any] = {"bids": bids, "asks": asks}
    if time_ms is not None:
        raw["time"] = iso_time(time_ms)
    if received_ms is not None:
        raw["received"] = iso_time(received_ms)
    if sequence is not None:
        raw["sequence"] = sequence
    return raw


def _listed(market: VenueMarket) -> dict[str, Any]:
    raw: dict[str, Any] = {}
    if market.instruments:
        raw["instruments"] = {symbol: _instrument(found) for symbol, found in market.instruments.items()}
    if market.currencies:
        raw["currencies"] = {asset: _currency(found) for asset, found in market.currencies.items()}
    return raw


def _instrument(instrument: Instrument) -> dict[str, Any]:
    return _known(
        base=instrument.base,
        quote=instrument.quote,
        tradable=instrument.tradable,
        leveraged=instrument.leveraged,
        amount_step=_number(instrument.amount_step),
        price_step=_number(instrument.price_step),
        min_amount=_number(instrument.min_amount),
        max_amount=_number(instrument.max_amount),
        min_notional=_number(instrument.min_notional),
        taker_bps=_number(instrument.taker_bps),
        fee_asset=instrument.fee_asset and instrument.fee_asset.value,
    )


def _currency(currency: Currency) -> dict[str, Any]:
    return _known(
        asset_id=currency.asset_id,
        networks={
            name: _known(
                deposit=network.deposit,
                withdraw=network.withdraw,
                withdraw_fee=_number(network.withdraw_fee),
                contract=network.contract,
            )
            for name, network in currency.networks.items()
        },
    )


def _known(**values: Any) -> dict[str, Any]:
    """What is known: unknown is left out."""
    return {name: value for name, value in values.items() if value is not None}


def _time(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else iso_time(milliseconds)


def _number(value: Decimal | None) -> str | None:
    return None if value is None else text(value)
