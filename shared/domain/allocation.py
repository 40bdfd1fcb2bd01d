"""Loops that share books and balances use them only once: who gets which level and what part of a balance."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import NamedTuple

from shared.domain.exact import EXACT, ONE, RATIO, ZERO
from shared.domain.fees import order_flows
from shared.domain.ladder import Order
from shared.domain.market import Side
from shared.domain.sizing import Size, Unsizable, size

Book = tuple[str, str, Side]
"""Venue, symbol and side of the orders that meet these levels."""
Account = tuple[str, str]
"""Venue and asset of a balance."""

GRAIN = Decimal("1e-18")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a loop would use: its orders without budgets, the book each meets, the account each spends from.

    The account is None where a leg spends what the one before it brought, or balances are unlimited.
    `capital` is the most of the start asset it may spend, `value` what a unit of that is worth.
    """

    orders: tuple[Order, ...]
    books: tuple[Book, ...]
    accounts: tuple[Account | None, ...]
    capital: Decimal | None
    value: Decimal

    @property
    def resources(self) -> set[Book | Account]:
        """Everything it may have to share."""
        return {*self.books, *(account for account in self.accounts if account)}


@dataclass(slots=True)
class Pool:
    """Amounts left on each level of each book, and left of each balance."""

    levels: dict[Book, list[Decimal]] = field(default_factory=dict)
    balances: dict[Account, Decimal] = field(default_factory=dict)

    def orders(self, claim: Claim) -> tuple[Order, ...]:
        """The claim's orders on what is left."""
        orders = []
        for leg, (order, book, account) in enumerate(
            zip(claim.orders, claim.books, claim.accounts, strict=True)
        ):
            budgets = [
                limit
                for limit in (
                    self.balances[account] if account else None,
                    claim.capital if leg == 0 else None,
                )
                if limit is not None
            ]
            levels = tuple(
                (price, left)
                for (price, _), left in zip(order.levels, self.levels[book], strict=True)
                if left > 0
            )
            orders.append(replace(order, levels=levels, budget=min(budgets, default=None)))
        return tuple(orders)

    def copy(self) -> Pool:
        """The same amounts, to be changed apart."""
        return Pool({book: list(left) for book, left in self.levels.items()}, dict(self.balances))

    def add(self, share: Pool) -> Pool:
        """These and the share's amounts together."""
        total = self.copy()
        for book, amounts in share.levels.items():
            total.levels[book] = [
                EXACT.add(left, more) for left, more in zip(total.levels[book], amounts, strict=True)
            ]
        for account, amount in share.balances.items():
            total.balances[account] = EXACT.add(total.balances[account], amount)
        return total

    def take(self, claim: Claim, amounts: Sequence[Decimal]) -> None:
        """Use up what orders of these amounts take."""
        for order, book, account, amount in zip(
            claim.orders, claim.books, claim.accounts, amounts, strict=True
        ):
            left, rest, notional = self.levels[book], amount, ZERO
            for level, (price, _) in enumerate(order.levels):
                taken = min(rest, left[level])
                left[level] = EXACT.subtract(left[level], taken)
                rest = EXACT.subtract(rest, taken)
                notional = EXACT.add(notional, EXACT.multiply(price, taken))
            if account:
                paid = order_flows(order.side, amount, notional, order.fee).paid
                self.balances[account] = EXACT.subtract(self.balances[account], paid)


@dataclass(slots=True)
class Share:
    """What a claim was given, and what it would earn with it without steps and minimums, in value."""

    pool: Pool
    profit: Decimal = ZERO


