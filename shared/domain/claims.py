"""What loops claim of books and balances, what is left of those, and which loops have to share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from shared.domain.exact import EXACT, ONE, ZERO
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
    `capital` is the most of the start asset it may spend, `least` the profit in it that is wanted, `value` what
    a unit of it is worth.
    """

    orders: tuple[Order, ...]
    books: tuple[Book, ...]
    accounts: tuple[Account | None, ...]
    capital: Decimal | None
    least: Decimal
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

    def plus(self, share: Pool) -> Pool:
        """These and the share's amounts together."""
        total = Pool({book: list(left) for book, left in self.levels.items()}, dict(self.balances))
        for book, amounts in share.levels.items():
            total.levels[book] = [
                EXACT.add(left, more) for left, more in zip(total.levels[book], amounts, strict=True)
            ]
        for account, amount in share.balances.items():
            total.balances[account] = EXACT.add(total.balances[account], amount)
        return total

    def minus(self, shares: Iterable[Pool]) -> Pool:
        """What is left when these shares are given away."""
        left = self
        for share in shares:
            left = left.plus(share.negative())
        return left

    def negative(self) -> Pool:
        """The same amounts below zero."""
        return Pool(
            {book: [amount.copy_negate() for amount in amounts] for book, amounts in self.levels.items()},
            {account: amount.copy_negate() for account, amount in self.balances.items()},
        )

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


class Placed(NamedTuple):
    """A size and the orders, on the depth that was left to them, that it was found for."""

    size: Size
    orders: tuple[Order, ...]


def pays(orders: Sequence[Order]) -> bool:
    """Whether the best levels return more than they take: nothing further down does if these do not."""
    got, paid = ONE, ONE
    for order in orders:
        if not order.levels:
            return False
        flows = order_flows(order.side, ONE, order.levels[0][0], order.fee)
        got, paid = EXACT.multiply(got, flows.received), EXACT.multiply(paid, flows.paid)
    return got > paid


def place(orders: tuple[Order, ...], least: Decimal | None = None) -> Placed | Unsizable:
    """The best size of these orders; with `least` as `size` has it."""
    found = size(orders, least) if all(order.levels for order in orders) else Unsizable.BELOW_MINIMUM
    return found if isinstance(found, Unsizable) else Placed(found, orders)


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
