"""The market snapshot, version 1: one JSON object a line, numbers as strings, times in ISO 8601."""

from shared.snapshots.decode import References, decode_reference, decode_snapshot
from shared.snapshots.encode import (
    detection_json,
    encode_reference,
    encode_snapshot,
    opportunity_json,
    rejection_json,
)
from shared.snapshots.files import read_snapshots

__all__ = [
    "References",
    "decode_reference",
    "decode_snapshot",
    "detection_json",
    "encode_reference",
    "encode_snapshot",
    "opportunity_json",
    "read_snapshots",
    "rejection_json",
]
