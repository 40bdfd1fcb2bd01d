"""What an asset is worth in USDT: the median of gated mids against USDT, else through BTC."""

from __future__ import annotations

from decimal import Decimal

from shared.domain.exact import EXACT, ONE, RATIO
from shared.domain.gates import Books

REFERENCE = "USDT"
BRIDGE = "BTC"
TWO = Decimal(2)
MOST_APART = Decimal("1.16")
"""Two prices of one asset further apart than this do not tell which of them is right."""


class Values:
    """Values of assets in USDT per unit, worked out when they are first asked for."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._known: dict[str, Decimal | None] = {REFERENCE: ONE}

    def of(self, asset: str) -> Decimal | None:
        """The value, or None if no gated book leads to one."""
        if asset not in self._known:
            self._known[asset] = self._middle(asset, REFERENCE) or self._through_bridge(asset)
        return self._known[asset]

    def _through_bridge(self, asset: str) -> Decimal | None:
        if asset == BRIDGE:
            return None
        middle, bridge = self._middle(asset, BRIDGE), self.of(BRIDGE)
        return None if middle is None or bridge is None else EXACT.multiply(middle, bridge)

    def _middle(self, asset: str, other: str) -> Decimal | None:
        """Median over the venues of the asset's mid in the other, whichever of the two the book is quoted in."""
        middles = []
        for venue in self._books.snapshot.venues:
            direct, inverse = (
                self._books.get(venue, symbol) for symbol in (f"{asset}/{other}", f"{other}/{asset}")
            )
            if direct and direct.refusal is None and direct.middle:
                middles.append(direct.middle)
            if inverse and inverse.refusal is None and inverse.middle:
                middles.append(RATIO.divide(ONE, inverse.middle))
        return _agreed(sorted(middles))


def _agreed(middles: list[Decimal]) -> Decimal | None:
    """The median; None if there are only two and they are too far apart for either to be believed."""
    if not middles or (len(middles) == 2 and middles[1] > EXACT.multiply(middles[0], MOST_APART)):  # noqa: PLR2004 - two, as said above
        return None
    half = len(middles) // 2
    return EXACT.divide(EXACT.add(middles[half], middles[-1 - half]), TWO)
