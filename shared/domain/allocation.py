"""Loops that share books and balances use them only once: who gets what, sized so that all is attainable."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared.domain.claims import Claim, Placed, Pool, pays, place
from shared.domain.ladder import Order
from shared.domain.sharing import Sharing
from shared.domain.sizing import Size, Unsizable

Accept = Callable[[int, Size], bool]
"""Whether a claim, by its number, is an opportunity at a size."""


class _Places:
    """Claims sized on what is left, where something acceptable comes of it; no question is worked out twice."""

    def __init__(self, claims: Sequence[Claim], accept: Accept) -> None:
        self._claims = claims
        self._accept = accept
        self._known: dict[tuple[int, tuple[Order, ...]], Placed | None] = {}

    def take(self, index: int, left: Pool) -> Placed | None:
        """The claim's place, used up of what is left; None if there is none."""
        orders = left.orders(self._claims[index])
        key = index, orders
        if key not in self._known:
            found = place(orders, self._claims[index].least) if pays(orders) else Unsizable.BELOW_MINIMUM
            good = isinstance(found, Placed) and self._accept(index, found.size)
            self._known[key] = found if good and isinstance(found, Placed) else None
        placed = self._known[key]
        if placed:
            left.take(self._claims[index], placed.size.amounts)
        return placed


def allocate(claims: Sequence[Claim], pool: Pool, accept: Accept) -> tuple[dict[int, Placed], Pool]:
    """Sizes of the claims that get something acceptable, together attainable, and what is left.

    Each is sized on the share that it was given out and what nobody was given, the largest first. Claims whose
    shares allow nothing acceptable are dropped, the worse half of them at a time, and the rest share again; at
    the end they may still use what is left.
    """
    sharing = Sharing(claims, pool)
    sharing.climb()
    active = list(range(len(claims)))
    places = _Places(claims, accept)
    while True:
        shares = sharing.out(active)
        left = pool.minus(share.pool for share in shares.values())
        found: dict[int, Placed | None] = {}
        for index in sorted(shares, key=lambda index: (-shares[index].profit, index)):
            left = left.plus(shares[index].pool)
            found[index] = places.take(index, left)
        failed = [index for index, placed in found.items() if placed is None]
        if not failed:
            break
        dropped = set(failed[len(failed) // 2 :])
        active = [index for index in active if index not in dropped]
    for index in range(len(claims)):
        if index not in found:
            found[index] = places.take(index, left)
    return {index: placed for index, placed in found.items() if placed}, left
