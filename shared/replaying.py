"""The command `replay`: which recordings, in what order, under which rules, and how it shows its progress."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import orjson

from shared import commands, composition, settings, stores
from shared.domain.market import Snapshot
from shared.errors import InputError, MalformedRecord
from shared.ports import Lake
from shared.replay import Replay, Rules, lines
from shared.snapshots import read_snapshots
from shared.snapshots.files import SUFFIXES

THE_LAKE = "lake"
MARKETS = ("simulated", "live")
PROGRESS_EVERY_S = 0.5

Found = tuple[str, Snapshot | MalformedRecord]
"""Where a snapshot was found, and the snapshot or what is wrong with it."""


async def replay(given: argparse.Namespace) -> int:
    """Run the chain over the recordings and print the report; malformed lines are named and passed over.

    A recording without a scan fails: there is nothing to tell of it.
    """
    chosen = settings.read()
    rules = Rules(
        detection=replace(commands.policy_of(given), capital=chosen.capital),
        risk=composition.risk_policy(chosen),
        latencies=composition.latencies(chosen),
        fund_quote=chosen.fund_quote,
        fund_asset=chosen.fund_asset,
    )
    run = Replay(rules)
    failed = 0
    progress = Progress()
    async for where, snapshot in recorded(given.paths, chosen):
        if isinstance(snapshot, MalformedRecord):
            commands.complain(f"{where}: {snapshot}")
            failed = 1
            continue
        run.take(snapshot)
        progress.show(where)
    run.finish()
    progress.end()
    report = run.report()
    if not report["scans"]:
        only = f"; its {report['books']} books are of fills" if report["books"] else ""
        commands.complain(f"no scan in this recording: {', '.join(given.paths)}{only}")
        failed = 1
    if given.json:
        commands.say(orjson.dumps(report).decode())
    elif report["scans"]:
        for line in lines(report):
            commands.say(line)
    return failed


async def recorded(paths: Sequence[str], chosen: settings.Settings) -> AsyncIterator[Found]:
    """Every snapshot of the paths, in the order given; within a folder by scan.

    Raises:
        InputError: a path is no recording.
    """
    for name in paths:
        lake, markets, files = _source(name, chosen)
        if lake is not None:
            async for found in _of_lake(lake, markets):
                yield found
        for file in files:
            for found in _of_file(file):
                yield found


def _source(name: str, chosen: settings.Settings) -> tuple[Lake | None, list[str], list[Path]]:
    """A lake with its markets, or files."""
    path = Path(name)
    if name == THE_LAKE and not path.exists():
        return stores.lake(chosen), [chosen.market], []
    markets = [market for market in MARKETS if (path / market).is_dir()]
    if markets:
        return stores.file_lake(path), markets, []
    return None, [], _files(path) if path.is_dir() else [path]


async def _of_lake(lake: Lake, markets: Sequence[str]) -> AsyncIterator[Found]:
    from shared.adapters.parquet import read_lake_snapshots  # noqa: PLC0415 - heavy, and not needed by files

    for market in markets:
        async for each in read_lake_snapshots(lake, market):
            yield f"{each.blob}, line {each.line}", each.snapshot


def _files(folder: Path) -> list[Path]:
    """The recordings of a folder, by scan, a scan's own before the books of its execution."""

    def by_scan(path: Path) -> tuple[str, str, bool, str]:
        stem = path.name.partition(".")[0]
        return (
            str(path.parent),
            stem.removesuffix("-execution").removesuffix("-scan"),
            "-execution" in stem,
            stem,
        )

    found = sorted((path for path in folder.rglob("*") if path.name.endswith(SUFFIXES)), key=by_scan)
    if not found:
        raise InputError(f"{folder}: holds no recording; their names end in {', '.join(SUFFIXES)}")
    return found


def _of_file(path: Path) -> Iterator[Found]:
    for number, snapshot in read_snapshots(path):
        yield f"{path}, line {number}", snapshot


class Progress:
    """A line on the terminal that tells how far a long run is; nothing where nobody looks."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._started = self._last = time.monotonic()
        self._count = 0

    def show(self, where: str) -> None:
        """One more snapshot was taken."""
        self._count += 1
        now = time.monotonic()
        if self._shown and now - self._last >= PROGRESS_EVERY_S:
            self._last = now
            rate = self._count / (now - self._started)
            sys.stderr.write(f"\r\x1b[K{self._count} snapshots, {rate:.0f} a second, at {where[-80:]}")
            sys.stderr.flush()

    def end(self) -> None:
        """Clear the line."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
