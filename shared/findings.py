"""What a scan found, whole: opportunities, every rejection, and what executing them will need."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import orjson

from shared.domain.exact import BPS, EXACT, ZERO
from shared.domain.facts import Surroundings
from shared.domain.fees import FeeOverrides, taker_fee
from shared.domain.market import Instrument, Snapshot
from shared.domain.opportunity import Detection, Opportunity, Rejection
from shared.errors import InputError, MalformedRecord
from shared.records import from_payload, partition, to_payload


@dataclass(frozen=True, slots=True)
class VenueAnswer:
    """How a venue answered: `ok`, or what kept it out."""

    venue: str
    status: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Findings:
    """A scan's result.

    `instruments` are those of the opportunities' books and of the direct pairs that unwind them, with the taker
    fee that applies; `values` are USDT per unit; `surroundings` go with the opportunities.
    """

    version: int
    market: str
    scan_id: str
    triggered_by: str
    time_ms: int
    elapsed_ms: int
    venues: tuple[VenueAnswer, ...]
    instruments_compared: int
    loops_screened: int
    opportunities: tuple[Opportunity, ...]
    rejections: tuple[Rejection, ...]
    instruments: tuple[Instrument, ...]
    values: Mapping[str, Decimal]
    surroundings: tuple[Surroundings, ...]

    def by_symbol(self) -> dict[tuple[str, str], Instrument]:
        """The instruments by venue and symbol."""
        return {(found.venue, found.symbol): found for found in self.instruments}

    def judged(self, opportunity_id: str) -> tuple[Opportunity, Surroundings]:
        """An opportunity and what is known around it.

        Raises:
            InputError: the scan found no such opportunity, or its record cannot be read.
        """
        for opportunity, around in zip(self.opportunities, self.surroundings, strict=True):
            if opportunity.id == opportunity_id and opportunity.legs:
                return opportunity, around
        raise InputError(f"scan {self.scan_id} found no opportunity {opportunity_id} that can be read")


def findings_name(market: str, time_ms: int, scan_id: str) -> str:
    """The blob of a scan's findings."""
    return f"{market}/findings/{partition(time_ms)}/{scan_id}.json.gz"


def books_of(opportunity: Opportunity, listed: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """The books that fills may meet: of the legs, and of the direct pairs against the start asset."""
    legs = {(leg.venue, leg.symbol) for leg in opportunity.legs}
    assets = {asset for _, symbol in legs for asset in symbol.split("/")} - {opportunity.start_asset}
    start = opportunity.start_asset
    pairs = {
        (venue, symbol)
        for venue in {leg.venue for leg in opportunity.legs}
        for asset in assets
        for symbol in (f"{asset}/{start}", f"{start}/{asset}")
    }
    return legs | {pair for pair in pairs if pair in listed}


def find(
    market: str,
    triggered_by: str,
    snapshot: Snapshot,
    detection: Detection,
    *,
    fees: FeeOverrides,
    values: Mapping[str, Decimal],
    surroundings: Sequence[Surroundings],
    elapsed_ms: int = 0,
) -> Findings:
    """The findings of a detection on its snapshot."""
    listed = {(venue, symbol) for venue, each in snapshot.venues.items() for symbol in each.books}
    wanted = {pair for found in detection.opportunities for pair in books_of(found, listed)}
    assets = {asset for _, symbol in wanted for asset in symbol.split("/")}
    return Findings(
        version=1,
        market=market,
        scan_id=str(snapshot.scan_id),
        triggered_by=triggered_by,
        time_ms=snapshot.time_ms,
        elapsed_ms=elapsed_ms,
        venues=tuple(VenueAnswer(venue, each.status, each.error) for venue, each in snapshot.venues.items()),
        instruments_compared=detection.instruments_compared,
        loops_screened=detection.loops_screened,
        opportunities=detection.opportunities,
        rejections=detection.rejections,
        instruments=tuple(with_fee(snapshot, venue, symbol, fees) for venue, symbol in sorted(wanted)),
        values={asset: value for asset, value in sorted(values.items()) if asset in assets},
        surroundings=tuple(surroundings),
    )


def with_fee(snapshot: Snapshot, venue: str, symbol: str, fees: FeeOverrides) -> Instrument:
    """An instrument with the taker fee that applies to it."""
    market = snapshot.venues[venue]
    base, quote = symbol.split("/")
    instrument = market.instruments.get(symbol) or Instrument(venue, symbol, base, quote)
    fee = taker_fee(venue, symbol, market, fees)
    if fee is None:
        return instrument
    return replace(instrument, taker_bps=EXACT.multiply(fee.rate, BPS), fee_asset=fee.asset)


def encode(findings: Findings) -> bytes:
    """The blob."""
    return gzip.compress(orjson.dumps(to_payload(findings)), compresslevel=1, mtime=0)


def decode(data: bytes) -> Findings:
    """The findings of a blob.

    An opportunity whose record cannot be read keeps its place and its id and has no legs; an instrument that
    cannot be read is unknown.

    Raises:
        MalformedRecord: it is something else.
    """
    try:
        payload = orjson.loads(gzip.decompress(data))
    except (EOFError, OSError, zlib.error, orjson.JSONDecodeError) as error:
        raise MalformedRecord("findings", data[:16], f"is not gzipped JSON: {error}") from error
    try:
        return from_payload(Findings, payload)
    except MalformedRecord:
        return from_payload(Findings, _readable(payload))


def _readable(payload: Any) -> Any:
    """The payload without what cannot be read of its opportunities and instruments."""
    if not isinstance(payload, dict):
        return payload
    found = payload.get("opportunities", [])
    around = payload.get("surroundings", [])
    pairs = [
        (each, near) if _reads(Opportunity, each) and _reads(Surroundings, near) else (_unread(each), {})
        for each, near in zip(found, around, strict=False)
    ]
    return {
        **payload,
        "opportunities": [each for each, _ in pairs],
        "surroundings": [near for _, near in pairs],
        "instruments": [each for each in payload.get("instruments", []) if _reads(Instrument, each)],
    }


def _reads(kind: type, payload: Any) -> bool:
    try:
        from_payload(kind, payload)
    except MalformedRecord:
        return False
    return True


def _unread(payload: Any) -> Any:
    name = str(payload.get("id", "")) if isinstance(payload, dict) else ""
    return to_payload(
        Opportunity(name, "unreadable", "", ZERO, ZERO, ZERO, ZERO, ZERO, (), 0, 0, (), ZERO, ZERO)
    )
