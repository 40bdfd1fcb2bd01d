"""The desk: everything a step works with, and the one entry of state that must change together.

Balances, risk usage, the kill switch and the list of booked executions are one entry, replaced under its tag.
So two executions at once never spend the same unit, a scan is never booked twice, and a kill switch tripped in
between makes the commit fail.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from shared.domain.alarms import AlarmLimits
from shared.domain.gates import Books
from shared.domain.kill_switch import KillSwitch
from shared.domain.latency import Latencies
from shared.domain.market import FeeAsset, Instrument, Snapshot
from shared.domain.policy import DetectionPolicy
from shared.domain.portfolio import Portfolio
from shared.domain.portfolio import fund as fund_portfolio
from shared.domain.risk import RiskPolicy, RiskUsage
from shared.domain.values import Values
from shared.errors import Conflict, VenueError
from shared.ports import (
    Analyst,
    Clock,
    Lake,
    MarketData,
    Metrics,
    Notifier,
    State,
    VenueReference,
    Warehouse,
)

BOOKED_EXECUTIONS_KEPT = 500


@dataclass(frozen=True, slots=True)
class Funding:
    """What each venue is given before its first trade, in USDT of value an asset."""

    assets: frozenset[str]
    quote_value: Decimal
    base_value: Decimal


@dataclass(frozen=True, slots=True)
class Reference:
    """Instruments and currencies of the venues, the blob that holds them, and which venues gave none."""

    venues: Mapping[str, VenueReference]
    blob: str
    missing: Mapping[str, VenueError] = field(default_factory=dict)


@dataclass(slots=True)
class Cache:
    """What this process read already; losing it costs a read, nothing else."""

    reference: Reference | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """Ports, policies and the bounds of a scan. `venue_fees` are (taker_bps, fee_asset) where no better is known."""

    market: str
    venues: tuple[str, ...]
    venue_fees: Mapping[str, tuple[Decimal, FeeAsset]]
    detection: DetectionPolicy
    risk: RiskPolicy
    latencies: Latencies
    funding: Funding
    max_books: int
    model_top: int
    halted: bool
    clock: Clock
    market_data: MarketData
    analyst: Analyst
    rules: Analyst
    lake: Lake
    state: State
    warehouse: Warehouse
    metrics: Metrics
    notifier: Notifier | None
    alarm_limits: AlarmLimits
    nonce: Callable[[], str]
    scan_every_ms: Callable[[], int]
    compact: Callable[[int], Awaitable[object]]
    cache: Cache = field(default_factory=Cache)

    def room(self, name: str) -> str:
        """A partition of the state; markets never share one."""
        return f"{self.market}-{name}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the desk holds and has done; `executed` maps scan ids to the blobs of their executions."""

    portfolio: Portfolio
    usage: RiskUsage
    kill_switch: KillSwitch
    executed: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = None


async def read_standing(desk: Desk) -> Standing | None:
    """The desk's entry, or None before it was funded."""
    entry = await desk.state.get(desk.room("desk"), "standing")
    if entry is None:
        return None
    return Standing(
        Portfolio.from_dict(entry.value["portfolio"]),
        RiskUsage.from_dict(entry.value["usage"]),
        KillSwitch.from_dict(entry.value["kill_switch"]),
        entry.value["executed"],
        entry.etag,
    )


async def commit(desk: Desk, standing: Standing) -> None:
    """Replace the entry that was read.

    Raises:
        Conflict: it changed since; read it again and decide anew.
    """
    newest = dict(list(standing.executed.items())[-BOOKED_EXECUTIONS_KEPT:])
    await desk.state.put(
        desk.room("desk"),
        "standing",
        {
            "portfolio": standing.portfolio.to_dict(),
            "usage": standing.usage.to_dict(),
            "kill_switch": standing.kill_switch.to_dict(),
            "executed": newest,
        },
        standing.etag,
    )


async def fund(desk: Desk, snapshot: Snapshot) -> Standing:
    """Give each venue its first balances: of the funded assets that it lists, at this snapshot's values.

    If another instance did it first, what that one gave.
    """
    values = Values(Books(snapshot, desk.detection, {}))
    listed = [
        Instrument(venue, symbol, symbol.partition("/")[0], symbol.partition("/")[2])
        for venue, market in snapshot.venues.items()
        for symbol in market.books
        if desk.funding.assets.issuperset(symbol.split("/"))
    ]
    worth = {asset: value for asset in desk.funding.assets if (value := values.of(asset))}
    portfolio = fund_portfolio(
        listed, worth, base_value=desk.funding.base_value, quote_value=desk.funding.quote_value
    )
    standing = Standing(portfolio, RiskUsage(), KillSwitch())
    if not listed:
        return standing
    with contextlib.suppress(Conflict):
        await commit(desk, standing)
    return await read_standing(desk) or standing
