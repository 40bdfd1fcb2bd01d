"""What each asset is worth in dollars at a moment: smooth, seeded, and computed without history."""

from math import exp, pi, sin

from simulator.assets import Asset, Tier, all_assets
from simulator.noise import Waves, curve, key_of, mix, waves

_MARKET = ((1.2, 55), (5, 290), (20, 2_400), (110, 21_600), (400, 430_000))
"""What all crypto assets do together: (amplitude in basis points, period in seconds)."""
_OWN = ((1.0, 47), (4, 310), (14, 2_100), (80, 18_000), (300, 390_000))
_CASH = ((0.4, 170), (1.0, 900), (2.0, 7_200))
_REMEMBERED_MOMENTS = 32

FREEZE_MS = 360_000
_FREEZE_BUMP_BPS = 80.0
USDC_SLIP_MS = 600_000
_USDC_SLIP_BPS = -45.0


class RecurringWindow:
    """A window that opens once a period, at a place within it that depends on the seed."""

    def __init__(self, key: int, period_ms: int, length_ms: int) -> None:
        self._period_ms = period_ms
        self._length_ms = length_ms
        self._offset_ms = mix(key, 7) % period_ms // 1000 * 1000

    def at(self, clock_ms: int) -> tuple[int, int] | None:
        """Start and end of the window that is open now, in milliseconds, or None."""
        into_ms = (clock_ms - self._offset_ms) % self._period_ms
        start_ms = clock_ms - into_ms
        return (start_ms, start_ms + self._length_ms) if into_ms < self._length_ms else None

    def progress(self, clock_ms: int) -> float | None:
        """How far the open window has gone, 0 to 1, or None when it is shut."""
        window = self.at(clock_ms)
        return (clock_ms - window[0]) / self._length_ms if window else None


class FairValues:
    """Dollar values of all assets as a function of (seed, clock).

    Two windows bend values on purpose. While a book is frozen its asset swings away by 80 basis points and
    comes back, later than 90 s into the freeze by enough to pay fees. While USDC slips it loses up to 45.
    """

    def __init__(self, seed: int, freezing: tuple[str, ...]) -> None:
        self._assets: dict[str, Asset] = {asset.name: asset for asset in all_assets()}
        self._market = waves(key_of(seed, "the market"), _MARKET)
        self._own: dict[str, tuple[float, Waves]] = {}
        for asset in self._assets.values():
            key = key_of(seed, f"value of {asset.name}")
            cash = asset.tier is Tier.CASH
            beta = 0.0 if cash or asset.network == "FUND" else 0.7 + (mix(key) % 1000) / 2000
            self._own[asset.name] = (beta, waves(key, _CASH if cash else _OWN))
        self.freezes = {
            ticker: RecurringWindow(key_of(seed, f"freeze of {ticker}"), (20 + 6 * n) * 60_000, FREEZE_MS)
            for n, ticker in enumerate(freezing)
        }
        self.usdc_slip = RecurringWindow(key_of(seed, "slip of USDC"), 30 * 60_000, USDC_SLIP_MS)
        self._moments: dict[int, dict[str, float]] = {}

    def base_usd(self, asset: str) -> float:
        """About what an asset costs at any time, for sizes that shall not move with prices."""
        return self._assets[asset].usd

    def usd(self, asset: str, clock_ms: int) -> float:
        """Dollars for one unit of an asset."""
        values = self._moments.get(clock_ms)
        if values is None:
            if len(self._moments) >= _REMEMBERED_MOMENTS:
                del self._moments[next(iter(self._moments))]
            values = self._moments[clock_ms] = {"": curve(self._market, clock_ms)}
        value = values.get(asset)
        if value is None:
            value = values[asset] = self._compute(asset, clock_ms, values[""])
        return value

    def _compute(self, asset: str, clock_ms: int, market_bps: float) -> float:
        beta, own = self._own[asset]
        base = self._assets[asset].usd
        if asset == "USD":
            return base
        moved_bps = beta * market_bps + curve(own, clock_ms)
        freeze = self.freezes.get(asset)
        if freeze is not None:
            progress = freeze.progress(clock_ms)
            if progress is not None:
                moved_bps += _FREEZE_BUMP_BPS * sin(pi * progress) ** 4
        elif asset == "USDC":
            progress = self.usdc_slip.progress(clock_ms)
            if progress is not None:
                moved_bps += _USDC_SLIP_BPS * sin(pi * progress) ** 2
        return base * exp(moved_bps * 1e-4)
