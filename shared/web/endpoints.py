"""What the HTTP functions answer; the desk comes as a promise, so that a broken one can be told about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from shared import fetch, findings, loading, records, steps, unloaded
from shared.desk import Desk, read_standing
from shared.domain.kill_switch import KillSwitch
from shared.errors import (
    ArbitrageError,
    InputError,
    NotFound,
    NoVenueAnswered,
    SettingsError,
    StorageError,
    TransientLoadError,
)
from shared.findings import Findings
from shared.scans import Scan, ScanRequest
from shared.snapshots import opportunity_json, rejection_json
from shared.version import VERSION
from shared.web import overview as overviews
from shared.web import page as pages
from shared.web.answers import Answer, as_json, problem
from shared.web.requests import (
    MAX_RELOAD,
    MAX_TEXT,
    SWITCH_FIELDS,
    BadRequest,
    as_sent,
    body_object,
    is_line,
    page,
    reload_request,
    scan_request,
    unknown_fields,
)
from shared.web.scan_lock import ScanRunning, scan_lock

Promise = Callable[[], Awaitable[Desk]]

OPPORTUNITY_FILTERS = {
    "scan_id": "scan_id:text",
    "kind": "kind:text",
    "start_asset": "start_asset:text",
    "venues": "venues:text",
    "min_net_bps": "net_bps__ge:number",
    "since": "time__ge:time",
    "until": "time__lt:time",
}
TRADE_FILTERS = {
    "id": "trade_id:text",
    "scan_id": "scan_id:text",
    "status": "status:text",
    "kind": "kind:text",
    "start_asset": "start_asset:text",
    "since": "time__ge:time",
    "until": "time__lt:time",
}


PROBLEMS: tuple[tuple[type[ArbitrageError], int, str], ...] = (
    (InputError, 400, "The request is wrong"),
    (NotFound, 404, "There is no such thing"),
    (StorageError, 503, "Storage does not answer; try again later"),
    (TransientLoadError, 503, "Storage does not answer; try again later"),
    (NoVenueAnswered, 503, "No venue answered"),
    (SettingsError, 503, "The settings are wrong"),
)


async def guarded(promise: Promise, work: Callable[[Desk], Awaitable[Answer]]) -> Answer:
    """The answer of some work, or the problem that kept it from being done."""
    try:
        return await work(await promise())
    except ArbitrageError as error:
        for kind, status, title in PROBLEMS:
            if isinstance(error, kind):
                return problem(status, title, *getattr(error, "problems", [str(error)]))
        raise


async def scan(promise: Promise, body: bytes) -> tuple[Answer, Scan | None]:
    """A manual scan; one at a time."""
    done: list[Scan] = []

    async def work(desk: Desk) -> Answer:
        request = scan_request(body, desk.venues)
        try:
            async with scan_lock(desk):
                await _refuse_unlisted(desk, request)
                done.append(await steps.scan(desk, request))
        except ScanRunning as running:
            until = records.iso(running.until_ms)
            remedy = f"wait until it is done, or {until} if its process died, and ask again"
            return problem(409, "A manual scan is running", remedy)
        return as_json({})

    answer = await guarded(promise, work)
    return answer, done[0] if done else None


async def _refuse_unlisted(desk: Desk, request: ScanRequest) -> None:
    """Say which symbols no venue of the scan lists; a venue whose instruments are unknown may list any.

    Raises:
        BadRequest: there is such a symbol.
    """
    if request.symbols is None:
        return
    known = await fetch.known(desk) or (await fetch.reference(desk)).venues
    asked = request.venues or desk.venues
    if not all(venue in known for venue in asked):
        return
    unlisted = [
        symbol for symbol in request.symbols if not any(symbol in known[venue].instruments for venue in asked)
    ]
    if unlisted:
        remedy = f"is listed by none of {', '.join(asked)}; send symbols that one of them lists"
        raise BadRequest([f"symbols: {as_sent(symbol)} {remedy}" for symbol in unlisted])


def found(scan: Scan, orchestration: Mapping[str, str] | None) -> Answer:
    """A manual scan's answer: what was found, and where its trades will be told."""
    return as_json({**shown(scan.found), "orchestration": orchestration})


def shown(result: Findings) -> dict[str, Any]:
    """A scan's result as callers see it."""
    return {
        "scan_id": result.scan_id,
        "time": records.iso(result.time_ms),
        "market": result.market,
        "venues": {each.venue: {"status": each.status, "error": each.error} for each in result.venues},
        "instruments_compared": result.instruments_compared,
        "loops_screened": result.loops_screened,
        "elapsed_ms": result.elapsed_ms,
        "opportunities": [opportunity_json(each) for each in result.opportunities],
        "rejections": [rejection_json(each) for each in result.rejections],
    }


async def scan_status(promise: Promise, scan_id: str) -> Answer:
    """Where a scan stands: found, refused, verdicts, trades."""

    async def work(desk: Desk) -> Answer:
        entry = await desk.state.get(desk.room("scans"), scan_id)
        if entry is None:
            raise NotFound(f"no scan {scan_id!r} in the last two days; the warehouse knows older ones")
        result = findings.decode(await desk.lake.read(entry.value["findings"]))
        status = {**shown(result), "state": "done" if not result.opportunities else "trading"}
        status |= {"verdicts": [], "trades": []}
        if "trades" in entry.value:
            batch = records.decode_batch(await desk.lake.read(entry.value["trades"]))
            fills = batch.rows["fills"]
            status |= {
                "state": "done",
                "verdicts": entry.value["verdicts"],
                "trades": [
                    {**row, "fills": [fill for fill in fills if fill["trade_id"] == row["trade_id"]]}
                    for row in batch.rows["trades"]
                ],
            }
        return as_json(status)

    return await guarded(promise, work)


