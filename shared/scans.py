"""What a scan is asked with and answers with, and the messages that have it traded and loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from shared.domain.opportunity import Opportunity
from shared.findings import Findings


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


@dataclass(frozen=True, slots=True)
class Recorded:
    """Trades in the lake, ready to load."""

    blob: str
    trades: list[dict[str, Any]]
    traceparent: str | None

    def load_message(self) -> str:
        """The message that has the trades loaded."""
        return load_message(self.blob, self.traceparent)


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
