"""Recordings: files of snapshots, read one at a time so that memory does not grow with them."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from shared.domain.market import Snapshot
from shared.errors import InputError, MalformedRecord, NotFound
from shared.snapshots.decode import References, decode_snapshot

SUFFIXES = (".ndjson", ".ndjson.gz", ".json", ".json.gz")
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of one snapshot, unpacked; a longer line is no snapshot."""


def read_snapshots(
    path: Path | str, references: References | None = None
) -> Iterator[tuple[int, Snapshot | MalformedRecord]]:
    """Each snapshot of a file with its line number, or what is wrong with that line; empty lines are skipped.

    `.ndjson` files hold one snapshot a line, `.json` files one in all; either may be gzipped. What a snapshot
    refers to is read by `references`, by default from the lake that the file lies in.

    Raises:
        InputError: the file cannot be read, or its name ends in something else.
    """
    path = Path(path)
    references = references or References(lambda name: _in_lake_of(path, name))
    if not path.name.endswith(SUFFIXES):
        raise InputError(f"{path}: is no recording; its name must end in {', '.join(SUFFIXES)}")
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            lines = _whole if ".json" in path.suffixes[-2:] else _lines
            for number, line in lines(cast(BinaryIO, file)):
                yield number, _decoded(line, references)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error}); check the file") from None


def _in_lake_of(path: Path, name: str) -> bytes:
    inside = not name.startswith("/") and ".." not in name.split("/")
    for folder in path.resolve().parents if inside else ():
        found = folder / name
        if os.path.isfile(found):  # noqa: PTH113 - Path.is_file raises where a name is too long for the file system
            return found.read_bytes()
    raise NotFound(name)


def _decoded(line: bytes | MalformedRecord, references: References) -> Snapshot | MalformedRecord:
    if isinstance(line, MalformedRecord):
        return line
    try:
        return decode_snapshot(line, references)
    except MalformedRecord as error:
        return error


def _whole(file: BinaryIO) -> Iterator[tuple[int, bytes | MalformedRecord]]:
    content = file.read(LONGEST_LINE + 1)
    yield 1, _bounded(content)


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | MalformedRecord]]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if line.strip():
            yield number, _bounded(line.rstrip(b"\r\n"))
        while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            line = file.readline(LONGEST_LINE + 1)


def _bounded(content: bytes) -> bytes | MalformedRecord:
    if len(content) <= LONGEST_LINE:
        return content
    return MalformedRecord("line", content[:40], f"is longer than {LONGEST_LINE} bytes; split it")
