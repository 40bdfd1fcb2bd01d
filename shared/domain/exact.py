"""Decimal arithmetic of the domain: exact sums and products, ratios to 28 digits, in any caller's context."""

from __future__ import annotations

import re
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow

EXACT = Context(prec=200, traps=[InvalidOperation, DivisionByZero, Overflow])
"""No sum or product of prices, amounts and rates is ever rounded in it."""

RATIO = Context(prec=28, traps=[InvalidOperation, DivisionByZero, Overflow])
"""Quotients: 28 significant digits, half to even."""

ZERO = Decimal(0)
ONE = Decimal(1)
BPS = Decimal(10_000)

_WRITTEN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def written(text: str) -> Decimal:
    """The number that a person wrote: ASCII digits, sign, point and exponent, and no underscore.

    Raises:
        ValueError: it is none.
    """
    try:
        if _WRITTEN.fullmatch(text):
            return Decimal(text)
    except InvalidOperation:  # an exponent beyond all bounds
        pass
    raise ValueError(f"{text!r} is no number")


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    """The quotient to 28 significant digits, without trailing zeros."""
    return plain(RATIO.divide(numerator, denominator))


def plain(value: Decimal) -> Decimal:
    """The same number without trailing zeros."""
    return value.normalize(EXACT) if value else ZERO


def text(value: Decimal) -> str:
    """Plain notation: never an exponent, every digit."""
    return f"{value:f}"


def bps_above_one(numerator: Decimal, denominator: Decimal) -> Decimal:
    """Basis points by which a rate, given as an exact fraction, exceeds one."""
    excess = EXACT.multiply(EXACT.subtract(numerator, denominator), BPS)
    return ratio(excess, denominator)
