"""The command line: `python -m shared scan | detect | replay | evaluate | migrate | reload | doctor`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from shared import commands, replaying
from shared.domain.exact import written
from shared.errors import ArbitrageError, SettingsError

BAD_USAGE = 2


def decimal(least: str) -> Callable[[str], Decimal]:
    """A number of at least `least`, for argparse."""

    def parse(text: str) -> Decimal:
        try:
            value = written(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        if value < Decimal(least):
            raise argparse.ArgumentTypeError(f"{text} is below {least}, the limit")
        return value

    return parse


def whole(text: str) -> int:
    """A whole number of at least zero, for argparse."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 0")
    return int(text)


def detection_options(parser: argparse.ArgumentParser) -> None:
    """The options that detect and replay share; what is not given is the design's default."""
    parser.add_argument("--min-net-bps", type=decimal("0"), metavar="BPS", help="smallest net edge")
    parser.add_argument("--min-profit", type=decimal("0"), metavar="USDT", help="smallest net profit")
    parser.add_argument("--max-age-ms", type=whole, metavar="MS", help="oldest book that may be traded on")
    parser.add_argument(
        "--max-skew-ms", type=whole, metavar="MS", help="largest time between two legs' books"
    )
    parser.add_argument("--too-good-bps", type=decimal("0"), metavar="BPS", help="edges above are errors")
    parser.add_argument(
        "--transfer-unknown", choices=("allow", "refuse"), help="what an unknown network status means"
    )
    parser.add_argument("--fees", type=Path, metavar="FILE", help="JSON: taker fees by venue and instrument")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = argparse.ArgumentParser(prog="python -m shared", description=__doc__)
    commands_of = root.add_subparsers(dest="command", required=True, metavar="COMMAND")

    one = commands_of.add_parser("scan", help="one scan with its trades, in this process")
    one.add_argument("--json", action="store_true", help="print what was found as JSON")
    one.set_defaults(run=commands.scan)

    files = commands_of.add_parser("detect", help="opportunities and refusals of recorded snapshots")
    files.add_argument("files", nargs="+", type=Path, metavar="FILE", help=".ndjson or .ndjson.gz")
    detection_options(files)
    files.set_defaults(run=commands.detect)

    past = commands_of.add_parser("replay", help="the whole chain over a recording, on its own time")
    past.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="files or folders of snapshots, the folder of a lake, or `lake` for the one of the settings",
    )
    past.add_argument("--json", action="store_true", help="print the report as JSON")
    detection_options(past)
    past.set_defaults(run=replaying.replay)

    graded = commands_of.add_parser("evaluate", help="how good the analyst is, on labelled cases")
    graded.add_argument("--json", action="store_true", help="print the scores as JSON")
    graded.set_defaults(run=commands.evaluate)

    schema = commands_of.add_parser("migrate", help="bring the warehouse's schema up to date")
    schema.add_argument("--dry-run", action="store_true", help="only name what would be applied")
    schema.set_defaults(run=commands.migrate)

    again = commands_of.add_parser("reload", help="load blobs of the lake into the warehouse again")
    again.add_argument("blobs", nargs="*", metavar="BLOB", help="name of a blob under scans/ or trades/")
    again.add_argument(
        "--since", metavar="TIME", help="instead of names: what is missing since 2026-01-31T12:00:00Z"
    )
    again.set_defaults(run=commands.reload)

    doctor = commands_of.add_parser("doctor", help="which services are in use, and whether they work")
    doctor.set_defaults(run=commands.doctor)
    return root


def main() -> int:
    """Run a command: 0 done, 1 not everything could be done, 2 wrong settings or usage."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for chatty in ("azure", "asyncio", "httpx2"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # Every client warns in pages of a missing credential; the error that it raises is told in a line.
    logging.getLogger("azure.identity").setLevel(logging.ERROR)
    given = parser().parse_args()
    try:
        return int(asyncio.run(given.run(given)))
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the command's own word
        return BAD_USAGE
    except ArbitrageError as error:
        print(error, file=sys.stderr)  # noqa: T201 - as above
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main())
