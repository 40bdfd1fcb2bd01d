"""Recorded Binance-Kraken tops of BTC/USDT, August 2025: nothing survives what a retail trader pays."""

import csv
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.domain.detection import detect
from shared.domain.fees import fee_overrides
from shared.domain.market import Snapshot
from shared.domain.opportunity import Reason
from shared.domain.policy import DetectionPolicy
from shared.snapshots import decode_snapshot, encode_snapshot
from tests.domain.small_market import D, book, venue

ROOT = Path(__file__).parents[2]
RECORDED = (
    Path(os.environ.get("REAL_DATA_DIR", ROOT.parent / "shared" / "data"))
    / "binance_kraken_btcusdt_2025"
    / "arbitrage_log.csv"
)
pytestmark = pytest.mark.skipif(not RECORDED.exists(), reason=f"the recording {RECORDED.name} is not here")
FREE = fee_overrides({name: {"taker_bps": "0"} for name in ("binance", "kraken")})


@pytest.fixture(scope="module")
def recording():
    """A snapshot of each distinct instant, an amount of one at each top: the recording carries no sizes."""
    lines = set(RECORDED.read_text(encoding="utf-8").split("\n")) - {""}
    rows = sorted(csv.reader(lines), key=lambda row: datetime.fromisoformat(row[0]).replace(tzinfo=UTC))
    assert len(rows) > 800
    return [_snapshot(*row) for row in rows]


def _snapshot(at, _buy, _sell, _spread, _profit, *quotes):
    time_ms = int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() * 1000)
    binance, kraken = (
        book([(bid, 1)], [(ask, 1)])._replace(time_ms=time_ms) for bid, ask in (quotes[:2], quotes[2:])
    )
    market = Snapshot(
        time_ms,
        {
            "binance": venue("binance", {"BTC/USDT": binance}, bps=10),
            "kraken": venue("kraken", {"BTC/USDT": kraken}, bps=40, fee="quote"),
        },
    )
    return decode_snapshot(encode_snapshot(market))


def test_nothing_survives_base_tier_fees(recording):
    detections = [detect(market, DetectionPolicy(min_profit=D(0))) for market in recording]
    assert not any(detection.opportunities for detection in detections)
    assert not any(detection.rejections for detection in detections), "not even the screen finds a loop"


def test_without_fees_opportunities_appear_and_are_small(recording):
    policy = DetectionPolicy(min_profit=D(0), fees=FREE)
    detections = [detect(market, policy) for market in recording]
    edges = sorted(found.net_bps for detection in detections for found in detection.opportunities)
    assert len(edges) > 500
    assert 0 < edges[len(edges) // 2] < 1
    assert edges[-1] < 9


def test_without_fees_a_least_profit_still_refuses_most(recording):
    detections = [detect(market, DetectionPolicy(min_profit=D(10), fees=FREE)) for market in recording]
    refused = [each.reason for detection in detections for each in detection.rejections]
    assert set(refused) == {Reason.BELOW_MIN_PROFIT}
    assert len(refused) > sum(len(detection.opportunities) for detection in detections)
