"""What an analyst sees of an opportunity: numbered facts, no prose; foreign names are quoted and bounded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

from shared.domain.market import Side
from shared.domain.opportunity import Opportunity

NAME_LIMIT = 24
_FOREIGN = re.compile(r"[^A-Za-z0-9 ._/:+-]")
_TICKER = re.compile(r"[A-Z0-9][A-Z0-9.]{0,14}")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known: `value` is a number in `unit`, a quoted name or a word of ours; None is unknown."""

    id: str
    value: Decimal | str | None
    unit: str
    says: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one opportunity, in a fixed order."""

    opportunity_id: str
    facts: tuple[Fact, ...]

    def number(self, fact_id: str) -> Decimal | None:
        """The value of a numeric fact, or None where it is unknown."""
        value = self._values().get(fact_id)
        return value if isinstance(value, Decimal) else None

    def word(self, fact_id: str) -> str | None:
        """The value of a fact told in a word, or None where it is unknown."""
        value = self._values().get(fact_id)
        return value if isinstance(value, str) else None

    def ids(self) -> frozenset[str]:
        """What evidence may name."""
        return frozenset(fact.id for fact in self.facts)

    def rows(self) -> list[dict[str, str | None]]:
        """Plain JSON values for a prompt or a cache key; numbers as text."""
        return [
            {
                "id": fact.id,
                "value": format(fact.value, "f") if isinstance(fact.value, Decimal) else fact.value,
                "unit": fact.unit,
                "says": fact.says,
            }
            for fact in self.facts
        ]

    def _values(self) -> dict[str, Decimal | str | None]:
        return {fact.id: fact.value for fact in self.facts}


@dataclass(frozen=True, slots=True)
class PathHistory:
    """What is remembered of a path: how long it has been seen, and what trading it brought.

    `kept_share` is earned over decided profit of its trades, what they still carry included.
    """

    sightings: int = 0
    lifetime_ms: int = 0
    trades: int = 0
    kept_share: Decimal | None = None


@dataclass(frozen=True, slots=True)
class VenueHealth:
    """A venue over the last scans: how many asked, how many failed, and its last answer's latency."""

    scans: int = 0
    failures: int = 0
    latency_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AssetEvidence:
    """What is known of an asset that the loop moves between venues.

    `transfer` is open, closed, unknown or not_needed; `identity` is confirmed, unproven or conflicting;
    `networks` are the names of common networks.
    """

    transfer: str = "unknown"
    identity: str = "unproven"
    networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known around an opportunity; what is absent stays unknown.

    `depth_used` is the share of each leg's visible depth that the order takes, in leg order;
    `volatility_bps` the standard deviation of the loop's mid prices between the last scans.
    """

    depth_used: tuple[Decimal | None, ...] = ()
    history: PathHistory = field(default_factory=PathHistory)
    venues: Mapping[str, VenueHealth] = field(default_factory=dict)
    assets: Mapping[str, AssetEvidence] = field(default_factory=dict)
    volatility_bps: Decimal | None = None


def bounded_name(name: str) -> str:
    """A foreign name as data: at most 24 harmless characters."""
    return _FOREIGN.sub("?", name)[:NAME_LIMIT]


def gather(opportunity: Opportunity, known: Surroundings) -> Facts:
    """The facts of an opportunity; numbers are rounded as they may be cited."""
    history = known.history
    facts = [
        _number("edge.net", opportunity.net_bps, "bps", "net edge after all fees at the traded size", "0.1"),
        _number("edge.top", opportunity.top_net_bps, "bps", "net edge at the top of the books", "0.1"),
        _number("edge.profit", opportunity.profit_value, "USDT", "expected profit", "0.01"),
        _number("books.age", opportunity.oldest_book_ms, "ms", "age of the oldest book"),
        _number("books.skew", opportunity.skew_ms, "ms", "difference between the books' times"),
        _number("history.sightings", history.sightings, "scans", "scans in a row that saw this path"),
        _number("history.lifetime", history.lifetime_ms, "ms", "how long this path has been seen"),
        _number("history.trades", history.trades, "trades", "earlier trades on this path"),
        _number(
            "history.kept",
            None if history.kept_share is None else history.kept_share * 100,
            "percent",
            "earned of the decided profit in those trades",
            "1",
        ),
        _number(
            "market.volatility", known.volatility_bps, "bps", "movement of the mids between scans", "0.1"
        ),
    ]
    for index, leg in enumerate(opportunity.legs):
        share = known.depth_used[index] if index < len(known.depth_used) else None
        facts += [
            Fact(
                f"leg{index}.order", f'"{leg.venue}:{bounded_name(leg.symbol)}:{leg.side}"', "", "the order"
            ),
            _number(
                f"leg{index}.depth",
                None if share is None else share * 100,
                "percent",
                "of visible depth",
                "1",
            ),
        ]
    for venue in dict.fromkeys(leg.venue for leg in opportunity.legs):
        health = known.venues.get(venue, VenueHealth())
        facts += [
            _number(f"{venue}.scans", health.scans, "scans", "recent scans that asked this venue"),
            _number(f"{venue}.failures", health.failures, "scans", "of them, those it failed"),
            _number(f"{venue}.latency", health.latency_ms, "ms", "its last answer took"),
        ]
    for index, asset in enumerate(_assets(opportunity)):
        evidence = known.assets.get(asset, AssetEvidence())
        well_formed = "yes" if _TICKER.fullmatch(asset) else "no"
        names = " ".join(_quoted(name) for name in evidence.networks[:5])
        facts += [
            Fact(f"asset{index}.name", _quoted(asset), "", "an asset of the loop, as the venues call it"),
            Fact(f"asset{index}.ticker", well_formed, "", "whether that looks like a ticker"),
            Fact(f"asset{index}.transfer", evidence.transfer, "", "transfers between the venues"),
            Fact(f"asset{index}.identity", evidence.identity, "", "whether both venues mean the same asset"),
            Fact(f"asset{index}.networks", names or None, "", "common networks, as the venues call them"),
        ]
    return Facts(opportunity.id, tuple(facts))


def _quoted(name: str) -> str:
    return f'"{bounded_name(name)}"'


def _number(fact_id: str, value: Decimal | int | None, unit: str, says: str, step: str | None = None) -> Fact:
    if value is None:
        return Fact(fact_id, None, unit, says)
    exact = Decimal(value)
    rounding = ROUND_DOWN if unit in {"bps", "USDT"} else ROUND_HALF_EVEN
    return Fact(fact_id, exact.quantize(Decimal(step), rounding) if step else exact, unit, says)


def _assets(opportunity: Opportunity) -> Iterable[str]:
    """What each leg brings in, the start asset last."""
    for leg in opportunity.legs:
        base, _, quote = leg.symbol.partition("/")
        yield base if leg.side is Side.BUY else quote
