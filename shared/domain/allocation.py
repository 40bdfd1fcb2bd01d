"""Loops that share books and balances use them only once: who gets what, sized so that all is attainable."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared.domain.claims import Claim, Placed, Pool, place
from shared.domain.sharing import best_weights, share_out
from shared.domain.sizing import Size, Unsizable


def allocate(
    claims: Sequence[Claim], pool: Pool, accept: Callable[[int, Size], bool]
) -> tuple[dict[int, Placed], Pool]:
    """Sizes of the claims that get something acceptable, together attainable, and what is left.

    Each is sized on the share that it was given out and what nobody was given, the largest first. Claims whose
    shares allow nothing acceptable are dropped, the worse half of them at a time, and the rest share again; at
    the end they may still use what is left.
    """
    weights = best_weights(claims, pool)
    active = list(range(len(claims)))
    while True:
        shares = share_out([claims[index] for index in active], pool, [weights[index] for index in active])
        ranked = sorted(
            (share for share in zip(active, shares, strict=True) if share[1].profit > 0),
            key=lambda share: (-share[1].profit, share[0]),
        )
        left = pool.minus(share.pool for _, share in ranked)
        placed: dict[int, Placed] = {}
        failed = []
        for index, share in ranked:
            left = left.plus(share.pool)
            if not _place_on(left, claims, index, accept, placed):
                failed.append(index)
        if not failed:
            break
        dropped = set(failed[len(failed) // 2 :])
        active = [index for index in active if index not in dropped]
    for index in range(len(claims)):
        if index not in placed:
            _place_on(left, claims, index, accept, placed)
    return placed, left


def _place_on(
    left: Pool,
    claims: Sequence[Claim],
    index: int,
    accept: Callable[[int, Size], bool],
    placed: dict[int, Placed],
) -> bool:
    """Place a claim on what is left and use that up; False if nothing acceptable came of it."""
    found = place(claims[index], left)
    if isinstance(found, Unsizable) or not accept(index, found.size):
        return False
    placed[index] = found
    left.take(claims[index], found.size.amounts)
    return True
