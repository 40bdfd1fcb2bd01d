"""What the desk remembers across scans, and what an analyst is told of an opportunity because of it.

The memory is a convenience, not a record: two scans at once may each note without the other.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import pstdev
from typing import Any

from shared.desk import Desk
from shared.domain import lifetimes
from shared.domain.facts import AssetEvidence, PathHistory, Surroundings, VenueHealth
from shared.domain.frozen import observe as observe_books
from shared.domain.frozen import pack, unpack
from shared.domain.gates import Books
from shared.domain.identity import conflict
from shared.domain.market import Currency, Side, Snapshot
from shared.domain.opportunity import Opportunity, Reason
from shared.domain.policy import DetectionPolicy
from shared.domain.trade import Trade
from shared.domain.transfer import canonical_networks, transfer_refusal
from shared.domain.values import Values
from shared.errors import VenueError, VenueRateLimited
from shared.ports import VenueQuotes
from shared.records import Row, ScanKey, lifetime_row

SCANS_KEPT = 20
PATHS_KEPT = 400
MIDS_KEPT = 12


@dataclass(frozen=True, slots=True)
class Memory:
    """What was known before a scan, with the scan's own answers noted.

    `frozen` are the books that have stood still for too long, in ms. `venues` holds the last answers, newest
    last: latency in ms, or None for a failure. `mids` are the last mids of the funded instruments, `paths` what
    trading a path brought: [trades, decided, earned]. `living` are the opportunities under way.
    """

    frozen: Mapping[tuple[str, str], int] = field(default_factory=dict)
    venues: Mapping[str, Sequence[int | None]] = field(default_factory=dict)
    mids: Mapping[str, Sequence[float]] = field(default_factory=dict)
    paths: Mapping[str, Sequence[str]] = field(default_factory=dict)
    living: lifetimes.Living = field(default_factory=dict)


async def remember(
    desk: Desk, tops: Snapshot, answers: Mapping[str, VenueQuotes | VenueError], *, whole: bool
) -> Memory:
    """The memory with this scan's answers noted; what a scan of a part of the market saw is not kept."""
    packed, recent, paths, living = await asyncio.gather(
        *(_value(desk, key) for key in ("frozen", "recent", "paths", "living"))
    )
    seen, frozen = observe_books(unpack(packed), tops)
    venues = {**recent.get("venues", {})}
    for venue, answer in answers.items():
        if not isinstance(answer, VenueRateLimited):
            latency_ms = None if isinstance(answer, VenueError) else answer.latency_ms
            venues[venue] = [*venues.get(venue, [])[1 - SCANS_KEPT :], latency_ms]
    failing = recent.get("down", {})
    down = {
        venue: [failing[venue][0] if venue in failing else tops.time_ms, answer.message]
        for venue, answer in answers.items()
        if isinstance(answer, VenueError) and (venue in failing or not isinstance(answer, VenueRateLimited))
    }
    mids = {**recent.get("mids", {})}
    for venue, market in tops.venues.items():
        for symbol in filter(lambda symbol: desk.funding.assets.issuperset(symbol.split("/")), market.books):
            book = market.books[symbol]
            if book.bids and book.asks:
                name = f"{venue}:{symbol}"
                mids[name] = [*mids.get(name, [])[1 - MIDS_KEPT :], _mid(book.bids[0][0], book.asks[0][0])]
    if whole:
        await desk.state.replace(desk.room("memory"), "frozen", pack(seen))
        await desk.state.replace(
            desk.room("memory"), "recent", {"venues": venues, "mids": mids, "down": down}
        )
    return Memory(frozen, venues, mids, paths.get("paths", {}), lifetimes.from_dict(living))


async def note(
    desk: Desk, memory: Memory, time_ms: int, found: Sequence[Opportunity], *, whole: bool
) -> tuple[lifetimes.Lifetime, ...]:
    """Remember which opportunities live; those that ended with this scan."""
    if not whole:
        return ()
    living, ended = lifetimes.observe(memory.living, time_ms, found)
    await desk.state.replace(desk.room("memory"), "living", lifetimes.to_dict(living))
    return ended


def lifetime_rows(key: ScanKey, ended: Sequence[lifetimes.Lifetime]) -> list[Row]:
    """Rows of table lifetimes."""
    return [
        lifetime_row(
            key,
            path=life.path,
            kind=life.kind,
            first_seen_ms=life.first_seen_ms,
            last_seen_ms=life.last_seen_ms,
            scans_seen=life.scans,
            first_net_bps=life.first_net_bps,
            peak_net_bps=life.peak_net_bps,
            peak_ms=life.peak_ms,
            last_net_bps=life.last_net_bps,
            peak_profit_value=life.peak_profit_value,
        )
        for life in ended
    ]


def _mid(bid: str | None, ask: str | None) -> float:
    try:
        return (float(bid or 0) + float(ask or 0)) / 2
    except ValueError:
        return 0.0


async def _value(desk: Desk, key: str) -> dict[str, Any]:
    entry = await desk.state.get(desk.room("memory"), key)
    return entry.value if entry else {}


