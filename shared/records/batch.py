"""A batch: the rows of one scan or of its trades as one versioned, compressed JSON blob."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from shared.errors import MalformedRecord
from shared.records.blobs import KINDS, batch_name
from shared.records.tables import JSON_SIZE, LEDGER, MARKETS, TABLES, Column, Kind, Table
from shared.records.text import DECIMAL_DIGITS, DECIMAL_SCALE, from_iso, iso, utf16_length

VERSION = 1

Row = dict[str, Any]
Check = Callable[[Any], bool]

_DECIMAL = re.compile(
    rf"-?(?:0|[1-9]\d{{0,{DECIMAL_DIGITS - 1}}})(?:\.\d{{0,{DECIMAL_SCALE - 1}}}[1-9])?", re.ASCII
)
_TIME = re.compile(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{3}Z", re.ASCII)
_INT_LIMIT = 2**63


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows by table that belong to one scan and are loaded together or not at all.

    `kind` is `scan` or `trades`, `time_ms` the scan's. Rows carry every column but `blob`, in JSON form.
    """

    market: str
    kind: str
    scan_id: str
    time_ms: int
    rows: Mapping[str, Sequence[Row]]

    @property
    def name(self) -> str:
        """The blob's name: the same batch always has the same."""
        return batch_name(self.market, self.kind, self.time_ms, self.scan_id)


def encode_batch(batch: Batch) -> bytes:
    """The blob: gzip level 1, the same bytes for the same batch.

    Raises:
        MalformedRecord: a row does not fit its table.
    """
    payload = {
        "version": VERSION,
        "kind": batch.kind,
        "market": batch.market,
        "scan_id": batch.scan_id,
        "time": iso(batch.time_ms),
        "rows": {name: checked_rows(name, rows) for name, rows in batch.rows.items()},
    }
    return gzip.compress(orjson.dumps(payload), compresslevel=1, mtime=0)


def decode_batch(data: bytes) -> Batch:
    """The batch of a blob; columns that an older version did not know are null.

    Raises:
        MalformedRecord: the blob is damaged, of another version, or a row does not fit its table.
    """
    try:
        payload = orjson.loads(gzip.decompress(data))
    except (EOFError, OSError, zlib.error, orjson.JSONDecodeError) as error:
        raise MalformedRecord("batch", data[:16], f"is not gzipped JSON: {error}") from error
    if not isinstance(payload, dict):
        raise MalformedRecord("batch", payload, "is not an object")
    version = payload.get("version")
    if version != VERSION:
        raise MalformedRecord("version", version, f"is not supported; this release reads version {VERSION}")
    kind = _one_of(payload, "kind", KINDS)
    market = _one_of(payload, "market", MARKETS)
    scan_id, time, tables = payload.get("scan_id"), payload.get("time"), payload.get("rows")
    if not isinstance(scan_id, str) or not scan_id:
        raise MalformedRecord("scan_id", scan_id, "is not a scan's name")
    if not isinstance(time, str):
        raise MalformedRecord("time", time, "is not a time such as 2026-11-22T12:00:00.000Z")
    if not isinstance(tables, dict):
        raise MalformedRecord("rows", tables, "is not an object of tables")
    rows = {name: checked_rows(name, found) for name, found in tables.items()}
    return Batch(market, kind, scan_id, from_iso(time), rows)


def checked_rows(table: str, rows: Any) -> list[Row]:
    """The rows with every column of the table but `blob`, each value checked against its column.

    Raises:
        MalformedRecord: the table or a column is unknown, or a value does not fit; the field names the row.
    """
    checks = _CHECKS.get(table)
    if checks is None:
        raise MalformedRecord(f"rows.{table}", table, f"is not one of the tables {', '.join(_CHECKS)}")
    if not isinstance(rows, list | tuple):
        raise MalformedRecord(f"rows.{table}", rows, "is not a list of rows")
    complete: list[Row] = []
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise MalformedRecord(f"rows.{table}[{index}]", row, "is not an object")
        values: Row = {}
        for name, (column, check) in checks.items():
            value = row.get(name)
            if not check(value):
                raise MalformedRecord(f"rows.{table}[{index}].{name}", value, _remedy(column))
            values[name] = value
        if len(row.keys() - checks.keys()) > 0:
            unknown = min(row.keys() - checks.keys())
            raise MalformedRecord(
                f"rows.{table}[{index}].{unknown}", row[unknown], f"is no column of {table} in this release"
            )
        complete.append(values)
    return complete


def _one_of(payload: Mapping[str, Any], field: str, choices: tuple[str, ...]) -> str:
    value = payload.get(field)
    if value not in choices:
        raise MalformedRecord(field, value, f"is not one of {', '.join(choices)}")
    return str(value)


def _remedy(column: Column) -> str:
    if column.choices:
        expected = f"one of {', '.join(column.choices)}"
    else:
        expected = {
            Kind.TEXT: f"a text of at most {column.size} UTF-16 units",
            Kind.DECIMAL: f"a plain decimal in a string, {DECIMAL_DIGITS} digits before and {DECIMAL_SCALE} "
            "after the point at most",
            Kind.INT: "an integer of 64 bits",
            Kind.TIME: "a time such as 2026-11-22T12:00:00.000Z",
            Kind.BOOL: "true or false",
            Kind.JSON: f"JSON of at most {JSON_SIZE} UTF-16 units",
        }[column.kind]
    return f"is not {expected}{'' if column.required else ' or null'}"


def _text_check(size: int) -> Check:
    return lambda value: (
        isinstance(value, str) and len(value) <= size and (value.isascii() or utf16_length(value) <= size)
    )


def _json_check(value: Any) -> bool:
    try:
        return value is not None and utf16_length(orjson.dumps(value).decode()) <= JSON_SIZE
    except TypeError:
        return False


def _check(column: Column) -> Check:
    checks: dict[Kind, Check] = {
        Kind.TEXT: column.choices.__contains__ if column.choices else _text_check(column.size),
        Kind.DECIMAL: lambda value: isinstance(value, str) and _DECIMAL.fullmatch(value) is not None,
        Kind.INT: lambda value: type(value) is int and -_INT_LIMIT <= value < _INT_LIMIT,
        Kind.TIME: lambda value: isinstance(value, str) and _TIME.fullmatch(value) is not None,
        Kind.BOOL: lambda value: isinstance(value, bool),
        Kind.JSON: _json_check,
    }
    check = checks[column.kind]
    return check if column.required else lambda value: value is None or check(value)


def _checks(table: Table) -> dict[str, tuple[Column, Check]]:
    return {column.name: (column, _check(column)) for column in table.columns if column.name != "blob"}


_CHECKS = {name: _checks(table) for name, table in TABLES.items() if name != LEDGER}
