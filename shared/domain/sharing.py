"""Giving out shared levels and balances: chunk by chunk, to the loop with the best marginal product.

Everything is counted in whole grains, so shares are exact and never add up to more than there is; rates carry 30
digits. What the floats decide is only whose turn it is.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shared.domain.claims import Account, Book, Claim, Pool
from shared.domain.exact import EXACT, ONE
from shared.domain.fees import order_flows
from shared.domain.ladder import floor_whole

GRAIN_DIGITS = 18
_ONE = 10**30
_TRIES = 60
_WORK = 4_000
_SPREAD = 0.3
_SEED = 20_240_229


@dataclass(frozen=True, slots=True)
class Share:
    """What a claim was given, and what it would earn with it without steps and minimums, in value."""

    pool: Pool
    profit: float


@dataclass(slots=True)
class _Left:
    """Grains left on each level and of each balance, and the first level of each book that has any."""

    levels: dict[Book, list[int]]
    balances: dict[Account, int]
    cursors: dict[Book, int]

    @classmethod
    def of(cls, pool: Pool) -> _Left:
        """The pool in grains."""
        levels = {book: [_grains(amount) for amount in amounts] for book, amounts in pool.levels.items()}
        return cls(
            levels,
            {account: _grains(amount) for account, amount in pool.balances.items()},
            {
                book: next((place for place, amount in enumerate(amounts) if amount), len(amounts))
                for book, amounts in levels.items()
            },
        )

    def copy(self) -> _Left:
        """The same, to be given out apart."""
        levels = {book: list(amounts) for book, amounts in self.levels.items()}
        return _Left(levels, dict(self.balances), dict(self.cursors))


class _Taker:
    """A claim while levels are given out: its rates level by level, and what it was given."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.books = claim.books
        self.capital = None if claim.capital is None else _grains(claim.capital)
        self.value = float(claim.value)
        self.paid, self.rates = [], []
        for order in claim.orders:
            flows = [order_flows(order.side, ONE, price, order.fee) for price, _ in order.levels]
            self.paid.append([floor_whole(flow.paid, 30) for flow in flows])
            self.rates.append([floor_whole(EXACT.divide(flow.received, flow.paid), 30) for flow in flows])
        # A level beyond the last returns nothing.
        self.turns = [
            (book, [*(rate / _ONE for rate in rates), 0.0])
            for book, rates in zip(self.books, self.rates, strict=True)
        ]
        self.clear()

    def clear(self) -> None:
        """Give everything back."""
        self.taken = [[0] * len(rates) for rates in self.rates]
        self.spent = [0] * len(self.rates)
        self.used = 0
        self.profit = 0.0

    def product(self, cursors: Mapping[Book, int]) -> float:
        """Start asset got back per unit on the levels that come next; zero where a book is used up."""
        product = 1.0
        for book, rates in self.turns:
            product *= rates[cursors[book]]
        return product

    def advance(self, left: _Left, product: float) -> bool:
        """Take as much of the next levels as one of them, a balance or the capital allows; False if none."""
        at = [left.cursors[book] for book in self.books]
        reach = _ONE
        reaches = []
        flows = [] if self.capital is None else [self.capital - self.used]
        for leg, book in enumerate(self.books):
            reaches.append(reach)
            flows.append(left.levels[book][at[leg]] * self.paid[leg][at[leg]] // reach)
            account = self.claim.accounts[leg]
            if account:
                flows.append(left.balances[account] * _ONE // reach)
            reach = reach * self.rates[leg][at[leg]] // _ONE
        flow = min(flows)
        if flow <= 0:
            return False
        for leg, book in enumerate(self.books):
            offers = left.levels[book]
            paid = self.paid[leg][at[leg]]
            limit = offers[at[leg]] * paid // reaches[leg]
            taken = offers[at[leg]] if limit == flow else min(offers[at[leg]], flow * reaches[leg] // paid)
            offers[at[leg]] -= taken
            self.taken[leg][at[leg]] += taken
            account = self.claim.accounts[leg]
            if account:
                spent = min(left.balances[account], flow * reaches[leg] // _ONE + 1)
                left.balances[account] -= spent
                self.spent[leg] += spent
            while left.cursors[book] < len(offers) and not offers[left.cursors[book]]:
                left.cursors[book] += 1
        self.used += flow
        self.profit += flow * (product - 1) * self.value
        return True

    def share(self) -> Share:
        """What it was given."""
        return Share(
            Pool(
                {
                    book: [_amount(grains) for grains in taken]
                    for book, taken in zip(self.books, self.taken, strict=True)
                },
                {
                    account: _amount(spent)
                    for account, spent in zip(self.claim.accounts, self.spent, strict=True)
                    if account
                },
            ),
            self.profit / 10**GRAIN_DIGITS,
        )


class Sharing:
    """One pool and the claims on it, to be given out again and again."""

    def __init__(self, claims: Sequence[Claim], pool: Pool) -> None:
        self._takers = [_Taker(claim) for claim in claims]
        self._full = _Left.of(pool)
        self._weights = [1 / math.sqrt(len(claim.orders)) for claim in claims]

    def climb(self) -> None:
        """Find weights with which the shares earn more together, as far as a short climb finds them.

        A claim of three legs uses more of what others need than one of two, so weights begin at the inverse root of
        the legs. From there random steps (the same ones every time) are kept if the total profit grows: greedy by
        product alone reaches about 0.98 of the linear program's optimum where many loops share a hub, this 0.99.
        """
        everyone = range(len(self._takers))
        best = self._give(everyone, self._weights)
        steps = random.Random(_SEED)  # noqa: S311 - a fixed sequence of trials, no secret
        for _ in range(min(_TRIES, _WORK // len(everyone))):
            trial = [weight * math.exp(steps.gauss(0, _SPREAD)) for weight in self._weights]
            total = self._give(everyone, trial)
            if total > best:
                best, self._weights = total, trial

    def out(self, active: Sequence[int]) -> dict[int, Share]:
        """What each of these claims is given, where it earns something: chunk by chunk, one ladder level at most.

        The next chunk goes to the claim with the highest weight times logarithm of its marginal product, as long as
        that product exceeds one. Products only fall while levels are used up, so it suffices to check the head of
        a heap again.
        """
        self._give(active, self._weights)
        return {index: taker.share() for index in active if (taker := self._takers[index]).profit > 0}

    def _give(self, active: Sequence[int], weights: Sequence[float]) -> float:
        """Give everything out anew; the profit of all in value, in grains."""
        left, takers = self._full.copy(), self._takers
        waiting = []
        for index in active:
            takers[index].clear()
            product = takers[index].product(left.cursors)
            if product > 1:
                waiting.append((-weights[index] * math.log(product), index, product))
        heapq.heapify(waiting)
        while waiting:
            _, index, promised = heapq.heappop(waiting)
            taker = takers[index]
            product = taker.product(left.cursors)
            if product <= 1 or (product == promised and not taker.advance(left, product)):
                continue
            product = taker.product(left.cursors)
            if product > 1:
                heapq.heappush(waiting, (-weights[index] * math.log(product), index, product))
        return sum(takers[index].profit for index in active)


def _grains(amount: Decimal) -> int:
    return floor_whole(amount, GRAIN_DIGITS)


def _amount(grains: int) -> Decimal:
    return Decimal(grains).scaleb(-GRAIN_DIGITS, EXACT)
