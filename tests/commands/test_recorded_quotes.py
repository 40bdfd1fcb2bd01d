"""Recorded Binance and Kraken quotes of August 2025: nothing survives what trading them would have cost."""

import csv
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.commands.conftest import ROOT, book, market

BASE_TIER = {"binance": {"taker_bps": "10"}, "kraken": {"taker_bps": "40", "fee_asset": "quote"}}
FREE = {"binance": {"taker_bps": "0"}, "kraken": {"taker_bps": "0"}}


def recorded():
    folder = Path(os.environ.get("REAL_DATA_DIR", ROOT.parent / "shared" / "data"))
    found = folder / "binance_kraken_btcusdt_2025" / "arbitrage_log.csv"
    if not found.exists():
        pytest.skip(f"no recorded quotes at {found}: set REAL_DATA_DIR")
    return found


def snapshots_of(path):
    """A snapshot a row; the quotes carry no sizes, so one BTC stands at each top."""
    with path.open(newline="") as file:
        for row in csv.reader(file):
            if not row:
                continue
            moment = datetime.fromisoformat(row[0])
            utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
            time = utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            binance_bid, binance_ask, kraken_bid, kraken_ask = row[5:9]
            yield {
                "version": 1,
                "time": time,
                "venues": {
                    "binance": market(None, book(binance_bid, binance_ask, time)),
                    "kraken": market(None, book(kraken_bid, kraken_ask, time)),
                },
            }


@pytest.fixture
def detected(run, recording, tmp_path):
    """Detect in all recorded quotes at these fees."""
    path = recording(*snapshots_of(recorded()), name="quotes.ndjson.gz")

    def at(fees, *options):
        file = tmp_path / "fees.json"
        file.write_text(json.dumps(fees))
        ended = run("shared", "detect", path, "--fees", file, *options)
        assert (ended.code, ended.err) == (0, "")
        return ended.objects

    return at


def test_nothing_survives_the_fees_of_the_base_tier(detected):
    found = detected(BASE_TIER, "--min-net-bps", "0", "--min-profit", "0")
    assert len(found) == 1738
    assert sum(len(each["opportunities"]) for each in found) == 0


def test_without_fees_every_recorded_difference_appears_at_its_size(detected):
    found = detected(FREE, "--min-net-bps", "0", "--min-profit", "0")
    assert [len(each["opportunities"]) for each in found] == [1] * 1738
    edges = sorted(float(each["opportunities"][0]["net_bps"]) for each in found)
    assert edges[0] > 0.1
    assert edges[len(edges) // 2] == pytest.approx(0.5, abs=0.2)
    assert edges[-1] == pytest.approx(8.3, abs=0.1)


def test_without_fees_a_smallest_profit_refuses_the_rest_by_name(detected):
    found = detected(FREE, "--min-profit", "50")
    kept = [each for each in found if each["opportunities"]]
    refused = {each["reason"] for one in found for each in one["rejections"]}
    assert 0 < len(kept) < len(found)
    assert refused == {"BELOW_MIN_PROFIT"}
