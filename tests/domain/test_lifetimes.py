"""How long opportunities live, across scans."""

from dataclasses import replace

import orjson
import pytest

from shared.domain.lifetimes import from_dict, observe, to_dict
from shared.errors import MalformedRecord
from tests.domain.small_market import D, found, snapshot, top


def edge(bps):
    """The one opportunity between two free venues, at this edge."""
    market = snapshot(
        binance={"BTC/USDT": top(90, 100, 1)}, kraken={"BTC/USDT": top(100 + D(bps) / 100, 110, 1)}
    )
    (opportunity,) = found(replace(market, venues=_free(market))).opportunities
    return opportunity


def _free(market):
    return {name: replace(venue, taker_bps=D(0)) for name, venue in market.venues.items()}


def lives(*scans):
    """Lives under way and ended after scans of (seconds, edges in bps)."""
    living, over = {}, []
    for seconds, edges in scans:
        living, ended = observe(
            from_dict(orjson.loads(orjson.dumps(to_dict(living)))), seconds * 1000, map(edge, edges)
        )
        over += ended
    return list(living.values()), over


def test_a_life_runs_from_the_first_sight_to_the_last():
    living, over = lives((10, [20]), (20, [50]), (30, [30]), (40, []))
    assert living == []
    (life,) = over
    assert life.path == ("binance:BTC/USDT:buy", "kraken:BTC/USDT:sell")
    assert (life.first_seen_ms, life.last_seen_ms, life.duration_ms, life.ended_ms) == (
        10_000,
        30_000,
        20_000,
        40_000,
    )
    assert (life.scans, life.first_net_bps, life.peak_net_bps, life.last_net_bps) == (3, 20, 50, 30)
    assert (life.peak_ms, life.decay_bps_per_s) == (20_000, 2)
    assert life.peak_profit_value == D("0.5")


def test_what_was_last_seen_at_its_peak_has_no_decay():
    (life,), _ = lives((10, [20]), (20, [30]))
    assert life.decay_bps_per_s is None
    assert life.ended_ms is None


def test_a_loop_that_comes_back_lives_anew():
    (living,), (over,) = lives((10, [20]), (20, []), (30, [40]))
    assert (over.first_seen_ms, over.last_seen_ms) == (10_000, 10_000)
    assert (living.first_seen_ms, living.scans) == (30_000, 1)


def test_a_stored_life_that_is_none_is_refused():
    with pytest.raises(MalformedRecord, match=r"lifetimes\.a b"):
        from_dict({"a b": {"kind": "two_leg"}})
