"""The rows of batches as typed Parquet, one file a table, hour and market."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pyarrow as pa

from shared.adapters.parquet.numbers import NUMBER
from shared.records.batch import Row
from shared.records.tables import Column, Kind, Table
from shared.records.text import from_iso

_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.DECIMAL: NUMBER,
    Kind.INT: pa.int64(),
    Kind.TIME: pa.timestamp("ms", "UTC"),
    Kind.BOOL: pa.bool_(),
    Kind.JSON: pa.string(),
}
_FORMS: dict[Kind, Callable[[Any], Any]] = {
    Kind.TIME: from_iso,
    Kind.JSON: lambda value: orjson.dumps(value).decode(),
}


def schema(table: Table) -> pa.Schema:
    """The table's columns as Parquet has them; json columns are their text."""
    return pa.schema(
        [pa.field(column.name, _TYPES[column.kind], not column.required) for column in table.columns]
    )


def rows_table(table: Table, rows: Sequence[Row]) -> pa.Table:
    """Rows in JSON form, each with its blob, as a table."""
    arrays = [_array(column, [row[column.name] for row in rows]) for column in table.columns]
    return pa.Table.from_arrays(arrays, schema=schema(table))


def _array(column: Column, values: list[Any]) -> pa.Array:
    form = _FORMS.get(column.kind)
    if form is not None:
        values = [None if value is None else form(value) for value in values]
    if column.kind is Kind.DECIMAL:
        return pa.array(values, pa.string()).cast(NUMBER)
    return pa.array(values, _TYPES[column.kind])
