"""Names of scans and blobs: how they are made, checked, taken apart and walked in order."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

from shared.errors import InputError

KINDS = ("scan", "trades")
_DATASETS = {"scan": "scans", "trades": "trades"}

NAME_SIZE = 200
_NAME = re.compile(r"(?:[A-Za-z0-9_=][A-Za-z0-9._=-]*/)*[A-Za-z0-9_=][A-Za-z0-9._=-]*", re.ASCII)
_BATCH = re.compile(
    r"[a-z]+/(?:scans|trades)/date=[\d-]{10}/hour=\d\d/(\d{8}T\d{6})(\d{3})Z-[0-9a-f]{8}\.json\.gz", re.ASCII
)

ListFolder = Callable[[str], Awaitable[tuple[list[str], list[str]]]]
"""Folder (empty or ending in /) -> full names of its folders, each ending in /, and of its blobs."""


def make_scan_id(market: str, trigger: str, time_ms: int, nonce: str) -> str:
    """Name of a scan, sortable by time; the same parts give the same name."""
    digest = hashlib.sha256("\x1f".join((market, trigger, str(time_ms), nonce)).encode()).hexdigest()[:8]
    seconds, milliseconds = divmod(time_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%S}{milliseconds:03d}Z-{digest}"


def partition(time_ms: int) -> str:
    """`date=YYYY-MM-DD/hour=HH`, UTC."""
    return f"{datetime.fromtimestamp(time_ms // 1000, UTC):date=%Y-%m-%d/hour=%H}"


def batch_name(market: str, kind: str, time_ms: int, scan_id: str) -> str:
    """Blob of a scan's rows (kind `scan`) or of its trades' rows (kind `trades`)."""
    return f"{market}/{_DATASETS[kind]}/{partition(time_ms)}/{scan_id}.json.gz"


def is_batch(name: str) -> bool:
    """Whether it is a name that `batch_name` makes; a lake may hold what others put there."""
    return _taken_ms(name) is not None


def taken_ms(batch: str) -> int:
    """The time of the scan that a batch's name carries, milliseconds since the epoch.

    Raises:
        InputError: it is no name that `batch_name` makes.
    """
    time_ms = _taken_ms(batch)
    if time_ms is None:
        raise InputError(
            f"blob {batch!r:.200} is no batch of a scan or of its trades; give one of scans/ or trades/"
        )
    return time_ms


def _taken_ms(name: str) -> int | None:
    match = _BATCH.fullmatch(name)
    try:
        taken = datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if match else None
    except ValueError:
        taken = None
    return int(taken.timestamp()) * 1000 + int(match[2]) if taken and match else None


def snapshot_name(market: str, time_ms: int, scan_id: str, phase: str) -> str:
    """Blob of a scan's snapshot as it came (phase `scan`), or of the books its fills used (`execution`)."""
    return f"{market}/snapshots/{partition(time_ms)}/{scan_id}-{phase}.ndjson.gz"


def reference_name(market: str, content: bytes) -> str:
    """Blob of instruments and currencies, named by its content: written once a change."""
    return f"{market}/reference/{hashlib.sha256(content).hexdigest()[:32]}.json.gz"


def checked_name(name: str) -> str:
    """The name, if a lake may hold a blob under it.

    Raises:
        InputError: it is too long, or could leave the lake or mean something to a file system or URL.
    """
    if len(name) > NAME_SIZE or not _NAME.fullmatch(name):
        shown = name if len(name) <= NAME_SIZE else name[:NAME_SIZE] + "..."
        raise InputError(
            f"blob name {shown!r}: at most {NAME_SIZE} letters, digits and . _ = - in parts joined by /, "
            "no part starting with . or -"
        )
    return name


def folder_of(prefix: str) -> str:
    """The folder that holds every name under the prefix: empty, or ending in /."""
    return prefix[: prefix.rfind("/") + 1]


async def walk(list_folder: ListFolder, prefix: str, after: str) -> AsyncIterator[str]:
    """Blob names under `prefix` greater than `after`, ascending; folders that hold none are never listed.

    A subfolder sorts by its name with the slash, so that names come out in the order of their text.
    """
    waiting = [folder_of(prefix)]
    while waiting:
        name = waiting.pop()
        if name and not name.endswith("/"):
            yield name
            continue
        folders, blobs = await list_folder(name)
        found = [blob for blob in blobs if blob.startswith(prefix) and blob > after]
        found += [
            each for each in folders if each.startswith(prefix) and (each > after or after.startswith(each))
        ]
        waiting += sorted(found, reverse=True)
