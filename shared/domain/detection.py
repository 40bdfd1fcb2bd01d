"""The engine: a snapshot's loops, found, gated, sized and allocated, as opportunities and refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from shared.domain.allocation import allocate
from shared.domain.claims import Account, Claim, Placed, Pool, components, pays, place
from shared.domain.exact import EXACT, ONE, ZERO
from shared.domain.gates import PRECEDENCE, GatedBook, Refusal
from shared.domain.ladder import Order
from shared.domain.market import Snapshot
from shared.domain.opportunity import Conversion, Detection, Opportunity, Reason, Rejection
from shared.domain.outcome import Outcomes
from shared.domain.policy import DetectionPolicy
from shared.domain.sizing import Size, Unsizable
from shared.domain.survey import Loop, Survey, survey

_GRAIN = Decimal("1e-18")

FrozenBooks = Mapping[tuple[str, str], int]
"""How long, in ms, each frozen (venue, symbol) has not changed."""


def detect(snapshot: Snapshot, policy: DetectionPolicy, frozen: FrozenBooks | None = None) -> Detection:
    """Every profitable loop of the snapshot as an opportunity or as a refusal with its first reason.

    Opportunities come with the best profit first and are attainable together; refusals by reason and path.
    """
    return _Detector(snapshot, policy, survey(snapshot, policy, frozen)).run()


def candidates(
    snapshot: Snapshot, policy: DetectionPolicy, frozen: FrozenBooks | None = None
) -> list[tuple[str, str]]:
    """The (venue, symbol) whose books in depth are worth fetching: of the loops that pass every gate so far.

    Loops that the balances could pay come first, each kind by its edge, so that who can fetch only some takes
    from the front. With them the pairs on which a leg that fails is unwound: every asset that a venue may be
    left with or short of, directly against the start asset.
    """
    wanted: dict[tuple[str, str], None] = {}
    loops = survey(snapshot, policy, frozen).loops
    for loop in sorted(loops, key=lambda loop: not _payable(snapshot, loop)):
        wanted |= dict.fromkeys((book.venue, book.symbol) for book in loop.books)
        start = loop.candidate.assets[0]
        for book in loop.books:
            listed = snapshot.venues[book.venue].books
            for asset in (book.base, book.quote):
                pairs = (f"{asset}/{start}", f"{start}/{asset}")
                wanted |= dict.fromkeys((book.venue, symbol) for symbol in pairs if symbol in listed)
    return list(wanted)


def _accounts(loop: Loop) -> tuple[Account, ...]:
    """The balances that a loop spends: the first leg on each venue's run pays from that venue's."""
    return tuple(
        (book.venue, asset)
        for leg, (book, asset) in enumerate(zip(loop.books, loop.candidate.assets, strict=True))
        if leg == 0 or loop.books[leg - 1].venue != book.venue
    )


def _payable(snapshot: Snapshot, loop: Loop) -> bool:
    balances = snapshot.balances
    return balances is None or all(balances.get(venue, {}).get(asset) for venue, asset in _accounts(loop))


@dataclass(frozen=True, slots=True)
class _Alone:
    """A loop at the size that is best for it alone."""

    loop: Loop
    claim: Claim
    placed: Placed


class _Detector:
    def __init__(self, snapshot: Snapshot, policy: DetectionPolicy, found: Survey) -> None:
        self._snapshot = snapshot
        self._policy = policy
        self._survey = found
        self._values = found.values
        self._outcomes = Outcomes(snapshot, policy, found.values)

    def run(self) -> Detection:
        rejections = list(self._survey.rejections)
        alone: list[_Alone] = []
        for loop in self._survey.loops:
            found = self._size_alone(loop)
            if isinstance(found, Rejection):
                rejections.append(found)
            else:
                alone.append(found)
        opportunities: list[Opportunity] = []
        for members in components([found.claim for found in alone]):
            together = [alone[index] for index in members]
            for outcome in self._share(together):
                if isinstance(outcome, Rejection):
                    rejections.append(outcome)
                else:
                    opportunities.append(outcome)
        opportunities.sort(key=lambda found: (-found.profit_value, found.start_amount, found.path))
        rejections.sort(key=lambda refused: (PRECEDENCE[refused.reason], refused.path))
        return Detection(
            tuple(opportunities), tuple(rejections), self._survey.profitable, self._survey.priced
        )

    def _size_alone(self, loop: Loop) -> _Alone | Rejection:
        claim = self._claim(loop)
        unknown = next(
            (book for book, order in zip(loop.books, claim.orders, strict=True) if not order.levels), None
        )
        if unknown:
            detail = f"{unknown.venue} does not say how much of {unknown.symbol} its best price is for"
            return loop.rejection(Refusal(Reason.UNKNOWN_DEPTH, detail))
        found = place(self._pool([claim]).orders(claim))
        if found is Unsizable.NO_BUDGET:
            return loop.rejection(Refusal(Reason.NO_INVENTORY, self._short_of(loop)))
        if isinstance(found, Unsizable):
            detail = "no amount within depth meets min_notional or min_amount on every leg"
            return loop.rejection(Refusal(Reason.BELOW_MIN_NOTIONAL, detail))
        refusal = self._outcomes.refusal(loop, found.size)
        if refusal:
            return loop.rejection(refusal, self._outcomes.net_bps(loop, found.size))
        return _Alone(loop, claim, found)

    def _short_of(self, loop: Loop) -> str:
        accounts = ", ".join(f"{venue} {asset}" for venue, asset in _accounts(loop))
        held = f"the balances of {accounts}" if self._snapshot.balances is not None else ""
        capital = f"a capital of {self._policy.capital} USDT" if self._policy.capital is not None else ""
        limits = " and ".join(filter(None, (held, capital)))
        return f"no amount that could be sent fits {limits}, though the depth holds one"

    def _share(self, together: Sequence[_Alone]) -> list[Opportunity | Rejection]:
        if len(together) == 1:
            return [self._outcomes.opportunity(together[0].loop, together[0].placed)]
        claims = [alone.claim for alone in together]

        def accept(index: int, sized: Size) -> bool:
            return self._outcomes.refusal(together[index].loop, sized) is None

        placed, left = allocate(claims, self._pool(claims), accept)
        return [
            self._outcomes.opportunity(alone.loop, placed[index])
            if index in placed
            else self._crowded_out(alone, left)
            for index, alone in enumerate(together)
        ]

    def _crowded_out(self, alone: _Alone, left: Pool) -> Rejection:
        """What others took from a loop that would be an opportunity alone: depth, or balances only."""
        orders = Pool(left.levels, self._pool([alone.claim]).balances).orders(alone.claim)
        found = place(orders) if any(alone.claim.accounts) and pays(orders) else None
        if isinstance(found, Placed) and self._outcomes.refusal(alone.loop, found.size) is None:
            refusal = Refusal(Reason.NO_INVENTORY, "better opportunities use up the balances it needs")
        else:
            refusal = Refusal(Reason.DEPTH_TAKEN, "better opportunities use up the depth it needs")
        return alone.loop.rejection(refusal, self._outcomes.net_bps(alone.loop, alone.placed.size))

    def _claim(self, loop: Loop) -> Claim:
        """The loop's orders; the first leg on each venue's run spends from that venue's balance."""
        value = self._values.of(loop.candidate.assets[0])
        capital, least = self._policy.capital, self._policy.min_profit
        accounts = _accounts(loop) if self._snapshot.balances is not None else ()
        return Claim(
            tuple(
                _order(book, conversion)
                for book, conversion in zip(loop.books, loop.candidate.conversions, strict=True)
            ),
            loop.candidate.conversions,
            tuple(
                account if account in accounts else None
                for account in zip((book.venue for book in loop.books), loop.candidate.assets, strict=True)
            ),
            _units(capital, value) if capital is not None and value else None,
            _units(least, value) if value else ZERO,
            value or ONE,
        )

    def _pool(self, claims: Sequence[Claim]) -> Pool:
        """All depth and balances that these claims may use."""
        pool = Pool()
        for claim in claims:
            for order, book, account in zip(claim.orders, claim.books, claim.accounts, strict=True):
                pool.levels[book] = [amount for _, amount in order.levels]
                if account:
                    venue, asset = account
                    pool.balances[account] = (self._snapshot.balances or {}).get(venue, {}).get(asset, ZERO)
        return pool


def _order(book: GatedBook, conversion: Conversion) -> Order:
    instrument = book.instrument
    levels = tuple(
        (level.price, level.amount) for level in book.depth(conversion.side) if level.amount is not None
    )
    return Order(
        conversion.side,
        levels,
        book.fee,
        instrument.amount_step,
        instrument.min_amount,
        instrument.max_amount,
        instrument.min_notional,
    )


def _units(worth: Decimal, value: Decimal) -> Decimal:
    """How much of an asset makes up this worth, rounded down."""
    return EXACT.divide(worth, value).quantize(_GRAIN, ROUND_DOWN, EXACT)
