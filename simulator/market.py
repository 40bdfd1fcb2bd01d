"""The simulated market: every book of four venues as a pure function of (seed, clock)."""

from collections.abc import Mapping
from decimal import Decimal
from math import exp, log, log1p

from simulator.assets import WATCH_LIST, Asset, all_assets
from simulator.books import MAX_LEVELS, Book, Dislocation, Top, behind, dislocated_top, ladder
from simulator.fair import FairValues
from simulator.listings import FEE_IN_QUOTE, VENUES, Instrument, Status, build_listings
from simulator.networks import NetworkState, networks_of
from simulator.noise import Waves, curve, key_of, mix, unit, waves
from simulator.planted import PathLeg, Planted, top_net_bps, walk
from simulator.schedule import FAST_TICKERS, GRID_MS, Plan, PlannedLeg, Role, Timetable
from simulator.traps import PAR_TRAPS, QUIRKS, TRAPS, Trap, TrapKind

_NOISE_SHAPE = ((0.45, 23), (0.35, 160))
_AMOUNTS_LAST = 8
"""Amounts are drawn anew every so many changes of the book, prices with each."""
_LEVEL_GAP_BPS = 0.8
_PLANTED_GAP_BPS = 0.3
_THIN_USD = 2.0
_REMEMBERED_MOMENTS = 16
_LEVELS_WALKED = 40
"""No planted loop earns deeper than this."""
_FREEZING = tuple(trap.symbol.split("/")[0] for trap in TRAPS if trap.kind is TrapKind.FROZEN_BOOK)


