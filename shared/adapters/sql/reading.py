"""Rows of tables and views, in JSON form."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Engine, Select, column, select, table

from shared.adapters.sql.schema import comparable, sql_type, to_database, to_row
from shared.adapters.sql.view import View
from shared.adapters.sql.views import VIEWS
from shared.errors import InputError
from shared.records.tables import TABLES, Column, Kind, Table
from shared.records.text import from_iso, iso
from shared.records.totals import TOTALS

_SOURCES: Mapping[str, Table | View] = {**TABLES, **VIEWS, TOTALS.name: TOTALS}


def read(
    engine: Engine,
    name: str,
    where: Mapping[str, Any],
    order: Sequence[str],
    page: tuple[int, int],
) -> list[dict[str, Any]]:
    """The rows of one page (limit, offset); conditions and order as the port tells them.

    Raises:
        InputError: table, column or comparison is unknown, or a value is none of its column's kind.
    """
    source = _SOURCES.get(name)
    if source is None:
        raise InputError(f"table {name!r}: is not one of {', '.join(_SOURCES)}")
    limit, offset = page
    if limit < 0 or offset < 0:
        raise InputError(f"limit {limit}, offset {offset}: must not be negative")
    query = _query(source, where, order, engine.dialect).limit(limit).offset(offset)
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    forms = [to_row(each) for each in source.columns]
    return [
        {
            each.name: value if form is None else form(value)
            for each, form, value in zip(source.columns, forms, row, strict=True)
        }
        for row in rows
    ]


def _query(
    source: Table | View, where: Mapping[str, Any], order: Sequence[str], dialect: Dialect
) -> Select[Any]:
    elements = {each.name: column(each.name, sql_type(each)) for each in source.columns}
    query = select(*elements.values()).select_from(table(source.name, *elements.values()))
    for key, value in where.items():
        query = query.where(_condition(source, key, value, dialect))
    ordered = {name.removeprefix("-"): name.startswith("-") for name in order}
    for name in (*ordered, *source.key):
        element = comparable(_known(source, name), elements[name], dialect)
        query = query.order_by(element.desc() if ordered.get(name, False) else element.asc())
    return query


def _known(source: Table | View, name: str) -> Column:
    for each in source.columns:
        if each.name == name:
            return each
    raise InputError(f"column {name!r}: {source.name} has {', '.join(each.name for each in source.columns)}")


_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "": operator.eq,
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
}


def _condition(source: Table | View, key: str, value: Any, dialect: Dialect) -> ColumnElement[bool]:
    name, _, comparison = key.partition("__")
    known = _known(source, name)
    element = comparable(known, column(name, sql_type(known)), dialect)
    if comparison not in _COMPARISONS:
        raise InputError(f"condition {key!r}: the comparison must be one of __ge, __gt, __le, __lt")
    if value is None and not comparison:
        return element.is_(None)
    if isinstance(value, list | tuple | set | frozenset) and not comparison:
        return element.in_([_bound(known, each, dialect) for each in value])
    result: ColumnElement[bool] = _COMPARISONS[comparison](element, _bound(known, value, dialect))
    return result


def _bound(known: Column, value: Any, dialect: Dialect) -> Any:
    """A condition's value as the database compares it."""
    try:
        if known.kind is Kind.TIME and isinstance(value, int):
            value = iso(value)
        if known.kind is Kind.TIME:
            from_iso(value, known.name)
        if known.kind is Kind.DECIMAL:
            return float(value) if dialect.name == "sqlite" else Decimal(str(value))
    except (ArithmeticError, TypeError, ValueError) as error:
        raise InputError(f"condition on {known.name}: {value!r} is no {known.kind}") from error
    convert = to_database(known, dialect)
    return value if convert is None else convert(value)
