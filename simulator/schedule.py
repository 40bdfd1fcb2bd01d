"""When and where opportunities are planted: a timetable that is a function of (seed, clock)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from simulator.listings import Instrument, Status
from simulator.noise import key_of, mix, unit

GRID_MS = 200
"""Books that are ever dislocated change together on this grid, so both legs belong to one moment."""


class PlantedKind(StrEnum):
    """The shape of the loop."""

    TWO_LEG = "two_leg"
    TRIANGLE = "triangle"
    QUOTE_DIFFERENCE = "quote_difference"


class Role(StrEnum):
    """What a leg does for the edge: nothing, a fixed share, or all that is missing."""

    HONEST = "honest"
    FIXED = "fixed"
    RESIDUAL = "residual"


@dataclass(frozen=True, slots=True)
class PlannedLeg:
    """One conversion of a planted loop."""

    instrument: Instrument
    side: str
    role: Role


@dataclass(frozen=True, slots=True)
class Plan:
    """An opportunity in the timetable. Edges are basis points net of base-tier fees, times milliseconds."""

    id: str
    key: int
    kind: PlantedKind
    legs: tuple[PlannedLeg, ...]
    start_asset: str
    start_ms: int
    peak_ms: int
    end_ms: int
    peak_net_bps: float
    fixed_bps: float | None
    notional_usd: float

    def fixed_at(self, clock_ms: int) -> float:
        """How far the fixed leg stands from the fair price; without a figure of its own, half of the way."""
        if self.fixed_bps is not None:
            return self.fixed_bps
        return (self.net_bps(clock_ms) + sum(float(leg.instrument.taker_bps) for leg in self.legs)) / 2

    def net_bps(self, clock_ms: int) -> float:
        """The edge that is meant to be there at a moment: it rises, stays for a while and decays."""
        hold_ms = self.start_ms + (self.end_ms - self.start_ms) * 0.65
        if clock_ms < self.peak_ms:
            share = (clock_ms - self.start_ms + GRID_MS) / (self.peak_ms - self.start_ms + GRID_MS)
        elif clock_ms < hold_ms:
            share = 1.0
        else:
            share = (self.end_ms - clock_ms) / (self.end_ms - hold_ms)
        return self.peak_net_bps * share


@dataclass(frozen=True, slots=True)
class _Idea:
    kind: PlantedKind
    base: str
    quote: str
    venues: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Track:
    name: str
    slot_ms: int
    max_net_bps: float
    ideas: tuple[_Idea, ...]
    min_net_bps: float = 5.0
    min_usd: float = 120.0
    steady: bool = False
    """Never short: something worth taking is there in most of its time."""


_THREE = ("binance", "bybit", "gateio")


def _two_leg(bases: str, quote: str = "USDT", venues: tuple[str, ...] = _THREE) -> tuple[_Idea, ...]:
    return tuple(_Idea(PlantedKind.TWO_LEG, base, quote, venues) for base in bases.split())


def _triangle(base: str, quote: str, venue: str) -> _Idea:
    return _Idea(PlantedKind.TRIANGLE, base, quote, (venue,))


def _quote_difference(bases: str) -> tuple[_Idea, ...]:
    venues = ("binance", "bybit")
    return tuple(_Idea(PlantedKind.QUOTE_DIFFERENCE, base, "USDC", venues) for base in bases.split())


TRACKS = (
    # A triangle runs over BTC/USDT, so it never lives at the same time as a dislocation of BTC/USDT itself.
    _Track("btc", 97_000, 33, (
        *_two_leg("BTC"), *_two_leg("BTC", "USDC", ("binance", "bybit")), _triangle("LINK", "BTC", "binance"),
        _triangle("AVAX", "BTC", "gateio"), _triangle("INJ", "BTC", "binance"))),
    _Track("eth", 103_000, 33, (
        *_two_leg("ETH"), *_two_leg("ETH", "USDC", ("binance", "bybit")), _triangle("UNI", "ETH", "gateio"),
        _triangle("ATOM", "ETH", "binance"), _triangle("DOT", "ETH", "gateio"),
        _triangle("NEAR", "ETH", "binance"))),
    _Track("sol", 47_000, 55, _two_leg("SOL XRP"), min_net_bps=12.0, min_usd=2_000.0, steady=True),
    _Track("doge", 107_000, 55, _two_leg("DOGE LTC")),
    _Track("ada", 109_000, 55, _two_leg("ADA BCH")),
    _Track("trx", 113_000, 55, _two_leg("TRX XLM")),
    _Track("usdc", 99_000, 50, _quote_difference("SUI APT ARB OP")),
    _Track("kraken", 111_000, 45, (
        *_two_leg("ETC FIL AAVE", "USDT", ("binance", "kraken")),
        *_two_leg("ETC AAVE", "EUR", ("binance", "kraken")))),
    _Track("tail", 105_000, 55, _two_leg("WIF SEI TIA JUP RENDER")),
)  # fmt: skip

FAST_TICKERS = frozenset(idea.base for track in TRACKS for idea in track.ideas)

_ONE_SIDED_SHARE_BPS = 13.0
"""What the second venue moves when the first has dear fees: less than a loop through a third costs."""
_MOST_USD = 9_000.0
_SHORT_SHARE = 0.15
"""How many live for 5 to 20 seconds only."""
_CROSSED_SHARE_BPS = 12.0
"""What the dollar leg of a loop of three moves: a loop of two through that book alone stays a loss."""


class Timetable:
    """The planted opportunities of one seed: each track has one at a time, in instruments of its own."""

    def __init__(self, seed: int, listed: Mapping[tuple[str, str], Instrument]) -> None:
        self._seed = seed
        self._listed = listed
        self._plans: dict[tuple[str, int], Plan] = {}

    def live(self, clock_ms: int) -> list[Plan]:
        """What is planted at a moment."""
        plans = (self._plan(track, clock_ms // track.slot_ms) for track in TRACKS)
        return [plan for plan in plans if plan.start_ms <= clock_ms < plan.end_ms]

    def between(self, start_ms: int, end_ms: int) -> list[Plan]:
        """What lives for some of the time from start to end, earliest first."""
        plans = [
            self._plan(track, slot)
            for track in TRACKS
            for slot in range(start_ms // track.slot_ms, end_ms // track.slot_ms + 1)
        ]
        return sorted(
            (p for p in plans if p.start_ms < end_ms and p.end_ms > start_ms), key=lambda p: p.start_ms
        )

    def _plan(self, track: _Track, slot: int) -> Plan:
        known = self._plans.get((track.name, slot))
        if known is None:
            if len(self._plans) > 50 * len(TRACKS):
                self._plans.clear()
            known = self._plans[track.name, slot] = self._make(track, slot)
        return known

    def _make(self, track: _Track, slot: int) -> Plan:
        key = key_of(self._seed, f"planted {track.name} {slot}")
        idea = track.ideas[mix(key, 1) % len(track.ideas)]
        short = unit(key, 2) < _SHORT_SHARE and not track.steady
        life_ms = 5_000 + 15_000 * unit(key, 3) if short else 20_000 + 70_000 * unit(key, 3)
        life_ms = max(life_ms, track.slot_ms * 0.8) if track.steady else life_ms
        life_ms = int(min(life_ms, track.slot_ms - 4_000)) // GRID_MS * GRID_MS
        room_ms = track.slot_ms - life_ms - GRID_MS
        start_ms = (slot * track.slot_ms + int(room_ms * unit(key, 4))) // GRID_MS * GRID_MS + GRID_MS
        peak_net_bps = track.min_net_bps + (track.max_net_bps - track.min_net_bps) * unit(key, 5)
        legs, start_asset, fixed_bps = self._route(idea, key)
        return Plan(
            id=f"{track.name}-{slot}",
            key=key,
            kind=idea.kind,
            legs=legs,
            start_asset=start_asset,
            start_ms=start_ms,
            peak_ms=start_ms + life_ms * 15 // 100 // GRID_MS * GRID_MS,
            end_ms=start_ms + life_ms,
            peak_net_bps=peak_net_bps,
            fixed_bps=fixed_bps,
            notional_usd=track.min_usd * (_MOST_USD / track.min_usd) ** unit(key, 6),
        )

    def _route(self, idea: _Idea, key: int) -> tuple[tuple[PlannedLeg, ...], str, float | None]:
        base, quote = idea.base, idea.quote
        if idea.kind is PlantedKind.TWO_LEG:
            return self._two_leg(f"{base}/{quote}", idea.venues, key)
        start = mix(key, 8) % len(idea.venues)
        one, other = idea.venues[start], idea.venues[start - 1]
        hub = f"{quote}/USDT"
        hub_fixed = (hub, Role.HONEST)
        in_dollars, crossed = (f"{base}/USDT", Role.FIXED), (f"{base}/{quote}", Role.RESIDUAL)
        if mix(key, 9) % 2:
            route = ((one, "buy", *in_dollars), (other, "sell", *crossed), (other, "sell", *hub_fixed))
        else:
            route = ((other, "buy", *hub_fixed), (other, "buy", *crossed), (one, "sell", *in_dollars))
        legs = tuple(
            PlannedLeg(self._listed[venue, symbol], side, role) for venue, side, symbol, role in route
        )
        return legs, "USDT", _CROSSED_SHARE_BPS

    def _two_leg(
        self, symbol: str, venues: Sequence[str], key: int
    ) -> tuple[tuple[PlannedLeg, ...], str, float | None]:
        listing = [self._listed[venue, symbol] for venue in venues if (venue, symbol) in self._listed]
        usable = [instrument for instrument in listing if instrument.quirk.status is Status.TRADING]
        bought = usable.pop(mix(key, 10) % len(usable))
        sold = usable[mix(key, 11) % len(usable)]
        dear = [i for i in (bought, sold) if i.venue == "kraken"]
        fixed = next((i for i in (bought, sold) if i not in dear), bought)
        legs = (
            PlannedLeg(bought, "buy", Role.FIXED if bought is fixed else Role.RESIDUAL),
            PlannedLeg(sold, "sell", Role.FIXED if sold is fixed else Role.RESIDUAL),
        )
        return legs, symbol.split("/")[1], _ONE_SIDED_SHARE_BPS if dear else None
