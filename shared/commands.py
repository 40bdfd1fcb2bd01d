"""What the command line does: each command takes its arguments and returns an exit code."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson

from shared import (
    composition,
    diagnosis,
    evaluation,
    inline,
    loading,
    parsers,
    settings,
    snapshots,
    steps,
    stores,
    telling,
    unloaded,
)
from shared.adapters.rules import RulesAnalyst
from shared.desk import Desk
from shared.domain.detection import detect as detect_in
from shared.domain.fees import fee_overrides
from shared.domain.policy import DetectionPolicy
from shared.errors import InputError, MalformedRecord, NoVenueAnswered, SettingsError
from shared.records import trade_from_dict
from shared.scans import ScanRequest
from shared.web import endpoints
from shared.web.requests import past_ms

UNASKED_VENUES = "http://127.0.0.1:9"
"""The venues' address for commands that never ask them: nobody listens there."""


def say(line: str) -> None:
    """A line of the command's output."""
    sys.stdout.write(line + "\n")


def complain(line: str) -> None:
    """A line about what went wrong."""
    sys.stderr.write(line + "\n")


@asynccontextmanager
async def in_process() -> AsyncIterator[Desk]:
    """The desk of this environment; simulated venues are started where none are named."""
    chosen = settings.read()
    if chosen.market == "simulated" and chosen.simulator_url is None:
        from shared.adapters.simulated_venues import simulated_venues  # noqa: PLC0415 - only where needed

        async with simulated_venues(chosen.seed) as url, _closing(replace(chosen, simulator_url=url)) as desk:
            yield desk
        return
    async with _closing(chosen) as desk:
        yield desk


@asynccontextmanager
async def _closing(chosen: settings.Settings) -> AsyncIterator[Desk]:
    desk = composition.build(chosen)
    try:
        yield desk
    finally:
        await composition.close(desk)


async def scan(given: argparse.Namespace) -> int:
    """One scan with its analysis, its simulated execution and its loads."""
    if not given.json:
        telling.log.setLevel(logging.WARNING)  # its line about the scan is this command's output
    async with in_process() as desk:
        try:
            found = await steps.scan(desk, ScanRequest("command"))
        except NoVenueAnswered as error:
            complain(f"no venue answered: {error}")
            return 1
        failed = not await loading.load(desk, found.load_message())
        traded: dict[str, Any] = {"verdicts": [], "trades": []}
        if found.opportunities:

            async def record(work: dict[str, Any]) -> list[dict[str, Any]]:
                nonlocal failed
                recorded = await steps.record(desk, work)
                failed = not await loading.load(desk, recorded.load_message()) or failed
                return recorded.trades

            traded = await inline.run_workflow(
                found.work(),
                {
                    "analyze": lambda work: steps.analyze(desk, work),
                    "execute": lambda work: steps.execute(desk, work),
                    "record": record,
                },
            )
        if given.json:
            say(orjson.dumps({**endpoints.shown(found.found), **traded}).decode())
        else:
            say(telling.scan_line(found.found, [trade_from_dict(trade) for trade in traded["trades"]]))
        return int(failed)