class _Taker:
    """A claim while levels are given out: its rates level by level and what it may still spend."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.capital = claim.capital
        flows = [
            [order_flows(order.side, ONE, price, order.fee) for price, _ in order.levels]
            for order in claim.orders
        ]
        self.paid = [[flow.paid for flow in leg] for leg in flows]
        self.rates = [[flow.received / flow.paid for flow in leg] for leg in flows]
        self.share = Share(
            Pool(
                {
                    book: [ZERO] * len(order.levels)
                    for order, book in zip(claim.orders, claim.books, strict=True)
                },
                {account: ZERO for account in claim.accounts if account},
            )
        )

    def product(self, cursors: Mapping[Book, int]) -> Decimal:
        """Start asset got back per unit on the levels that come next; zero where a book is used up."""
        rate = ONE
        for leg, book in enumerate(self.claim.books):
            level = cursors[book]
            if level == len(self.rates[leg]):
                return ZERO
            rate *= self.rates[leg][level]
        return rate

    def advance(self, left: Pool, cursors: Mapping[Book, int], product: Decimal) -> bool:
        """Take as much of the next levels as one of them, a balance or the capital allows; False if none."""
        claim, share = self.claim, self.share
        reached = ONE
        reaches, per_start = [], []
        for leg, book in enumerate(claim.books):
            level = cursors[book]
            reaches.append(reached)
            per_start.append(reached / self.paid[leg][level])
            reached *= self.rates[leg][level]
        offers = [left.levels[book][cursors[book]] for book in claim.books]
        flows = [offer / rate for offer, rate in zip(offers, per_start, strict=True)]
        limits = [
            left.balances[account] / reach
            for account, reach in zip(claim.accounts, reaches, strict=True)
            if account
        ]
        flow = min((*flows, *limits, *(() if self.capital is None else (self.capital,))))
        if flow <= GRAIN:
            return False
        for book, offer, rate, most in zip(claim.books, offers, per_start, flows, strict=True):
            taken = offer if most == flow else min(offer, _grains(flow * rate))
            left.levels[book][cursors[book]] = EXACT.subtract(offer, taken)
            share.pool.levels[book][cursors[book]] += taken
        for account, reach in zip(claim.accounts, reaches, strict=True):
            if account:
                spent = min(left.balances[account], _grains(flow * reach))
                left.balances[account] = EXACT.subtract(left.balances[account], spent)
                share.pool.balances[account] += spent
        if self.capital is not None:
            self.capital -= flow
        share.profit += flow * (product - 1) * claim.value
        return True


def _grains(amount: Decimal) -> Decimal:
    return amount.quantize(GRAIN, ROUND_DOWN, EXACT)


def share_out(claims: Sequence[Claim], pool: Pool) -> tuple[list[Share], Pool]:
    """Give out levels and balances, and what nobody was given.

    Chunk by chunk, one ladder level at most, always to the claim with the highest marginal product, as long
    as that exceeds one. Products only fall while levels are used up, so it suffices to check the head of a
    heap again.
    """
    with localcontext(RATIO):
        left = pool.copy()
        takers = [_Taker(claim) for claim in claims]
        cursors = dict.fromkeys(left.levels, 0)
        waiting = [(-taker.product(cursors), index) for index, taker in enumerate(takers)]
        heapq.heapify(waiting)
        while waiting:
            promised, index = heapq.heappop(waiting)
            taker = takers[index]
            product = taker.product(cursors)
            if product <= 1:
                continue
            if product == -promised and not taker.advance(left, cursors, product):
                continue
            for book in taker.claim.books:
                levels = left.levels[book]
                while cursors[book] < len(levels) and levels[cursors[book]] < GRAIN:
                    cursors[book] += 1
            heapq.heappush(waiting, (-taker.product(cursors), index))
        return [taker.share for taker in takers], left


def components(claims: Sequence[Claim]) -> Iterator[list[int]]:
    """Groups of claims that share something, directly or through others."""
    group = list(range(len(claims)))

    def root(index: int) -> int:
        while group[index] != index:
            group[index] = group[group[index]]
            index = group[index]
        return index

    owner: dict[Book | Account, int] = {}
    for index, claim in enumerate(claims):
        for resource in claim.resources:
            group[root(index)] = root(owner.setdefault(resource, index))
    members: dict[int, list[int]] = {}
    for index in range(len(claims)):
        members.setdefault(root(index), []).append(index)
    yield from members.values()


class Placed(NamedTuple):
    """A size and the orders, on the depth that was left to them, that it was found for."""

    size: Size
    orders: tuple[Order, ...]


def place(claim: Claim, pool: Pool) -> Placed | Unsizable:
    """The best size on what the pool holds."""
    orders = pool.orders(claim)
    found = size(orders) if all(order.levels for order in orders) else Unsizable.BELOW_MINIMUM
    return found if isinstance(found, Unsizable) else Placed(found, orders)


def allocate(
    claims: Sequence[Claim], pool: Pool, accept: Callable[[int, Size], bool]
) -> tuple[dict[int, Placed], Pool]:
    """Sizes of the claims that get something acceptable, together attainable, and what is left.

    Shares are given out by `share_out`; a claim whose share allows nothing acceptable is dropped, the worst
    first, and the rest share again. Each is then sized on its share and what nobody was given.
    """
    active = list(range(len(claims)))
    while True:
        shares, left = share_out([claims[index] for index in active], pool)
        ranked = sorted(
            (share for share in zip(active, shares, strict=True) if share[1].profit > 0),
            key=lambda share: (-share[1].profit, share[0]),
        )
        placed: dict[int, Placed] = {}
        failed = None
        for index, share in ranked:
            left = left.add(share.pool)
            if not _place_on(left, claims, index, accept, placed):
                failed = index
        if failed is None:
            break
        active.remove(failed)
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
