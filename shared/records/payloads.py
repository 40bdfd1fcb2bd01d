"""Domain values as plain dicts between activities, queues and state, and back.

Decimals are plain strings at full precision, enumerations their values, tuples lists. Fields are told by the
dataclasses themselves, so that a payload cannot drift from its type.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from shared.domain.opportunity import Opportunity, Rejection
from shared.domain.trade import Trade, Transfer, Verdict
from shared.errors import MalformedRecord
from shared.records.text import plain

T = TypeVar("T")
Payload = dict[str, Any]


def opportunity_to_dict(opportunity: Opportunity) -> Payload:
    """An opportunity as plain JSON values."""
    return to_payload(opportunity)


def opportunity_from_dict(payload: Mapping[str, Any]) -> Opportunity:
    """The opportunity of a payload; raises MalformedRecord."""
    return from_payload(Opportunity, payload)


def rejection_to_dict(rejection: Rejection) -> Payload:
    """A rejection as plain JSON values."""
    return to_payload(rejection)


def rejection_from_dict(payload: Mapping[str, Any]) -> Rejection:
    """The rejection of a payload; raises MalformedRecord."""
    return from_payload(Rejection, payload)


def verdict_to_dict(verdict: Verdict) -> Payload:
    """A verdict as plain JSON values."""
    return to_payload(verdict)


def verdict_from_dict(payload: Mapping[str, Any]) -> Verdict:
    """The verdict of a payload; raises MalformedRecord."""
    return from_payload(Verdict, payload)


def trade_to_dict(trade: Trade) -> Payload:
    """A trade with its fills as plain JSON values."""
    return to_payload(trade)


def trade_from_dict(payload: Mapping[str, Any]) -> Trade:
    """The trade of a payload; raises MalformedRecord."""
    return from_payload(Trade, payload)


def transfer_to_dict(transfer: Transfer) -> Payload:
    """A transfer as plain JSON values."""
    return to_payload(transfer)


def transfer_from_dict(payload: Mapping[str, Any]) -> Transfer:
    """The transfer of a payload; raises MalformedRecord."""
    return from_payload(Transfer, payload)


def to_payload(value: Any) -> Payload:
    """A dataclass instance as a dict of plain JSON values."""
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def from_payload(cls: type[T], payload: Any, field: str = "") -> T:
    """The dataclass instance of a payload.

    Raises:
        MalformedRecord: a field is missing, unknown or of the wrong type; the field is named by its path.
    """
    if not isinstance(payload, Mapping):
        raise MalformedRecord(field or cls.__name__, payload, "is not an object")
    hints, required = _shape(cls)  # type: ignore[arg-type]  # a class is hashable
    at = f"{field}." if field else ""
    for name in sorted(payload.keys() - hints.keys()):
        raise MalformedRecord(f"{at}{name}", payload[name], f"is no field of {cls.__name__}")
    for name in sorted(required - payload.keys()):
        raise MalformedRecord(f"{at}{name}", None, f"is missing from {cls.__name__}")
    return cls(**{name: _typed(hints[name], value, f"{at}{name}") for name, value in payload.items()})


@cache
def _shape(cls: Hashable) -> tuple[dict[str, Any], frozenset[str]]:
    if not isinstance(cls, type) or not is_dataclass(cls):
        raise TypeError(f"{cls!r} is no dataclass")
    hints = get_type_hints(cls)
    required = frozenset(
        field.name for field in fields(cls) if field.default is MISSING and field.default_factory is MISSING
    )
    return {field.name: hints[field.name] for field in fields(cls)}, required


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return to_payload(value)


def _typed(hint: Any, value: Any, field: str) -> Any:
    origin = get_origin(hint)
    if origin is UnionType:
        (inner,) = (each for each in get_args(hint) if each is not NoneType)
        return None if value is None else _typed(inner, value, field)
    if origin is tuple:
        return _tuple(get_args(hint), value, field)
    if origin is Mapping:
        return _mapping(get_args(hint)[1], value, field)
    if is_dataclass(hint):
        return from_payload(hint, value, field)  # type: ignore[arg-type]  # is_dataclass also admits instances
    return _scalar(hint, value, field)


def _scalar(hint: type, value: Any, field: str) -> Any:
    if hint is Decimal:
        return _decimal(value, field)
    if issubclass(hint, StrEnum):
        return _choice(hint, value, field)
    if type(value) is not hint:
        raise MalformedRecord(field, value, f"is not of type {hint.__name__}")
    return value


def _mapping(kind: Any, value: Any, field: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise MalformedRecord(field, value, "is not an object")
    return {key: _typed(kind, each, f"{field}.{key}") for key, each in value.items()}


def _choice(kind: type[StrEnum], value: Any, field: str) -> StrEnum:
    try:
        return kind(value)
    except ValueError:
        raise MalformedRecord(field, value, f"is not one of {', '.join(kind)}") from None


def _tuple(kinds: tuple[Any, ...], value: Any, field: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise MalformedRecord(field, value, "is not a list")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise MalformedRecord(field, value, f"does not have {len(kinds)} parts")
    return tuple(
        _typed(kind, each, f"{field}[{index}]")
        for index, (kind, each) in enumerate(zip(kinds, value, strict=True))
    )


def _decimal(value: Any, field: str) -> Decimal:
    try:
        number = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise MalformedRecord(field, value, "is not a decimal in a string")
    return number
