"""Number texts as exact decimals, and back to the very same texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

import pyarrow as pa

from shared.records.text import DECIMAL_DIGITS, DECIMAL_SCALE

NUMBER = pa.decimal128(DECIMAL_DIGITS + DECIMAL_SCALE, DECIMAL_SCALE)
DECIMALS = pa.int8()

_PLAIN = re.compile(rf"(?:0|[1-9]\d{{0,{DECIMAL_DIGITS - 1}}})(?:\.\d{{1,{DECIMAL_SCALE}}})?", re.ASCII)
_CUTS = [
    slice(None, -1 - DECIMAL_SCALE),
    *(slice(None, -n or None) for n in range(DECIMAL_SCALE - 1, -1, -1)),
]


def is_plain(text: object) -> bool:
    """Whether a text is a number that comes back unchanged: no sign, exponent or odd zero, within decimal128."""
    return isinstance(text, str) and _PLAIN.fullmatch(text) is not None


def to_arrays(texts: Sequence[str | None]) -> tuple[pa.Array, pa.Array]:
    """Plain numbers as decimals, and how many decimals each was written with."""
    decimals = [
        None if text is None else len(text) - text.find(".") - 1 if "." in text else 0 for text in texts
    ]
    return pa.array(texts, pa.string()).cast(NUMBER), pa.array(decimals, DECIMALS)


def to_texts(numbers: pa.Array, decimals: pa.Array) -> list[str | None]:
    """The texts that `to_arrays` was given."""
    return [
        None if text is None else (text if "E" not in text else _unfolded(text))[_CUTS[places]]
        for text, places in zip(numbers.cast(pa.string()).to_pylist(), decimals.to_pylist(), strict=True)
    ]


def _unfolded(text: str) -> str:
    """Arrow writes numbers below a millionth with an exponent."""
    return format(Decimal(text), "f")
