"""A scan into the lake: the snapshot, the findings and the rows, in this order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from isal import igzip_lib

from shared import findings, records, snapshots, telling
from shared.desk import Desk
from shared.domain.market import Snapshot
from shared.domain.opportunity import Detection
from shared.errors import VenueError
from shared.findings import Findings
from shared.ports import VenueQuotes
from shared.records import Batch, Row, ScanKey
from shared.scans import Scan, workflow_input


def scan_key(found: Findings) -> ScanKey:
    """What every row of the scan carries."""
    return ScanKey(found.market, found.scan_id, found.time_ms)


def scan_rows(
    desk: Desk,
    snapshot: Snapshot,
    detection: Detection,
    found: Findings,
    answers: Mapping[str, VenueQuotes | VenueError],
) -> dict[str, list[Row]]:
    """The scan's rows by table, but for lifetimes."""
    key = scan_key(found)
    scan = records.scan_row(
        key,
        triggered_by=found.triggered_by,
        duration_ms=found.elapsed_ms,
        venues=snapshot.venues,
        detection=detection,
    )
    return {
        "scans": [scan],
        "venue_health": telling.venue_health(key, snapshot, answers),
        "arbitrage_opportunities": records.opportunity_rows(key, found.opportunities),
        "opportunity_legs": records.leg_rows(key, found.opportunities),
        "rejections": records.rejection_rows(key, found.rejections),
        "market_data": records.market_data_rows(key, snapshot.venues, _watched(desk, snapshot, detection)),
    }


async def store_scan(
    desk: Desk,
    snapshot: Snapshot,
    found: Findings,
    rows: Mapping[str, Sequence[Row]],
    traceparent: str | None,
) -> Scan:
    """Write the snapshot, the findings and the rows, in this order.

    The intent to trade is written before the rows: a crash in between leaves an intent without a scan, which
    the watchdog forgets, never a recorded scan whose trades nobody starts.
    """
    batch = Batch(desk.market, "scan", found.scan_id, snapshot.time_ms, rows)
    blob = findings.findings_name(desk.market, snapshot.time_ms, found.scan_id)
    raw = records.snapshot_name(desk.market, snapshot.time_ms, found.scan_id, "scan")
    await desk.lake.write(raw, packed(snapshot))
    await desk.lake.write(blob, findings.encode(found))
    if found.opportunities:
        intent = workflow_input(found.scan_id, blob, [each.id for each in found.opportunities], traceparent)
        await desk.state.replace(
            desk.room("pending"),
            found.scan_id,
            {"work": intent, "batch": batch.name, "since_ms": desk.clock.now_ms()},
        )
    await desk.lake.write(batch.name, records.encode_batch(batch))
    await desk.state.replace(desk.room("scans"), found.scan_id, {"findings": blob, "at_ms": snapshot.time_ms})
    await desk.state.replace(
        desk.room("heartbeat"), "scan", {"at_ms": snapshot.time_ms, "scan_id": found.scan_id}
    )
    return Scan(found, blob, batch.name, traceparent)


def packed(snapshot: Snapshot) -> bytes:
    """A snapshot as the one line of a compressed recording; instruments stand in the blob it refers to."""
    slim = {
        venue: replace(market, instruments={}, currencies={}) for venue, market in snapshot.venues.items()
    }
    line = snapshots.encode_snapshot(replace(snapshot, venues=slim) if snapshot.reference else snapshot)
    return igzip_lib.compress(line + b"\n", 1, igzip_lib.COMP_GZIP)


def _watched(desk: Desk, snapshot: Snapshot, detection: Detection) -> set[tuple[str, str]]:
    """The books whose tops go into market_data: of candidate loops and of the watch list."""
    paths = [found.path for found in detection.opportunities]
    paths += [refused.path for refused in detection.rejections]
    legs = {tuple(leg.split(":")[:2]) for path in paths for leg in path}
    watched = desk.funding.assets
    return {
        (venue, symbol)
        for venue, market in snapshot.venues.items()
        for symbol in market.books
        if (venue, symbol) in legs or watched.issuperset(symbol.split("/"))
    }
