"""Figures of the last day for tickers: constant within an hour, because nobody trades on them."""

from typing import NamedTuple

from simulator.listings import Instrument
from simulator.market import World
from simulator.noise import key_of, unit

_HOUR_MS = 3_600_000
_SAMPLES = 8
_TURNOVER_OF_DEPTH = 4_000.0


class DayStats(NamedTuple):
    """Prices in the quote asset; volume in the base asset, turnover in the quote asset."""

    opened: float
    high: float
    low: float
    average: float
    volume: float
    turnover: float
    trades: int


class DayStatsTable:
    """The last day's figures of each instrument, worked out once an hour."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._hour = -1
        self._known: dict[int, DayStats] = {}

    def of(self, instrument: Instrument, clock_ms: int) -> DayStats:
        """The figures of the 24 hours before the last full hour."""
        hour = clock_ms // _HOUR_MS
        if hour != self._hour:
            self._hour, self._known = hour, {}
        known = self._known.get(instrument.index)
        if known is None:
            known = self._known[instrument.index] = self._compute(instrument, hour)
        return known

    def _compute(self, instrument: Instrument, hour: int) -> DayStats:
        moments = [(hour - 24 * n // _SAMPLES) * _HOUR_MS for n in range(_SAMPLES + 1)]
        prices = [self._world.fair_price(instrument, moment) for moment in moments]
        share = 0.5 + unit(key_of(self._world.seed, instrument.wire_id), hour)
        turnover = instrument.depth_usd * _TURNOVER_OF_DEPTH * share
        turnover /= self._world.fair.usd(instrument.quote, moments[0])
        average = sum(prices) / len(prices)
        return DayStats(
            prices[-1],
            max(prices) * 1.01,
            min(prices) * 0.99,
            average,
            turnover / average,
            turnover,
            int(turnover / 90),
        )