async def note_trades(desk: Desk, trades: Sequence[Trade]) -> None:
    """Remember of each path what its trades were decided to bring and what they brought."""
    paths = (await _value(desk, "paths")).get("paths", {})
    for trade in trades:
        if trade.fills:
            name = " ".join(trade.path)
            count, decided, earned = paths.pop(name, ["0", "0", "0"])
            paths[name] = [
                str(int(count) + 1),
                str(Decimal(decided) + trade.decision_profit),
                str(Decimal(earned) + trade.profit),
            ]
    kept = dict(list(paths.items())[-PATHS_KEPT:])
    await desk.state.replace(desk.room("memory"), "paths", {"paths": kept})


def values(
    snapshot: Snapshot, policy: DetectionPolicy, of: Iterable[Opportunity] | None = None
) -> dict[str, Decimal]:
    """USDT per unit of every asset that a gated book values: of these opportunities' assets, or of all listed."""
    known = Values(Books(snapshot, policy, {}))
    paths = (leg.symbol for found in of for leg in found.legs) if of is not None else None
    listed = (symbol for market in snapshot.venues.values() for symbol in market.books)
    assets = {asset for symbol in paths or listed for asset in symbol.split("/")}
    return {asset: value for asset in sorted(assets) if (value := known.of(asset))}


def surroundings(memory: Memory, snapshot: Snapshot, found: Opportunity) -> Surroundings:
    """What is known around an opportunity."""
    count, decided, earned = memory.paths.get(" ".join(found.path), ("0", "0", "0"))
    life = memory.living.get(" ".join(found.path))
    history = PathHistory(
        sightings=life.scans + 1 if life else 1,
        lifetime_ms=snapshot.time_ms - life.first_seen_ms if life else 0,
        trades=int(count),
        kept_share=Decimal(earned) / Decimal(decided) if Decimal(decided) > 0 else None,
    )
    return Surroundings(
        depth_used=tuple(
            _depth_used(snapshot, leg.venue, leg.symbol, leg.side, leg.amount) for leg in found.legs
        ),
        history=history,
        venues={venue: _health(memory.venues.get(venue, ())) for venue in {leg.venue for leg in found.legs}},
        assets=_assets(snapshot, found),
        volatility_bps=_volatility(memory, found),
    )


def _depth_used(snapshot: Snapshot, venue: str, symbol: str, side: Side, amount: Decimal) -> Decimal | None:
    book = snapshot.venues[venue].books[symbol].parse(venue, symbol)
    visible = [level.amount for level in (book.asks if side is Side.BUY else book.bids)]
    total = sum((each for each in visible if each is not None), Decimal(0))
    return amount / total if total else None


def _health(answers: Sequence[int | None]) -> VenueHealth:
    failures = sum(answer is None for answer in answers)
    latest = next((answer for answer in reversed(answers) if answer is not None), None)
    return VenueHealth(len(answers), failures, latest)


def _assets(snapshot: Snapshot, found: Opportunity) -> dict[str, AssetEvidence]:
    """For each asset that comes in on one venue and is paid on another: can it travel, is it the same."""
    evidence: dict[str, AssetEvidence] = {}
    for position, leg in enumerate(found.legs):
        before = found.legs[position - 1]
        base, quote = leg.symbol.split("/")
        asset = quote if leg.side is Side.BUY else base
        if before.venue == leg.venue:
            evidence.setdefault(asset, AssetEvidence("not_needed", "confirmed"))
            continue
        here = snapshot.venues[before.venue].currencies.get(asset)
        there = snapshot.venues[leg.venue].currencies.get(asset)
        refusal = transfer_refusal(asset, before.venue, leg.venue, here, there)
        state = "open" if refusal is None else "closed"
        if refusal is not None and refusal.reason is Reason.TRANSFER_UNKNOWN:
            state = "unknown"
        common = sorted(canonical_networks(here).keys() & canonical_networks(there).keys())
        evidence[asset] = AssetEvidence(state, _identity(asset, here, there), tuple(common))
    return evidence


def _identity(asset: str, here: Currency | None, there: Currency | None) -> str:
    if conflict(asset, here, there):
        return "conflicting"
    if here is None or there is None:
        return "unproven"
    theirs = canonical_networks(there)
    same_contract = any(
        network.contract and name in theirs and theirs[name].contract
        for name, network in canonical_networks(here).items()
    )
    same_id = here.asset_id is not None and here.asset_id == there.asset_id
    return "confirmed" if same_contract or same_id else "unproven"


def _volatility(memory: Memory, found: Opportunity) -> Decimal | None:
    """Standard deviation of the relative moves of the legs' mids between scans, in bps, of the liveliest leg."""
    deviations = []
    for leg in found.legs:
        mids = [mid for mid in memory.mids.get(f"{leg.venue}:{leg.symbol}", ()) if mid > 0]
        moves = [later / earlier - 1 for earlier, later in itertools.pairwise(mids)]
        if len(moves) > 1:
            deviations.append(pstdev(moves) * 10_000)
    return Decimal(repr(round(max(deviations), 1))) if deviations else None
