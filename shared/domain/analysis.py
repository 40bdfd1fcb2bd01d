"""Judging an opportunity: the analyst by rules, and what makes a model's answer a verdict."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.domain.facts import Facts
from shared.domain.trade import Decision, Verdict
from shared.errors import AnalystError

RISK_FACTORS = (
    "thin_edge",
    "too_good",
    "deep_book_use",
    "old_books",
    "skewed_books",
    "persistent_edge",
    "poor_history",
    "failing_venue",
    "transfer_unknown",
    "transfer_closed",
    "identity_unproven",
    "identity_conflict",
    "odd_name",
    "volatile",
)
"""The only factors a verdict may name."""

MAX_WORDS = 60
RULES = "rules"
MODEL = "model"

ANSWER_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["verdict", "confidence", "risk_factors", "explanation", "evidence"],
    "properties": {
        "verdict": {"type": "string", "enum": [decision.value for decision in Decision]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "risk_factors": {"type": "array", "items": {"type": "string", "enum": list(RISK_FACTORS)}},
        "explanation": {"type": "string"},
        "evidence": {"type": "array", "items": {"type": "string"}},
    },
}
"""What a model answers with; it has no size, price or venue."""


@dataclass(frozen=True, slots=True)
class Concern:
    """A rule that fired: its risk factor, the facts behind it, and whether it alone rejects."""

    factor: str
    evidence: tuple[str, ...]
    says: str
    rejects: bool = False


@dataclass(frozen=True, slots=True)
class RulesPolicy:
    """The thresholds of the analyst by rules; this many concerns together reject."""

    thin_edge_bps: Decimal = Decimal(2)
    too_good_bps: Decimal = Decimal(200)
    suspicious_bps: Decimal = Decimal(50)
    deep_percent: Decimal = Decimal(80)
    old_ms: Decimal = Decimal(2_000)
    skewed_ms: Decimal = Decimal(1_000)
    persistent_ms: Decimal = Decimal(600_000)
    history_trades: Decimal = Decimal(5)
    poor_kept_percent: Decimal = Decimal(0)
    failing_share: Decimal = Decimal("0.2")
    dying_share: Decimal = Decimal("0.5")
    volatile_multiple: Decimal = Decimal(2)
    concerns_to_reject: int = 4


def rules_verdict(facts: Facts, policy: RulesPolicy | None = None, fallback: str | None = None) -> Verdict:
    """The analyst by rules: every concern is named with its facts.

    One grave concern or several different ones reject, any other asks for caution. `fallback` is the short
    reason why the rules decide in a model's place.
    """
    limits = policy or RulesPolicy()
    concerns = [concern for rule in RULE_SET for concern in rule(facts, limits)]
    factors = tuple(dict.fromkeys(concern.factor for concern in concerns))
    grave = any(concern.rejects for concern in concerns)
    if grave or len(factors) >= limits.concerns_to_reject:
        decision, confidence = Decision.REJECT, Decimal("0.9")
    elif concerns:
        decision, confidence = Decision.CAUTION, Decimal("0.8") - Decimal("0.1") * (len(factors) - 1)
    else:
        decision, confidence = Decision.APPROVE, Decimal("0.9")
    explanation = "; ".join(concern.says for concern in concerns) or "no rule objects"
    evidence = (fact for concern in concerns for fact in concern.evidence)
    return Verdict(
        facts.opportunity_id,
        decision,
        confidence,
        factors,
        " ".join(explanation.split()[:MAX_WORDS]),
        tuple(dict.fromkeys(evidence)) or ("edge.net",),
        RULES,
        fallback,
    )


def check_answer(answer: Any, facts: Facts) -> Verdict:
    """A model's answer as a verdict, if it keeps to the schema and to the facts.

    Raises:
        AnalystError: with reason `schema`, `too_long`, `unknown_evidence` or `invented_number`.
    """
    fields = ANSWER_SCHEMA["required"]
    if not isinstance(answer, Mapping) or set(answer) != set(fields):
        raise AnalystError("schema", f"the answer is no object of {', '.join(fields)}")
    explanation, confidence = answer["explanation"], _confidence(answer["confidence"])
    if answer["verdict"] not in tuple(Decision) or not isinstance(explanation, str):
        raise AnalystError(
            "schema", f"verdict {answer['verdict']!r:.40} or the explanation is of the wrong type"
        )
    factors = _texts(answer["risk_factors"], "risk_factors")
    evidence = _texts(answer["evidence"], "evidence")
    if unknown := set(factors) - set(RISK_FACTORS):
        raise AnalystError("schema", f"risk factor {min(unknown)!r:.40} is not on the list")
    words = len(explanation.split())
    if words > MAX_WORDS:
        raise AnalystError("too_long", f"the explanation has {words} words, the limit is {MAX_WORDS}")
    if not evidence or (unknown := set(evidence) - facts.ids()):
        raise AnalystError(
            "unknown_evidence", f"evidence {sorted(evidence)!r:.80} is not all among the facts"
        )
    if invented := invented_numbers(explanation, facts):
        raise AnalystError("invented_number", f"the explanation cites {invented[0]:.20}, which no fact holds")
    return Verdict(
        facts.opportunity_id,
        Decision(answer["verdict"]),
        confidence,
        tuple(dict.fromkeys(factors)),
        explanation,
        tuple(dict.fromkeys(evidence)),
        MODEL,
    )


_WITH_DIGITS = re.compile(r"[^\s\"'()\[\]{};]*\d[^\s\"'()\[\]{};]*")
_NUMBER = re.compile(r"[+-]?(\d[\d,]*\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def invented_numbers(text: str, facts: Facts) -> list[str]:
    """Words of a text that hold digits but neither the numbers, names nor ids of the facts."""
    known_numbers = {abs(fact.value) for fact in facts.facts if isinstance(fact.value, Decimal)}
    known_words = {
        word
        for fact in facts.facts
        for source in (fact.id, fact.value)
        if isinstance(source, str)
        for word in re.split(r"[\s\"]+", source)
    }
    known_words |= {part for word in known_words for part in re.split(r"[:/]", word)}
    invented = []
    for word in _WITH_DIGITS.findall(text):
        bare = word.strip(".,:;!?%$€~<>=+-")
        if bare in known_words or word in known_words:
            continue
        numbers = [match.group(0).replace(",", "").lstrip("+-") for match in _NUMBER.finditer(bare)]
        if not numbers or any(_as_number(number) not in known_numbers for number in numbers):
            invented.append(word)
    return invented


def _as_number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _confidence(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not 0 <= value <= 1:
        raise AnalystError("schema", f"confidence {value!r:.40} is no number from 0 to 1")
    return Decimal(str(value))


def _texts(value: object, field: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise AnalystError("schema", f"{field} is no list of texts")
    return tuple(value)


def _edge(facts: Facts, limits: RulesPolicy) -> Iterable[Concern]:
    edge = facts.number("edge.net")
    if edge is None:
        return
    if edge > limits.too_good_bps:
        yield Concern(
            "too_good", ("edge.net",), f"an edge of {edge} bps is a data fault until proven", rejects=True
        )
    elif edge < limits.thin_edge_bps:
        yield Concern("thin_edge", ("edge.net",), f"only {edge} bps are left after fees")


def _depth(facts: Facts, limits: RulesPolicy) -> Iterable[Concern]:
    for fact in facts.facts:
        deep = isinstance(fact.value, Decimal) and fact.value > limits.deep_percent
        if deep and fact.id.endswith(".depth"):
            yield Concern("deep_book_use", (fact.id,), f"takes {fact.value} percent of a visible book")
            return


def _books(facts: Facts, limits: RulesPolicy) -> Iterable[Concern]:
    age, skew = facts.number("books.age"), facts.number("books.skew")
    if age is not None and age > limits.old_ms:
        yield Concern("old_books", ("books.age",), f"a book is {age} ms old")
    if skew is not None and skew > limits.skewed_ms:
        yield Concern("skewed_books", ("books.skew",), f"books are {skew} ms apart")


def _history(facts: Facts, limits: RulesPolicy) -> Iterable[Concern]:
    lifetime, edge = facts.number("history.lifetime"), facts.number("edge.net")
    if lifetime is not None and lifetime > limits.persistent_ms:
        grave = edge is not None and edge > limits.suspicious_bps
        yield Concern(
            "persistent_edge",
            ("history.lifetime", "edge.net"),
            f"seen for {lifetime} ms, longer than a real edge lives",
            rejects=grave,
        )
    trades, kept = facts.number("history.trades"), facts.number("history.kept")
    if trades is None or kept is None or trades < limits.history_trades:
        return
    if kept < limits.poor_kept_percent:
        yield Concern(
            "poor_history",
            ("history.trades", "history.kept"),
            f"{trades} earlier trades kept {kept} percent of their profit",
        )


def _venues(facts: Facts, limits: RulesPolicy) -> Iterable[Concern]:
    for fact in facts.facts:
        if not fact.id.endswith(".failures"):
            continue
        venue = fact.id.removesuffix(".failures")
        scans, failures = facts.number(f"{venue}.scans"), facts.number(fact.id)
        if scans and failures and failures / scans >= limits.failing_share:
            yield Concern(
                "failing_venue",
                (f"{venue}.scans", fact.id),
                f"{venue} failed {failures} of {scans} scans",
                rejects=failures / scans >= limits.dying_share,
            )


def _assets(facts: Facts, limits: RulesPolicy) -> Iterable[Concern]:
    edge = facts.number("edge.net")
    for fact in facts.facts:
        asset, _, aspect = fact.id.partition(".")
        name = facts.word(f"{asset}.name")
        match aspect, fact.value:
            case "transfer", "closed":
                yield Concern(
                    "transfer_closed", (fact.id,), f"{name} cannot be moved between the venues", rejects=True
                )
            case "transfer", "unknown":
                yield Concern("transfer_unknown", (fact.id,), f"whether {name} can be moved is unknown")
            case "identity", "conflicting":
                yield Concern(
                    "identity_conflict", (fact.id,), f"{name} is not the same asset everywhere", rejects=True
                )
            case "identity", "unproven" if edge is not None and edge > limits.suspicious_bps:
                yield Concern(
                    "identity_unproven", (fact.id, "edge.net"), f"{edge} bps on the unproven {name}"
                )
            case "ticker", "no":
                yield Concern("odd_name", (f"{asset}.name", fact.id), f"{name} is no ticker", rejects=True)


def _volatility(facts: Facts, limits: RulesPolicy) -> Iterable[Concern]:
    volatility, edge = facts.number("market.volatility"), facts.number("edge.net")
    if volatility is not None and edge is not None and volatility > edge * limits.volatile_multiple:
        yield Concern(
            "volatile",
            ("market.volatility", "edge.net"),
            f"mids move {volatility} bps, the edge is {edge} bps",
        )


RULE_SET: tuple[Callable[[Facts, RulesPolicy], Iterable[Concern]], ...] = (
    _edge,
    _depth,
    _books,
    _history,
    _venues,
    _assets,
    _volatility,
)