def policy_of(given: argparse.Namespace) -> DetectionPolicy:
    """The design's limits with what the options change.

    Raises:
        SettingsError: the file of fees cannot be used.
    """
    named = {
        "min_net_bps": given.min_net_bps,
        "min_profit": given.min_profit,
        "max_age_ms": given.max_age_ms,
        "max_skew_ms": given.max_skew_ms,
        "too_good_bps": given.too_good_bps,
    }
    changes = {name: value for name, value in named.items() if value is not None}
    if given.transfer_unknown is not None:
        changes["transfer_unknown_allowed"] = given.transfer_unknown == "allow"
    if given.fees is not None:
        try:
            changes["fees"] = fee_overrides(parsers.json_once(given.fees.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise SettingsError([f"--fees {given.fees}: {error}; give a readable JSON file"]) from error
        except MalformedRecord as error:
            raise SettingsError([f"--fees {given.fees}: {error}"]) from error
    return replace(DetectionPolicy(), **changes)


async def detect(given: argparse.Namespace) -> int:
    """One JSON object a snapshot of a scan; malformed lines and unreadable files are named and passed over."""
    policy = policy_of(given)
    failed = left_out = 0
    for path in given.files:
        try:
            for number, snapshot in snapshots.read_snapshots(path):
                if isinstance(snapshot, MalformedRecord):
                    complain(f"{path}, line {number}: {snapshot}")
                    failed = 1
                    continue
                if snapshot.phase == "execution":
                    left_out += 1
                    continue
                found = detect_in(snapshot, policy)
                say(orjson.dumps(snapshots.detection_json(snapshot, found)).decode())
        except InputError as error:
            complain(str(error))
            failed = 1
    if left_out:
        complain(f"left out {left_out} snapshots of phase execution: they hold the books of fills, no scan")
    return failed


async def evaluate(given: argparse.Namespace) -> int:
    """The configured analyst on labelled cases, and the rules beside it; 1 if the model never answered."""
    cases = evaluation.load_cases()
    by_rules = await evaluation.ask(RulesAnalyst(), cases)
    scores = [evaluation.score("rules", cases, by_rules)]
    chosen = settings.read()
    async with composition.analyst(chosen) as analyst:
        verdicts = await evaluation.ask(analyst, cases)
    if any(verdict.source != "rules" or verdict.fallback for verdict in verdicts):
        scores.insert(0, evaluation.score(chosen.openai_model, cases, verdicts))
    if given.json:
        say(orjson.dumps([evaluation.report(each) for each in scores]).decode())
    else:
        say(f"{len(cases)} cases, of them {scores[0].traps} traps")
        say(evaluation.table(scores))
    return int(len(scores) > 1 and not scores[0].answered)


async def migrate(given: argparse.Namespace) -> int:
    """Apply the warehouse's migrations, or name those that are pending."""
    warehouse = stores.warehouse(settings.read())
    try:
        names = await warehouse.migrate(dry_run=given.dry_run)
    finally:
        await warehouse.close()
    for name in names:
        say(f"{'pending' if given.dry_run else 'applied'} {name}")
    if not names:
        say("the schema is up to date")
    return 0


async def reload(given: argparse.Namespace) -> int:
    """Load blobs again, in this process: those that are named, or what is missing since a time."""
    errors: list[str] = []
    now_ms = composition.SystemClock().now_ms()
    since_ms = past_ms("--since", given.since, errors, now_ms) if given.since else None
    if not (given.blobs or given.since) or (given.blobs and given.since):
        errors.append("BLOB, --since: give the names of blobs, or the time since when blobs are missing")
    if errors:
        complain("; ".join(errors))
        return 2
    chosen = settings.read()
    async with _closing(replace(chosen, simulator_url=chosen.simulator_url or UNASKED_VENUES)) as desk:
        if since_ms is None:
            messages = await loading.reload(desk, given.blobs)
        else:
            messages = await loading.again(desk, [name async for name in unloaded.since(desk, since_ms)])
            say(f"{len(messages)} blobs since {given.since} are not in the warehouse")
        failed = 0
        for message in messages:
            blob = orjson.loads(message)["blob"]
            if await loading.load(desk, message):
                left, why = await desk.state.get(desk.room("retries"), blob), "error"
            else:
                left, why = await desk.state.get(desk.room("poisoned"), blob), "reason"
            say(f"{blob}: {left.value[why] if left else 'loaded'}")
            failed |= left is not None
        return int(failed)


async def doctor(_given: argparse.Namespace) -> int:
    """Which desk this is, each service in use, and whether it works; 1 if one does not."""
    chosen = settings.read()
    services = composition.services(chosen)
    say(diagnosis.place(services))
    async with in_process() as desk:
        secrets = stores.secret_store(chosen)
        findings = await diagnosis.examine(desk, services, secrets)
        width = max(len(each.service) for each in findings)
        for each in findings:
            say(f"{'ok  ' if each.healthy else 'FAIL'} {each.service:{width}}  {each.says}")
        if not all(each.finished for each in findings):
            # A blocking client still waits in its thread, and a person should not wait for it.
            sys.stdout.flush()
            os._exit(1)
        await composition.let_go(secrets)
    return int(not all(each.healthy for each in findings))
