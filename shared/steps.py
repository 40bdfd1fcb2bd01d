"""One function a stage: ports in, records out. Each is safe to run twice, and a crash at any line loses nothing.

The blob comes first, then what points to it: a message, an entry of the state, a row of the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import orjson
from zlib_ng import gzip_ng

from shared import dealing, evidence, fetch, findings, records, snapshots, telling
from shared.desk import Desk, commit, fund, read_standing
from shared.domain.conditions import Conditions
from shared.domain.detection import candidates, detect
from shared.domain.market import Snapshot
from shared.domain.opportunity import Detection, Opportunity, content_id
from shared.domain.policy import DetectionPolicy
from shared.errors import (
    Conflict,
    InputError,
    NotFound,
    NoVenueAnswered,
    PermanentLoadError,
    StorageError,
    TransientLoadError,
    VenueError,
)
from shared.findings import Findings
from shared.garbage import collection_paused
from shared.judging import judge
from shared.ports import VenueQuotes
from shared.records import Batch, Row, ScanKey

LOAD_BACKOFF_MS = 30_000
LOAD_BACKOFF_LIMIT_MS = 15 * 60_000


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """Who asks for a scan (timer, http or command), and what differs from the settings."""

    trigger: str
    venues: tuple[str, ...] | None = None
    symbols: tuple[str, ...] | None = None
    min_net_bps: Decimal | None = None
    capital: Decimal | None = None

    @property
    def whole(self) -> bool:
        """Whether the whole market is scanned, so that what is not seen is not there."""
        return self.venues is None and self.symbols is None


@dataclass(frozen=True, slots=True)
class Scan:
    """A finished scan: what it found, and the blobs that hold it."""

    found: Findings
    blob: str
    batch: str
    traceparent: str | None

    @property
    def scan_id(self) -> str:
        """The scan's name."""
        return self.found.scan_id

    @property
    def opportunities(self) -> tuple[Opportunity, ...]:
        """What was found, best first."""
        return self.found.opportunities

    def work(self) -> dict[str, Any]:
        """The workflow's input."""
        ids = [found.id for found in self.opportunities]
        return workflow_input(self.scan_id, self.blob, ids, self.traceparent)

    def load_message(self) -> str:
        """The message that has the scan loaded."""
        return load_message(self.batch, self.traceparent)


def workflow_input(
    scan_id: str, blob: str, opportunities: Sequence[str], traceparent: str | None
) -> dict[str, Any]:
    """The workflow's input: names of blobs and ids, never the data."""
    return {
        "scan_id": scan_id,
        "blob": blob,
        "opportunities": list(opportunities),
        "traceparent": traceparent,
    }


def load_message(blob: str, traceparent: str | None) -> str:
    """A message of the load queue: it names a blob and carries no data."""
    return orjson.dumps({"blob": blob, "traceparent": traceparent}).decode()


async def refresh_markets(desk: Desk) -> None:
    """Instruments, fees and network status of every venue into the lake.

    Raises:
        NoVenueAnswered: not one did.
    """
    with desk.metrics.span("refresh_markets"):
        answers = await fetch.refresh_markets(desk)
        telling.venues_down(desk, "", answers)
        if answers and all(isinstance(answer, VenueError) for answer in answers.values()):
            raise NoVenueAnswered("; ".join(str(answer) for answer in answers.values()))


async def scan(desk: Desk, request: ScanRequest) -> Scan:
    """Fetch, detect, and write what was found to the lake.

    Raises:
        NoVenueAnswered: not one venue did; the scan is recorded all the same.
    """
    with desk.metrics.span("scan") as span, collection_paused():
        started_ms = desk.clock.now_ms()
        scan_id = records.make_scan_id(desk.market, request.trigger, started_ms, desk.nonce())
        policy = _policy(desk.detection, request)
        known = await fetch.reference(desk)
        with desk.metrics.span("fetch_quotes"):
            asked = request.venues or desk.venues
            answers = await desk.market_data.quotes(venue for venue in asked if venue not in known.missing)
        answers = {venue: known.missing.get(venue) or answers[venue] for venue in asked}
        tops = fetch.assemble(desk, scan_id, known, answers, request.symbols)
        memory = await evidence.remember(desk, tops, answers, whole=request.whole)
        standing = await read_standing(desk) or await fund(desk, tops)
        tops = replace(tops, balances=standing.portfolio.settle(tops.time_ms).balances)
        with desk.metrics.span("fetch_books"):
            snapshot = await fetch.with_depth(desk, tops, candidates(tops, policy, memory.frozen))
        with desk.metrics.span("detect"):
            detection = detect(snapshot, policy, memory.frozen)
        found = findings.find(
            desk.market,
            request.trigger,
            snapshot,
            detection,
            fees=policy.fees,
            values=evidence.values(snapshot, policy, detection.opportunities),
            surroundings=[evidence.surroundings(memory, snapshot, each) for each in detection.opportunities],
            elapsed_ms=desk.clock.now_ms() - started_ms,
        )
        with desk.metrics.span("store"):
            ended = await evidence.note(
                desk, memory, snapshot.time_ms, detection.opportunities, whole=request.whole
            )
            rows = _rows(desk, snapshot, detection, found, answers)
            rows["lifetimes"] = evidence.lifetime_rows(_key(found), ended)
            scanned = await _store_scan(desk, snapshot, found, rows, span.traceparent)
        span.set(opportunities=len(detection.opportunities), rejections=len(detection.rejections))
        telling.scanned(desk, found, answers)
        if not any(venue.status == "ok" for venue in found.venues):
            raise NoVenueAnswered("; ".join(f"{each.venue}: {each.error}" for each in found.venues))
        return scanned


