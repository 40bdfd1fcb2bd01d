"""Number texts as exact decimals, and back to the very same texts."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from shared.records.text import DECIMAL_DIGITS, DECIMAL_SCALE

NUMBER = pa.decimal128(DECIMAL_DIGITS + DECIMAL_SCALE, DECIMAL_SCALE)
DECIMALS = pa.int8()

_PLAIN = rf"^(?:0|[1-9][0-9]{{0,{DECIMAL_DIGITS - 1}}})(?:\.[0-9]{{1,{DECIMAL_SCALE}}})?$"
_CUTS = [
    slice(None, -1 - DECIMAL_SCALE),
    *(slice(None, -n or None) for n in range(DECIMAL_SCALE - 1, -1, -1)),
]


def are_plain(texts: pa.Array) -> pa.Array:
    """Which texts come back unchanged as numbers: no sign, exponent or odd zero, within decimal128; null is one."""
    return pc.match_substring_regex(texts, _PLAIN).fill_null(True)


def to_arrays(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Plain numbers as decimals, and how many decimals each was written with."""
    point = pc.find_substring(texts, ".")
    decimals = pc.subtract(pc.subtract(pc.utf8_length(texts), point), 1)
    return texts.cast(NUMBER), pc.if_else(pc.less(point, 0), 0, decimals).cast(DECIMALS)


def to_texts(numbers: pa.Array, decimals: pa.Array) -> list[str | None]:
    """The texts that `to_arrays` was given."""
    return [
        None if text is None else (text if "E" not in text else _unfolded(text))[_CUTS[places]]
        for text, places in zip(numbers.cast(pa.string()).to_pylist(), decimals.to_pylist(), strict=True)
    ]


def _unfolded(text: str) -> str:
    """Arrow writes numbers below a millionth with an exponent."""
    return format(Decimal(text), "f")
