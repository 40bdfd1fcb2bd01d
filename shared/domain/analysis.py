"""The analyst by rules: each concern is one rule with its threshold, named with the facts behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from shared.domain.facts import Facts
from shared.domain.trade import Decision, Verdict

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

EXPLANATION_WORDS = 60
"""The longest explanation of a verdict."""


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
        " ".join(explanation.split()[:EXPLANATION_WORDS]),
        tuple(dict.fromkeys(evidence)) or ("edge.net",),
        "rules",
        fallback,
    )


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
