"""Over an hour of the market the traps never become trades, and what is planted and worth it is found."""

from collections import defaultdict
from decimal import Decimal

import pytest

from shared.domain.policy import DetectionPolicy
from simulator.traps import TrapKind

pytestmark = pytest.mark.asyncio(loop_scope="module")

CAPITAL = Decimal(1000)
LARGE = 2 * DetectionPolicy().min_profit


def book_of(leg):
    return tuple(leg.split(":")[:2])


def closes(path, start_asset):
    """Whether each conversion takes what the one before it gave, and the last gives the start asset."""
    held = start_asset
    for leg in path:
        _, symbol, side = leg.split(":")
        base, quote = symbol.split("/")
        takes, gives = (quote, base) if side == "buy" else (base, quote)
        if takes != held:
            return False
        held = gives
    return held == start_asset


def is_large(planted, funded):
    """Whether the desk could earn well with the capital that one opportunity may start with."""
    in_reach = planted.profit * min(Decimal(1), CAPITAL / planted.notional) if planted.notional else 0
    return in_reach >= LARGE and all(leg.symbol.split("/")[0] in funded for leg in planted.path)


async def test_no_trap_becomes_an_opportunity_or_a_trade(hour):
    for moment in hour.moments:
        trapped = {
            (trap.venue, trap.symbol) for trap in moment.traps if trap.kind is not TrapKind.MISPRICED_QUOTE
        }
        for path in [found.path for found in moment.scan.opportunities] + [t["path"] for t in moment.trades]:
            assert not trapped & {book_of(leg) for leg in path}, path


async def test_every_kind_of_trap_was_open_and_refused_for_its_reason(hour):
    refusals = hour.refusals()
    seen = defaultdict(set)
    for moment in hour.moments:
        for trap in moment.traps:
            seen[trap.kind].add((trap.venue, trap.symbol, trap.reasons))
    assert set(seen) == set(TrapKind)
    missed = {
        kind
        for kind, traps in seen.items()
        if not any(refusals[venue, symbol] & set(reasons) for venue, symbol, reasons in traps)
    }
    assert missed == set()


async def test_no_trade_takes_one_dollar_for_another(hour):
    for moment in hour.moments:
        for found in moment.trades:
            assert closes(found["path"], found["start_asset"]), found["path"]


async def test_every_large_planted_opportunity_is_found_or_its_depth_went_to_a_better_one(hour):
    found = large = 0
    for moment in hour.moments:
        paths = [set(opportunity.path) for opportunity in moment.scan.opportunities]
        refused = {frozenset(each.path): each.reason for each in moment.scan.found.rejections}
        for planted in moment.planted:
            if not is_large(planted, hour.funded):
                continue
            large += 1
            legs = set(map(str, planted.path))
            if legs in paths:
                found += 1
                continue
            assert refused.get(frozenset(legs)) == "DEPTH_TAKEN", planted
            assert any(legs & path for path in paths), planted
    assert large > 100
    assert found > 0.9 * large


async def test_trades_happen_all_through_the_hour(hour):
    filled = [any(trade["fills"] for trade in moment.trades) for moment in hour.moments]
    quarter = len(filled) // 4
    for begin in range(0, len(filled), quarter):
        assert any(filled[begin : begin + quarter])
