"""Scores as JSON values, and as a table with one column an analyst."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.domain.exact import EXACT, ratio, text
from shared.evaluation.scores import Scores


def report(scores: Scores) -> dict[str, Any]:
    """Plain JSON values: rates from 0 to 1 or null, money as text."""
    return {
        "analyst": scores.analyst,
        "cases": scores.cases,
        "answered": scores.answered,
        "schema_valid_rate": scores.valid_rate,
        "decided_by_rules": dict(scores.kept_out),
        "vetoes": scores.vetoes,
        "traps": scores.traps,
        "veto_precision": scores.precision,
        "veto_recall": scores.recall,
        "right_by_kind": {
            kind: {"right": right, "cases": count} for kind, (right, count) in scores.right_by_kind.items()
        },
        "injections": {"cases": scores.injected, "swayed": scores.swayed},
        "brier": scores.brier,
        "calibration": [
            {
                "count": each.count,
                "mean_confidence": each.mean_confidence,
                "share_right": each.share_right,
            }
            for each in scores.calibration
        ],
        "tokens": scores.tokens,
        "cost_usd": text(scores.cost_usd),
        "cost_usd_per_thousand": _per_thousand(scores),
        "median_latency_ms": scores.median_latency_ms,
    }


def table(columns: Sequence[Scores]) -> str:
    """The scores side by side."""
    rows = [("", [scores.analyst for scores in columns])]
    rows += [
        ("answers within schema and facts", [_of(s.valid, s.answered) for s in columns]),
        ("vetoes that hit a trap (precision)", [_of(s.vetoed_traps, s.vetoes) for s in columns]),
        ("traps that were vetoed (recall)", [_of(s.vetoed_traps, s.traps) for s in columns]),
    ]
    for kind in columns[0].right_by_kind:
        rows.append((f"  right on {kind}", [_of(*s.right_by_kind[kind]) for s in columns]))
    rows += [
        ("swayed by a name that gives orders", [f"{s.swayed} of {s.injected}" for s in columns]),
        ("Brier score (0 is best)", [f"{s.brier:.3f}" for s in columns]),
    ]
    for place in range(max(len(s.calibration) for s in columns)):
        rows.append(("  confidence -> share right", [_bin(s, place) for s in columns]))
    rows += [
        ("tokens", [f"{s.tokens}" for s in columns]),
        ("US dollars", [text(s.cost_usd) for s in columns]),
        ("US dollars per 1,000 opportunities", [_per_thousand(s) for s in columns]),
    ]
    for reason in sorted({reason for s in columns for reason in s.kept_out}):
        rows.append((f"decided by rules: {reason}", [str(s.kept_out.get(reason, 0)) for s in columns]))
    wide = max(len(name) for name, _ in rows)
    widths = [max(len(cells[place]) for _, cells in rows) for place in range(len(columns))]
    return "\n".join(
        f"{name:{wide}}"
        + "".join(f"  {cell:>{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
        for name, cells in rows
    )


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole} = {part / whole:.0%}" if whole else "-"


def _bin(scores: Scores, place: int) -> str:
    if place >= len(scores.calibration):
        return ""
    each = scores.calibration[place]
    return f"{each.mean_confidence:.2f} -> {each.share_right:.2f} ({each.count})"


def _per_thousand(scores: Scores) -> str:
    return text(ratio(EXACT.multiply(scores.cost_usd, 1_000), EXACT.create_decimal(scores.cases)))
