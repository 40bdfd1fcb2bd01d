"""The quick reading of usual lines and the exact one give the same snapshot, or the exact one says what is wrong."""

import orjson
import pytest

from shared.errors import MalformedRecord
from shared.snapshots import decode, decode_snapshot, usual

TOP = {"bids": [["1", "2"]], "asks": [["1.1", None]], "time": "2026-11-22T12:00:00.000Z", "sequence": 7}


def line(book, **changes):
    market = {"books": {"BTC/USDT": book}, "received": "2026-11-22T12:00:00.100Z", "taker_bps": "10"}
    return orjson.dumps(
        {"version": 1, "time": "2026-11-22T12:00:01.000Z", "venues": {"kraken": market}, **changes}
    )


def exactly(text):
    return decode._read_exactly(text, None)


@pytest.mark.parametrize(
    "book",
    [
        TOP,
        {},
        {"bids": [], "asks": None},
        {**TOP, "bids": [[None, "1"], ["oops", "1"]]},
        {**TOP, "unheard": [1.5]},
        {**TOP, "received": "2026-11-22T13:00:00+01:00"},
    ],
)
def test_usual_books_are_read_alike_and_quickly(book):
    text = line(book, scan_id="s", balances={"kraken": {"USDT": 5}})
    assert usual.read(text)["scan_id"] == "s"
    assert decode_snapshot(text) == exactly(text)


def test_whole_numbers_in_rows_are_odd_and_read_all_the_same():
    text = line({**TOP, "bids": [[1, 2]]})
    with pytest.raises(usual.UNUSUAL):
        usual.read(text)
    assert decode_snapshot(text) == exactly(text)
    assert decode_snapshot(text).venues["kraken"].books["BTC/USDT"].bids == [["1", "2"]]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (line({**TOP, "bids": [["1"]]}), r"bids\[0\]"),
        (line({**TOP, "bids": [[1.5, "1"]]}), r"bids\[0\]"),
        (line({**TOP, "asks": {}}), "asks"),
        (line({**TOP, "time": "noon"}), "time"),
        (line({**TOP, "sequence": True}), "sequence"),
        (line([]), "BTC/USDT"),
        (line(TOP, venues={"kraken": {}}), "venues.kraken.books"),
        (line(TOP, venues=None), "venues"),
        (line(TOP)[:-3], "line"),
        (b'{"version": 1, "time": "\xff"}', "line"),
        (b"[" * 5_000, "line"),
    ],
)
def test_what_is_wrong_is_told_as_the_exact_reading_tells_it(text, field):
    with pytest.raises(MalformedRecord, match=field) as quick:
        decode_snapshot(text)
    with pytest.raises(MalformedRecord) as exact:
        exactly(text)
    assert str(quick.value) == str(exact.value)
