"""A venue's columns become the tops that are quoted, tick after tick, whoever falls silent or speaks up."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.venues.columns import Rows, TopsReader
from shared.domain.market import BookText
from shared.domain.tops import best_price

SYMBOLS = {f"{base}USDT": f"{base}/USDT" for base in ("BTC", "ETH", "ADA", "DOT")}
nothing = st.sampled_from(["", "0", "0.0", "0.00000000"])
prices = st.integers(1, 10**9).map(lambda units: str(Decimal(units) / 10**6)) | st.sampled_from(
    ["1e-7", "5E+3", "007", "1,2", "oops", "0.00000001"]
)
texts = prices | prices | nothing
rows = st.tuples(st.sampled_from([*SYMBOLS, "NEWUSDT"]), texts, texts, texts, texts)
ticks = st.lists(st.lists(rows, max_size=5, unique_by=lambda row: row[0]), min_size=1, max_size=4)


def answer_of(rows):
    def prices(rows):
        return [row[1] for row in rows], [row[3] for row in rows]

    def amounts(rows):
        return [row[2] for row in rows], [row[4] for row in rows]

    return Rows([row[0] for row in rows], rows, prices, amounts, 17)


def is_quoted(text):
    return text.strip("0.") != ""


def row_by_row(rows):
    return {
        SYMBOLS[name]: BookText(
            ((bid, bid_amount),) if is_quoted(bid) else (),
            ((ask, ask_amount),) if is_quoted(ask) else (),
            17,
        )
        for name, bid, bid_amount, ask, ask_amount in rows
        if name in SYMBOLS and (is_quoted(bid) or is_quoted(ask))
    }


@given(ticks, st.booleans())
def test_what_is_quoted_is_read_whatever_was_quoted_before(ticks, again):
    reader = TopsReader(SYMBOLS)
    for rows in [*ticks, *ticks] if again else ticks:
        tops = reader.read(answer_of(rows))
        expected = row_by_row(rows)
        assert tops == expected
        assert list(tops) == list(expected)
        for text_side, price_side in ((tops.bids, tops.bid_prices), (tops.asks, tops.ask_prices)):
            assert list(price_side) == [best_price([(text, None)]) for text in text_side]


@given(
    st.lists(st.tuples(*[texts] * 4), min_size=4, max_size=4), st.lists(st.tuples(*[texts] * 4), min_size=4)
)
def test_rows_that_speak_up_or_fall_silent_under_the_same_ids_are_noticed(first, second):
    reader = TopsReader(SYMBOLS)
    for tick in (first, second[:4], first):
        rows = [(name, *quote) for name, quote in zip(SYMBOLS, tick, strict=True)]
        assert reader.read(answer_of(rows)) == row_by_row(rows)


def test_ticks_of_the_same_rows_share_their_positions():
    reader = TopsReader(SYMBOLS)
    first = reader.read(answer_of([("BTCUSDT", "9", "1", "10", "1"), ("ETHUSDT", "0", "0", "0", "0")]))
    second = reader.read(answer_of([("BTCUSDT", "8", "1", "", "0"), ("ETHUSDT", "", "", "0.0", "")]))
    assert second.positions is first.positions


def test_of_two_rows_under_one_id_the_last_counts():
    rows = [
        ("BTCUSDT", "9", "1", "10", "1"),
        ("ETHUSDT", "5", "1", "6", "1"),
        ("BTCUSDT", "7", "1", "8", "1"),
    ]
    tops = TopsReader(SYMBOLS).read(answer_of(rows))
    assert tops == row_by_row(rows[1:])
    assert len(tops) == len(tops.bids) == 2