class World:
    """One seeded market. Clocks are milliseconds since 1970 UTC; nothing here remembers an earlier moment.

    Attributes:
        seed: which market.
        instruments: all listings of all venues.
        watch_list: tickers that a trader would hold everywhere.
    """

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self.watch_list = WATCH_LIST
        self.instruments = build_listings(QUIRKS, FAST_TICKERS | frozenset(_FREEZING))
        self.listed: Mapping[tuple[str, str], Instrument] = {i.key: i for i in self.instruments}
        self.by_venue = {venue: [i for i in self.instruments if i.venue == venue] for venue in VENUES}
        self.assets = self._assets_by_venue()
        self.fair = FairValues(seed, _FREEZING)
        self.timetable = Timetable(seed, self.listed)
        self._constants = [self._constants_of(i) for i in self.instruments]
        self._dislocated: dict[int, dict[int, Dislocation]] = {}

    def _constants_of(self, instrument: Instrument) -> tuple[int, Waves, float, float, int]:
        """What never changes of a book: key, noise, ticks a unit, usual steps a level, life of an amount."""
        key = key_of(self.seed, f"{instrument.venue} {instrument.symbol}")
        noise = waves(key, tuple((instrument.noise_bps * share, period) for share, period in _NOISE_SHAPE))
        amount = instrument.depth_usd / self.fair.base_usd(instrument.asset)
        scale, usual = 10.0**instrument.price_decimals, amount * 10.0**instrument.amount_decimals
        return key, noise, scale, usual, instrument.interval_ms * _AMOUNTS_LAST

    def _assets_by_venue(self) -> dict[tuple[str, str], Asset]:
        by_name = {asset.name: asset for asset in all_assets()}
        found: dict[tuple[str, str], Asset] = {}
        for i in self.instruments:
            if i.quirk.status is not Status.DELISTED:
                found[i.venue, i.base] = by_name[i.asset]
                found.setdefault((i.venue, i.quote), by_name[i.quote])
        return found

    def shared_symbols(self) -> set[str]:
        """Symbols that two or more venues list."""
        seen: set[str] = set()
        shared: set[str] = set()
        for venue, symbol in self.listed:
            if self.listed[venue, symbol].quirk.status is not Status.DELISTED:
                (shared if symbol in seen else seen).add(symbol)
        return shared

    def networks(self, venue: str, ticker: str) -> tuple[NetworkState, ...]:
        """The networks by which a venue moves an asset, open or not."""
        return networks_of(venue, self.assets[venue, ticker])

    def moment(self, instrument: Instrument, clock_ms: int) -> int:
        """When the instrument's book last changed, in milliseconds."""
        moment_ms = clock_ms - clock_ms % instrument.interval_ms
        if instrument.quirk.freezes:
            window = self.fair.freezes[instrument.base].at(moment_ms)
            if window:
                return window[0] - window[0] % instrument.interval_ms
        return moment_ms

    def fair_price(self, instrument: Instrument, moment_ms: int) -> float:
        """The price without noise, spread or bias, in the quote asset."""
        usd = self.fair.usd
        return usd(instrument.asset, moment_ms) / usd(instrument.quote, moment_ms)

    def top(self, instrument: Instrument, clock_ms: int) -> Top:
        """The best bid and ask."""
        moment_ms = self.moment(instrument, clock_ms)
        honest = self._honest_top(instrument, moment_ms)
        by = self._dislocation(instrument, moment_ms)
        top = dislocated_top(honest, by) if by else honest
        status = instrument.quirk.status
        if status is Status.TRADING:
            return top
        if status is Status.DELISTED:
            return Top(0, 0, 0, 0)
        if status is Status.NO_ASKS:
            return top._replace(ask=0, ask_amount=0)
        return top._replace(bid=0, bid_amount=0) if status is Status.NO_BIDS else top

    def book(self, instrument: Instrument, clock_ms: int, levels: int = MAX_LEVELS) -> Book:
        """The order book, with at most so many levels a side."""
        moment_ms = self.moment(instrument, clock_ms)
        top = self.top(instrument, clock_ms)
        by = self._dislocation(instrument, moment_ms)
        honest = self._honest_top(instrument, moment_ms)
        key, _, _, usual, slow_ms = self._constants[instrument.index]
        gap = max(0.0, _LEVEL_GAP_BPS * (1 + instrument.half_spread_bps) * 1e-4 * honest.ask - 1)
        sides: list[list[tuple[int, int]]] = []
        for away, best, best_amount in ((-1, top.bid, top.bid_amount), (1, top.ask, top.ask_amount)):
            side = "ask" if away > 0 else "bid"
            count = min(levels, MAX_LEVELS)
            start = (best, best_amount)
            if by and by.side == side:
                start = (honest.ask, honest.ask_amount) if away > 0 else (honest.bid, honest.bid_amount)
            found = (
                ladder(key + away, moment_ms // slow_ms, away, start, gap=gap, amount=usual, levels=count)
                if best
                else []
            )
            sides.append(behind(by.levels(), found, away)[:count] if by and by.side == side else found)
        return Book(sides[0], sides[1], moment_ms, 1_000_000 + moment_ms // 20)

    def planted(self, clock_ms: int) -> list[Planted]:
        """The opportunities that are live at a moment, as they stand in the served books."""
        moment_ms = clock_ms - clock_ms % GRID_MS
        return [self._as_served(plan, moment_ms) for plan in self.timetable.live(moment_ms)]

    def planted_between(self, start_ms: int, end_ms: int) -> list[Planted]:
        """Every opportunity that lives for some of that time, each as it stands at its peak."""
        return [self._as_served(plan, plan.peak_ms) for plan in self.timetable.between(start_ms, end_ms)]

    def traps(self, clock_ms: int) -> list[Trap]:
        """The traps that are open at a moment, with the edge that each pretends to have."""
        found = []
        for spec in TRAPS:
            instrument = self.listed[spec.venue, spec.symbol]
            window = self.fair.freezes[instrument.base].at(clock_ms) if spec.quirk.freezes else (None, None)
            if window is None:
                continue
            naive = self._naive_net_bps(instrument, spec.symbol, clock_ms)
            found.append(Trap(spec.kind, *instrument.key, spec.reasons, spec.detail, naive, *window))
        for venue, symbol, twin, detail in PAR_TRAPS:
            instrument = self.listed[venue, symbol]
            slip = self.fair.usdc_slip.at(clock_ms) if instrument.quote == "USDC" else (None, None)
            if slip is not None:
                naive = self._naive_net_bps(instrument, twin, clock_ms)
                kind = TrapKind.MISPRICED_QUOTE
                found.append(Trap(kind, venue, symbol, ("NET_EDGE_TOO_SMALL",), detail, naive, *slip))
        return found

    def marked_books(self, clock_ms: int) -> frozenset[tuple[str, str]]:
        """Venue and symbol of every book that a live opportunity or trap has bent: all others are honest."""
        moment_ms = clock_ms - clock_ms % GRID_MS
        bent = {
            leg.instrument.key
            for plan in self.timetable.live(moment_ms)
            for leg in plan.legs
            if leg.role is not Role.HONEST
        }
        return frozenset(bent | {(trap.venue, trap.symbol) for trap in TRAPS})

    def _as_served(self, plan: Plan, moment_ms: int) -> Planted:
        legs = [(leg.instrument, leg.side) for leg in plan.legs]
        notional, profit = walk([(i, side, self.book(i, moment_ms, _LEVELS_WALKED)) for i, side in legs])
        return Planted(
            id=plan.id,
            kind=plan.kind,
            path=tuple(PathLeg(*instrument.key, side) for instrument, side in legs),
            start_asset=plan.start_asset,
            start_ms=plan.start_ms,
            peak_ms=plan.peak_ms,
            end_ms=plan.end_ms,
            peak_net_bps=plan.peak_net_bps,
            planned_net_bps=plan.net_bps(moment_ms),
            net_bps=top_net_bps([(i, side, self.top(i, moment_ms)) for i, side in legs]) or Decimal(0),
            notional=notional,
            profit=profit,
            watched=all(leg.instrument.base in (*WATCH_LIST, "USDC") for leg in plan.legs),
        )

    def _naive_net_bps(self, instrument: Instrument, against: str, clock_ms: int) -> Decimal | None:
        """The best net edge of trading a book against that symbol's books, taking quotes at par."""
        top = self.top(instrument, clock_ms)
        edges = []
        for venue in VENUES:
            other = self.listed.get((venue, against))
            if other is None or other is instrument:
                continue
            at = self.top(other, clock_ms)
            edges.append(top_net_bps([(instrument, "buy", top), (other, "sell", at)]))
            edges.append(top_net_bps([(other, "buy", at), (instrument, "sell", top)]))
        return max((edge for edge in edges if edge is not None), default=None)

    def _honest_top(self, instrument: Instrument, moment_ms: int) -> Top:
        key, noise, scale, usual, slow_ms = self._constants[instrument.index]
        quick = mix(key, moment_ms)
        slow = mix(key, moment_ms // slow_ms, 1)
        away_bps = curve(noise, moment_ms) + instrument.noise_bps * ((quick & 0xFFF) / 10_240 - 0.2)
        usd = self.fair.usd
        fair = usd(instrument.asset, moment_ms) / usd(instrument.quote, moment_ms)
        middle = fair * scale * exp((away_bps + instrument.quirk.bias_bps) * 1e-4)
        half = middle * instrument.half_spread_bps * (0.8 + (quick >> 16 & 0xFFF) / 10_240) * 1e-4
        bid = int(middle - half) or 1
        ask = int(middle + half) + 1
        bid_amount = int(usual * (0.4 + (slow & 0xFFFF) / 54_613)) or 1
        return Top(bid, bid_amount, ask, int(usual * (0.4 + (slow >> 16 & 0xFFFF) / 54_613)) or 1)

    def _dislocation(self, instrument: Instrument, moment_ms: int) -> Dislocation | None:
        if instrument.interval_ms != GRID_MS:
            return None
        if instrument.quirk.thin_side:
            return self._thin_top(instrument, moment_ms)
        at = self._dislocated.get(moment_ms)
        if at is None:
            if len(self._dislocated) >= _REMEMBERED_MOMENTS:
                del self._dislocated[next(iter(self._dislocated))]
            at = {}
            for plan in self.timetable.live(moment_ms):
                at.update(self._dislocate(plan, moment_ms))
            self._dislocated[moment_ms] = at
        return at.get(instrument.index)

    def _thin_top(self, instrument: Instrument, moment_ms: int) -> Dislocation:
        side = instrument.quirk.thin_side or "bid"
        away = instrument.quirk.thin_bps if side == "bid" else -instrument.quirk.thin_bps
        price = self.fair_price(instrument, moment_ms) * exp(away * 1e-4) * 10**instrument.price_decimals
        steps = _THIN_USD / self.fair.usd(instrument.asset, moment_ms) * 10**instrument.amount_decimals
        return Dislocation(side, round(price), 1, (max(1, int(steps)),))

    def _dislocate(self, plan: Plan, moment_ms: int) -> dict[int, Dislocation]:
        """Prices for the legs of a plan whose net rates multiply to one plus its edge."""
        missing = log1p(plan.net_bps(moment_ms) * 1e-4)
        found: dict[int, Dislocation] = {}
        for leg in sorted(plan.legs, key=lambda leg: leg.role is Role.RESIDUAL):
            bought = leg.side == "buy"
            scale = 10**leg.instrument.price_decimals
            if leg.role is Role.HONEST:
                top = self._honest_top(leg.instrument, moment_ms)
                ticks = top.ask if bought else top.bid
            elif leg.role is Role.FIXED:
                away = plan.fixed_at(moment_ms) * (-1e-4 if bought else 1e-4)
                ticks = round(self.fair_price(leg.instrument, moment_ms) * exp(away) * scale)
            else:
                rate = missing - _log_fee(leg)
                ticks = round(exp(-rate if bought else rate) * scale)
            price = ticks / scale
            missing -= (-log(price) if bought else log(price)) + _log_fee(leg)
            if leg.role is not Role.HONEST:
                found[leg.instrument.index] = self._planted_orders(plan, leg, ticks)
        return found

    def _planted_orders(self, plan: Plan, leg: PlannedLeg, ticks: int) -> Dislocation:
        key = mix(plan.key, leg.instrument.index)
        count = 3 + key % 3
        weights = [0.5 + unit(key, n) for n in range(count)]
        usd = plan.notional_usd * (1.0 + 0.4 * unit(key, 9))
        units = usd / self.fair.usd(leg.instrument.asset, plan.start_ms) * 10**leg.instrument.amount_decimals
        amounts = tuple(max(1, int(units * weight / sum(weights))) for weight in weights)
        gap = max(1, round(_PLANTED_GAP_BPS * 1e-4 * ticks))
        return Dislocation("ask" if leg.side == "buy" else "bid", ticks, gap, amounts)


def _log_fee(leg: PlannedLeg) -> float:
    fee = float(leg.instrument.taker_bps) * 1e-4
    paid_on_top = leg.side == "buy" and leg.instrument.venue in FEE_IN_QUOTE
    return -log1p(fee) if paid_on_top else log1p(-fee)
