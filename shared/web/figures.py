"""The figures of the overview from rows: results, curves, distributions, prices."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from statistics import median
from typing import Any

from shared.domain.exact import EXACT, ZERO

Row = Mapping[str, Any]

BINS = 24
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def result(trade: Row) -> Decimal:
    """What a trade brought in its start asset: realised, and what it left long or short at value."""
    return EXACT.add(Decimal(trade["realised_profit"]), Decimal(trade["unrealised_profit"]))


def result_value(trade: Row) -> Decimal:
    """The same in USDT."""
    return EXACT.add(Decimal(trade["realised_value"]), Decimal(trade["unrealised_value"]))


def running_total(moves: Iterable[tuple[int, Decimal]], end: Decimal | None) -> list[tuple[int, float]]:
    """The total at the end of each moment in ms, oldest first: from zero, or so that it closes at `end`."""
    ordered = sorted(moves)
    total = ZERO if end is None else end - sum((amount for _, amount in ordered), ZERO)
    points: dict[int, float] = {}
    for time_ms, amount in ordered:
        total += amount
        points[time_ms] = round(float(total), 4)
    return list(points.items())


def bin_width(low: float, high: float, bins: int = BINS) -> float:
    """The smallest of 1, 2, 2.5 and 5 times a power of ten of which `bins` cover the range."""
    least = (high - low) / bins
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in _STEPS if step * power >= least * (1 - 1e-9))


def distribution(values: Sequence[float]) -> dict[str, Any]:
    """How often values fall into bins of one round width.

    Returns:
        `count`, `median`, `least` and `most` of all values, `width` of a bin and `bins` as [from, count], gaps
        included. What lies beyond the middle 98 % is counted in the outermost bins.
    """
    if not values:
        return {"count": 0, "median": None, "least": None, "most": None, "width": None, "bins": []}
    ordered = sorted(values)
    beyond = len(ordered) // 100
    low, high = ordered[beyond], ordered[-1 - beyond]
    width = bin_width(low, high)
    first, last = math.floor(low / width), math.floor(high / width)
    counts = dict.fromkeys(range(first, last + 1), 0)
    for value in ordered:
        counts[min(max(math.floor(value / width), first), last)] += 1
    return {
        "count": len(ordered),
        "median": round(median(ordered), 6),
        "least": round(ordered[0], 6),
        "most": round(ordered[-1], 6),
        "width": width,
        "bins": [[round(index * width, 10), count] for index, count in counts.items()],
    }


def prices(quotes: Iterable[Row], known: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """USDT per unit: the median mid of these tops of book of pairs with USDT, else what is known."""
    mids: dict[str, list[Decimal]] = {}
    for quote in quotes:
        bid, ask = Decimal(quote["bid"] or 0), Decimal(quote["ask"] or 0)
        if bid <= 0 or ask < bid:
            continue
        base, _, counter = quote["symbol"].partition("/")
        mid = (bid + ask) / 2
        if counter == "USDT":
            mids.setdefault(base, []).append(mid)
        elif base == "USDT":
            mids.setdefault(counter, []).append(1 / mid)
    return {"USDT": Decimal(1)} | dict(known) | {asset: median(found) for asset, found in mids.items()}
