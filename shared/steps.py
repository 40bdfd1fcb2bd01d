"""One function a stage: ports in, records out. Each is safe to run twice, and a crash at any line loses nothing.

The blob comes first, then what points to it: a message, an entry of the state, a row of the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared import dealing, evidence, fetch, findings, records, telling
from shared.desk import Desk, commit, fund, read_standing
from shared.domain.conditions import Conditions
from shared.domain.detection import candidates, detect
from shared.domain.policy import DetectionPolicy
from shared.errors import Conflict, NotFound, NoVenueAnswered, VenueError
from shared.garbage import collection_paused
from shared.judging import judge
from shared.records import Batch, ScanKey
from shared.scans import Recorded, Scan, ScanRequest
from shared.storing import scan_key, scan_rows, store_scan


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
            rows = scan_rows(desk, snapshot, detection, found, answers)
            rows["lifetimes"] = evidence.lifetime_rows(scan_key(found), ended)
            scanned = await store_scan(desk, snapshot, found, rows, span.traceparent)
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
        cleared = standing.kill_switch.tripped and not tripped
        usage = standing.usage.pardoned() if cleared else standing.usage
        try:
            await commit(desk, replace(standing, kill_switch=switch, usage=usage))
        except Conflict:
            continue
        telling.switched(desk, standing.kill_switch, switch)
        return
