"""Labelled worlds: every true edge is found, no trap is taken, and each is refused with its own reason."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from shared.domain.detection import candidates, detect
from shared.domain.fees import TakerFee
from shared.domain.ladder import Order
from shared.domain.market import FeeAsset, Side
from shared.domain.policy import DetectionPolicy
from tests.worlds.brute_force import brute_force
from tests.worlds.labelled import CASES, labelled_world, path_of, spread_apart
from tests.worlds.quiet_market import FEE_BPS, World

WORLDS = 210


def judged(world):
    policy = DetectionPolicy(transfer_unknown_allowed=False, blocked=frozenset(world.blocked))
    return detect(world.snapshot(), policy, world.frozen)


def through(path, case):
    """Whether a loop is the case's: through a book at fault, or with the asset from source to target."""
    books = {tuple(leg.split(":")[:2]) for leg in path}
    if case.books:
        return bool(books & set(case.books))
    return {f"{case.source}:{case.asset}/USDT:buy", f"{case.target}:{case.asset}/USDT:sell"} <= set(path)


def with_asset(path, case):
    return any(leg.split(":")[1].startswith(f"{case.asset}/") for leg in path)


def matches(path, planted):
    """A planted leg without its venue may be on any."""
    return len(path) == len(planted) and all(
        leg.endswith(wanted) if wanted.startswith(":") else leg == wanted
        for leg, wanted in zip(path, planted, strict=True)
    )


@pytest.fixture(scope="module")
def worlds():
    """Each world with its detection."""
    built = [labelled_world(seed) for seed in range(WORLDS)]
    return [(world, judged(world)) for world in built]


def test_every_true_edge_is_found(worlds):
    missed, planted = [], 0
    for seed, (world, detection) in enumerate(worlds):
        for case in world.cases:
            if case.expected is None:
                planted += 1
                if not any(matches(found.path, case.loop) for found in detection.opportunities):
                    missed.append((seed, case.kind, case.loop))
    assert planted > WORLDS
    assert not missed


def test_no_trap_is_taken(worlds):
    taken = [
        (seed, case.kind, found.path)
        for seed, (world, detection) in enumerate(worlds)
        for case in world.cases
        if case.expected is not None
        for found in detection.opportunities
        if with_asset(found.path, case) and (not case.books or through(found.path, case))
    ]
    assert not taken


def test_what_is_found_was_planted(worlds):
    for seed, (world, detection) in enumerate(worlds):
        planted = {case.asset for case in world.cases if case.expected is None}
        for found in detection.opportunities:
            assets = {asset for leg in found.legs for asset in leg.symbol.split("/")}
            assert assets & planted, (seed, found.path)


def test_each_trap_is_refused_with_its_own_reason(worlds):
    wrong, refused = [], Counter()
    for seed, (world, detection) in enumerate(worlds):
        for case in world.cases:
            if case.expected in (None, "NO_LOOP"):
                continue
            given = {each.reason.value for each in detection.rejections if through(each.path, case)}
            refused[case.kind] += 1
            if given != {case.expected}:
                wrong.append((seed, case.kind, case.expected, given))
    assert set(refused) == {kind for kind in CASES if not kind.startswith(("true", "stablecoin"))}
    assert min(refused.values()) > 50
    assert not wrong


def test_candidates_leave_the_traps_books_alone(worlds):
    """Books in depth are fetched for loops that pass the gates, not for what is refused on sight."""
    on_sight = {"STALE_BOOK", "FROZEN_BOOK", "CROSSED_BOOK", "NOT_TRADABLE", "LEVERAGED_TOKEN", "BLOCKED"}
    for world, _ in worlds[:60]:
        policy = DetectionPolicy(transfer_unknown_allowed=False, blocked=frozenset(world.blocked))
        wanted = set(candidates(world.snapshot(), policy, world.frozen))
        for case in world.cases:
            if case.expected is None:
                legs = {tuple(leg.split(":")[:2]) for leg in case.loop if not leg.startswith(":")}
                assert legs <= wanted
            elif case.expected in on_sight:
                assert not wanted & set(case.books)


def test_the_order_of_venues_changes_nothing(worlds):
    for world, detection in worlds[:60]:
        backwards = replace_venues(world, tuple(reversed(world.venues)))
        assert judged(backwards) == detection


def replace_venues(world, venues):
    return replace(world, venues=venues, books=dict(reversed(world.books.items())))


def test_on_small_worlds_profits_are_what_brute_force_finds():
    """Two venues, one quote and coarse steps: each edge is one loop, small enough to try every amount."""
    compared = 0
    for seed in range(40):
        world = labelled_world(seed)
        small = World(world.draw, world.venues[:2])
        for number in range(4):
            fair = world.draw.lognormvariate(0, 2)
            cheap, dear, symbol = spread_apart(small, f"S{number}", fair, bps=world.draw.uniform(5, 95))
            for venue in (cheap, dear):
                step = Decimal(f"{world.draw.uniform(900, 2_500) / fair:.2g}")
                small.term(venue, symbol, amount_step=step, min_amount=step)
        detection = judged(small)
        for found in detection.opportunities:
            assert found.path == path_of(found.legs[0].venue, found.legs[1].venue, found.legs[0].symbol)
            expected = brute_force([_order(small, leg) for leg in found.legs])
            assert (Fraction(found.net_profit), -Fraction(found.start_amount)) == expected
            compared += 1
    assert compared > 50


def _order(world, leg):
    book, terms = world.books[leg.venue, leg.symbol], world.terms[leg.venue, leg.symbol]
    rows = book.asks if leg.side is Side.BUY else book.bids
    asset = FeeAsset.QUOTE if leg.venue == "kraken" else FeeAsset.RECEIVED
    return Order(
        leg.side,
        tuple((Decimal(price), Decimal(amount)) for price, amount in rows),
        TakerFee(Decimal(FEE_BPS) / 10_000, asset),
        terms.amount_step,
        terms.min_amount,
        terms.max_amount,
        terms.min_notional,
    )