async def opportunities(promise: Promise, params: Mapping[str, str]) -> Answer:
    """Opportunities, newest first, with their legs."""
    return await _rows(promise, params, "arbitrage_opportunities", OPPORTUNITY_FILTERS, _with_legs)


async def trades(promise: Promise, params: Mapping[str, str]) -> Answer:
    """Trades, newest first, with every fill."""
    return await _rows(promise, params, "trades", TRADE_FILTERS, _with_fills)


async def _rows(
    promise: Promise,
    params: Mapping[str, str],
    table: str,
    filters: Mapping[str, str],
    complete: Callable[[Desk, list[dict[str, Any]]], Awaitable[None]],
) -> Answer:
    async def work(desk: Desk) -> Answer:
        wanted = page(params, filters)
        where = {"market": desk.market, **wanted.where}
        rows = await desk.warehouse.select(table, where, ["-time"], wanted.limit + 1, wanted.offset)
        more = len(rows) > wanted.limit
        shown = rows[: wanted.limit]
        await complete(desk, shown)
        return as_json({"items": shown, "next_offset": wanted.offset + wanted.limit if more else None})

    return await guarded(promise, work)


async def _with_legs(desk: Desk, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        where = {"scan_id": row["scan_id"], "opportunity_id": row["opportunity_id"]}
        row["legs"] = await desk.warehouse.select("opportunity_legs", where, ["leg"], 10)


async def _with_fills(desk: Desk, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        where = {"scan_id": row["scan_id"], "trade_id": row["trade_id"]}
        row["fills"] = await desk.warehouse.select("fills", where, ["fill"], 1000)


async def kill_switch(promise: Promise) -> Answer:
    """Whether execution stands still, and the switch's history."""

    async def work(desk: Desk) -> Answer:
        standing = await read_standing(desk)
        switch = standing.kill_switch if standing else KillSwitch()
        history = [
            {"tripped": each.tripped, "by": each.by, "reason": each.reason, "at": records.iso(each.at_ms)}
            for each in switch.history
        ]
        return as_json({"tripped": switch.tripped or desk.halted, "setting": desk.halted, "history": history})

    return await guarded(promise, work)


async def turn_kill_switch(promise: Promise, body: bytes) -> Answer:
    """Trip or clear the switch: `{"tripped": true, "by": "name", "reason": "why"}`."""

    async def work(desk: Desk) -> Answer:
        given = body_object(body)
        errors = unknown_fields(given, SWITCH_FIELDS)
        if not isinstance(given.get("tripped"), bool):
            errors.append(
                f"tripped: {as_sent(given.get('tripped'))} is neither true nor false; send one of them"
            )
        errors += [
            f"{name}: {as_sent(given.get(name))} is no line of 1 to {MAX_TEXT} characters; say {asks}"
            for name, asks in (("by", "who"), ("reason", "why"))
            if not is_line(given.get(name))
        ]
        if errors:
            raise BadRequest(errors)
        await steps.turn_kill_switch(desk, tripped=given["tripped"], by=given["by"], reason=given["reason"])
        return await kill_switch(promise)

    return await guarded(promise, work)


async def reload(promise: Promise, body: bytes) -> tuple[Answer, list[str]]:
    """Queue blobs again: `{"blobs": ["..."]}`, `{"poisoned": true}` or `{"since": "2026-11-20T10:00:00Z"}`.

    With `poisoned` the reasons are told, and what names no blob is forgotten; with `since` everything recorded from
    that hour on is queued that the warehouse does not have, so much at a time, and `more` says that more is left.
    """
    messages: list[str] = []

    async def work(desk: Desk) -> Answer:
        asked = reload_request(body, desk.clock.now_ms())
        told: dict[str, Any] = {}
        blobs = list(asked.blobs)
        if asked.poisoned:
            kept = await loading.poisoned(desk)
            blobs = await loading.forget_hopeless(desk, kept)
            told["reasons"] = kept
            told["forgotten"] = [name for name in kept if name not in blobs]
        if asked.since_ms is not None:
            async for name in unloaded.since(desk, asked.since_ms):
                if len(blobs) == MAX_RELOAD:
                    told["more"] = True
                    break
                blobs.append(name)
        messages.extend(await (loading.reload if asked.blobs else loading.again)(desk, blobs))
        return as_json({"queued": blobs, **told}, 202)

    return await guarded(promise, work), messages


async def health(promise: Promise) -> Answer:
    """Whether the app can do its work; 503 names what is missing."""
    try:
        desk = await promise()
        heartbeat = await desk.state.get(desk.room("heartbeat"), "scan")
    except SettingsError as error:
        return as_json({"status": "unhealthy", "version": VERSION, "missing": error.problems}, 503)
    except ArbitrageError as error:
        return as_json({"status": "unhealthy", "version": VERSION, "missing": [str(error)]}, 503)
    return as_json(
        {
            "status": "healthy",
            "version": VERSION,
            "market": desk.market,
            "last_scan": records.iso(heartbeat.value["at_ms"]) if heartbeat else None,
        }
    )


async def overview(promise: Promise) -> Answer:
    """Everything the page shows at first sight."""

    async def work(desk: Desk) -> Answer:
        return as_json(await overviews.overview(desk))

    return await guarded(promise, work)


def dashboard() -> Answer:
    """The page; its data comes by requests that carry a key."""
    document = pages.render()
    headers = {
        "Content-Security-Policy": document.policy,
        "Cache-Control": "no-cache",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Answer(200, document.html.encode(), "text/html", headers)


async def metrics(promise: Promise) -> Answer:
    """What is stored, as Prometheus reads it."""
    from shared.web import prometheus  # noqa: PLC0415 - its library is needed by this function only

    return await guarded(promise, prometheus.answer)