def _policy(policy: DetectionPolicy, request: ScanRequest) -> DetectionPolicy:
    if request.min_net_bps is not None:
        policy = replace(policy, min_net_bps=request.min_net_bps)
    if request.capital is not None:
        policy = replace(policy, capital=min(request.capital, policy.capital or request.capital))
    return policy


def _key(found: Findings) -> ScanKey:
    return ScanKey(found.market, found.scan_id, found.time_ms)


def _rows(
    desk: Desk,
    snapshot: Snapshot,
    detection: Detection,
    found: Findings,
    answers: Mapping[str, VenueQuotes | VenueError],
) -> dict[str, list[Row]]:
    key = _key(found)
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


async def _store_scan(
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
    blob: bytes = gzip_ng.compress(line + b"\n", compresslevel=1, mtime=0)
    return blob


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


async def analyze(desk: Desk, given: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict on one opportunity; the second run returns the first one's.

    The model is asked about the best few, the rules decide the rest.
    """
    with desk.metrics.span("analyze", given.get("traceparent")):
        key = f"{given['scan_id']}.{given['opportunity_id']}"
        kept = await desk.state.get(desk.room("verdicts"), key)
        if kept is not None:
            return kept.value
        found = findings.decode(await desk.lake.read(given["blob"]))
        verdict = await judge(desk, found, given["opportunity_id"], given["rank"])
        telling.judged(desk, verdict)
        value = records.verdict_to_dict(verdict)
        try:
            await desk.state.put(desk.room("verdicts"), key, value, None)
        except Conflict:
            first = await desk.state.get(desk.room("verdicts"), key)
            return first.value if first else value
        return value


async def execute(desk: Desk, given: Mapping[str, Any]) -> dict[str, str]:
    """Trade the scan's opportunities in simulation, once: the name of the blob that tells how it went.

    The books are fetched after the decision and the latency. Whoever commits first wins; everybody else, another
    instance or a second run, finds the scan executed and returns the same blob.
    """
    with desk.metrics.span("execute", given.get("traceparent")):
        scan_id = given["scan_id"]
        done = await desk.state.get(desk.room("executions"), scan_id)
        if done is not None:
            return {"blob": done.value["blob"]}
        found = findings.decode(await desk.lake.read(given["blob"]))
        verdicts = [records.verdict_from_dict(verdict) for verdict in given["verdicts"]]
        known = await fetch.reference(desk)
        currencies = {venue: each.currencies for venue, each in known.venues.items()}
        order = dealing.Order(scan_id, desk.clock.now_ms(), found, verdicts)
        conditions: Conditions | None = None
        while True:
            standing = await read_standing(desk)
            if standing is None:
                raise NotFound("the desk has no balances: it is funded by its first scan")
            if scan_id in standing.executed:
                blob = standing.executed[scan_id]
                break
            if conditions is None:
                conditions = await dealing.conditions(desk, order)
            outcome = dealing.deal(
                order,
                standing,
                conditions,
                desk.risk,
                desk.clock.now_ms(),
                currencies=currencies,
                halted=desk.halted,
            )
            blob = await dealing.store(desk, order, outcome)
            try:
                await commit(desk, replace(outcome.standing, executed={**standing.executed, scan_id: blob}))
            except Conflict:
                continue
            telling.switched(desk, standing.kill_switch, outcome.standing.kill_switch)
            break
        await desk.state.replace(desk.room("executions"), scan_id, {"blob": blob})
        return {"blob": blob}


@dataclass(frozen=True, slots=True)
class Recorded:
    """Trades in the lake, ready to load."""

    blob: str
    trades: list[dict[str, Any]]
    traceparent: str | None

    def load_message(self) -> str:
        """The message that has the trades loaded."""
        return load_message(self.blob, self.traceparent)


async def record(desk: Desk, given: Mapping[str, Any]) -> Recorded:
    """Write the verdicts and trades of a scan to the lake; the second run writes the same bytes."""
    with desk.metrics.span("record", given.get("traceparent")) as span:
        found = findings.decode(await desk.lake.read(given["blob"]))
        executed = await dealing.read(desk, given["execution"])
        verdicts = [records.verdict_from_dict(verdict) for verdict in given["verdicts"]]
        key = ScanKey(desk.market, given["scan_id"], found.time_ms)
        rows = {
            "verdicts": records.verdict_rows(key, verdicts),
            "trades": records.trade_rows(key, executed.trades),
            "fills": records.fill_rows(key, executed.trades),
            "transfers": records.transfer_rows(key, executed.transfers),
        }
        batch = Batch(desk.market, "trades", key.scan_id, key.time_ms, rows)
        again = await desk.lake.exists(batch.name)
        await desk.lake.write(batch.name, records.encode_batch(batch))
        trades = [records.trade_to_dict(trade) for trade in executed.trades]
        shown = {
            "findings": given["blob"],
            "at_ms": found.time_ms,
            "verdicts": given["verdicts"],
            "trades": batch.name,
        }
        await desk.state.replace(desk.room("scans"), key.scan_id, shown)
        await desk.state.delete(desk.room("pending"), key.scan_id)
        if not again:
            await evidence.note_trades(desk, executed.trades)
            telling.traded(desk, found, executed.trades)
        return Recorded(batch.name, trades, span.traceparent)


async def load(desk: Desk, message: str) -> bool:
    """Load the blob that a message names, exactly once; False if it never can be.

    A busy or absent warehouse is no failure: the blob is noted, and the watchdog queues it again with back-off.
    """
    try:
        named = orjson.loads(message)
        blob, parent = str(named["blob"]), named.get("traceparent")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        await poison(desk, f"message-{content_id(message)}", f"the message names no blob: {error}")
        return False
    with desk.metrics.span("load", parent):
        try:
            batch = records.decode_batch(await desk.lake.read(blob))
            fresh = await desk.warehouse.load(blob, batch.rows)
        except (PermanentLoadError, InputError, NotFound) as error:
            await poison(desk, blob, str(error))
            return False
        except (TransientLoadError, StorageError) as error:
            await _back_off(desk, blob, str(error))
            return True
        await desk.state.delete(desk.room("retries"), blob)
        await desk.state.delete(desk.room("poisoned"), blob)
        telling.loaded(desk, batch, fresh=fresh)
        return True


async def _back_off(desk: Desk, blob: str, error: str) -> None:
    before = await desk.state.get(desk.room("retries"), blob)
    attempts = before.value["attempts"] + 1 if before else 1
    wait_ms = min(LOAD_BACKOFF_MS * 2 ** (attempts - 1), LOAD_BACKOFF_LIMIT_MS)
    await desk.state.replace(
        desk.room("retries"),
        blob,
        {"attempts": attempts, "next_ms": desk.clock.now_ms() + wait_ms, "error": error[:400]},
    )
    desk.metrics.measure("arbitrage_loads", 1, result="retried")


async def poison(desk: Desk, blob: str, reason: str) -> None:
    """Keep what can never load, with its reason, until a person sends it again."""
    await desk.state.delete(desk.room("retries"), blob)
    await desk.state.replace(
        desk.room("poisoned"), blob, {"reason": reason[:1000], "at_ms": desk.clock.now_ms()}
    )


async def keep_poisoned(desk: Desk, message: str) -> None:
    """A message from the poison queue: it is kept, counted and told; its reason stays if it is known already."""
    try:
        blob = str(orjson.loads(message)["blob"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        blob = f"message-{content_id(message)}"
    kept = await desk.state.get(desk.room("poisoned"), blob)
    if kept is None:
        await poison(desk, blob, "failed on every delivery; the host's log of load_sql says why")
        kept = await desk.state.get(desk.room("poisoned"), blob)
    telling.poisoned(desk, blob, kept.value["reason"] if kept else "")


async def turn_kill_switch(desk: Desk, *, tripped: bool, by: str, reason: str) -> None:
    """Trip or clear the kill switch, whatever else changes the desk at the same time.

    Raises:
        InputError: nobody is named who clears it.
        NotFound: the desk has no entry yet.
    """
    while True:
        standing = await read_standing(desk)
        if standing is None:
            raise NotFound("the desk has not scanned yet; scan first")
        turn = standing.kill_switch.trip if tripped else standing.kill_switch.clear
        switch = turn(by, reason, desk.clock.now_ms())
        usage = standing.usage if tripped else standing.usage.pardoned()
        try:
            await commit(desk, replace(standing, kill_switch=switch, usage=usage))
        except Conflict:
            continue
        telling.switched(desk, standing.kill_switch, switch)
        return


async def reload(desk: Desk, blobs: Sequence[str]) -> list[str]:
    """Messages that have these blobs loaded again; their back-off and their poison are forgotten.

    Raises:
        NotFound: one of them is not in the lake; none is queued.
    """
    for blob in blobs:
        if not await desk.lake.exists(blob):
            raise NotFound(f"the lake has no blob {blob!r}; nothing was queued")
    for blob in blobs:
        await desk.state.delete(desk.room("retries"), blob)
        await desk.state.delete(desk.room("poisoned"), blob)
    return [load_message(blob, None) for blob in blobs]
