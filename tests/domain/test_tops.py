"""Tops of book in columns: whatever is asked of them, the answer is that of the books one by one."""

from dataclasses import replace
from decimal import Decimal

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.detection import candidates, detect
from shared.domain.frozen import observe
from shared.domain.market import BookText, FeeAsset, Snapshot, VenueMarket
from shared.domain.policy import DetectionPolicy
from shared.domain.tops import Tops, best_price, best_prices, with_books
from shared.snapshots import decode_snapshot, encode_snapshot

NOW = 1_700_000_000_000
PAIRS = [
    f"{base}/{quote}"
    for base in ("ADA", "DOT", "ETH", "BTC", "USDC")
    for quote in ("USDT", "USDC", "BTC", "ETH")
    if base != quote
]
usual = st.integers(1, 400).map(lambda cents: str(Decimal(cents) / 100))
odd = st.sampled_from(["oops", "1e-7", "nan", "inf", "1,2", " 3", "-1", '"', "\\", "é", "0", "007"])
prices = usual | usual | usual | odd
sides = prices | st.just("")
levels = st.lists(st.tuples(prices, st.none() | usual), max_size=2)
depth = st.builds(
    BookText, levels, levels, st.none() | st.just(NOW - 5), st.just(NOW), st.none() | st.just(7)
)


@st.composite
def columns(draw, texts=sides):
    symbols = draw(st.lists(st.sampled_from(PAIRS), unique=True, max_size=12))
    quotes = [draw(st.tuples(texts, texts).filter(any)) for _ in symbols]
    bids, asks = [bid for bid, _ in quotes], [ask for _, ask in quotes]
    amounts = [[draw(usual | odd) for _ in symbols] if draw(st.booleans()) else None for _ in "ba"]
    return Tops(
        {symbol: row for row, symbol in enumerate(symbols)},
        bids,
        asks,
        [best_price([(text, None)]) for text in bids],
        [best_price([(text, None)]) for text in asks],
        *amounts,
        draw(st.none() | st.just(NOW - 300)),
        draw(st.dictionaries(st.sampled_from([*PAIRS, 'Ü"/USDT']), depth, max_size=2)),
    )


def one_by_one(tops):
    return dict(tops.items())


def market_of(books, received_ms=NOW):
    return VenueMarket(received_ms, Decimal(10), FeeAsset.RECEIVED, books=books)


def snapshots_of(*markets):
    """The same market twice: with tops in columns, and with their books one by one."""
    venues = dict(zip(("binance", "kraken"), markets, strict=True))
    return [
        Snapshot(NOW, {venue: market_of(form(tops)) for venue, tops in venues.items()})
        for form in (lambda tops: tops, one_by_one)
    ]


@given(columns())
def test_columns_are_a_mapping_of_their_books(tops):
    books = one_by_one(tops)
    assert tops == books
    assert len(tops) == len(books)
    assert all(symbol in tops for symbol in books)
    assert tops.get("ADA/EUR") is None
    assert "ADA/EUR" not in tops


@given(columns())
def test_the_best_prices_are_those_of_the_books(tops):
    in_columns, singly = best_prices(tops), best_prices(one_by_one(tops))
    assert tuple(in_columns.symbols) == singly.symbols
    assert (list(in_columns.bids), list(in_columns.asks)) == (singly.bids, singly.asks)


@settings(max_examples=50)
@given(columns(), columns())
def test_the_screen_sees_in_columns_what_it_sees_in_books(first, second):
    in_columns, singly = snapshots_of(first, second)
    policy = DetectionPolicy(max_age_ms=10**9, max_skew_ms=10**9)
    assert candidates(in_columns, policy) == candidates(singly, policy)
    assert detect(in_columns, policy) == detect(singly, policy)


@given(columns() | columns(usual), st.booleans())
def test_columns_are_written_as_the_same_bytes(tops, referred):
    in_columns, singly = (
        replace(snapshot, reference="stored" if referred else None) for snapshot in snapshots_of(tops, tops)
    )
    assert encode_snapshot(in_columns) == encode_snapshot(singly)
    orjson.loads(encode_snapshot(in_columns))


@given(columns(usual))
def test_what_is_written_of_columns_is_read_as_their_books(tops):
    tops = replace(tops, others={})
    read = decode_snapshot(encode_snapshot(snapshots_of(tops, tops)[0]))
    for symbol, book in tops.items():
        sides = [tuple(tuple(level) for level in side) for side in read.venues["kraken"].books[symbol][:2]]
        assert sides == [book.bids, book.asks]


@given(columns(), columns())
def test_a_book_stands_still_in_columns_as_it_does_alone(first, second):
    def watched(scans):
        memory, seen = {}, []
        for step, scan in enumerate(scans):
            venues = {
                venue: replace(market, received_ms=NOW + step * 700_000)
                for venue, market in scan.venues.items()
            }
            memory, frozen = observe(memory, replace(scan, venues=venues))
            seen.append(frozen)
        return seen

    in_columns, singly = zip(*(snapshots_of(tops, second) for tops in (first, second, second)), strict=True)
    assert watched(in_columns) == watched(singly)


def test_depth_takes_the_place_of_a_top_and_copies_nothing():
    tops = Tops({"BTC/USDT": 0, "ETH/USDT": 1}, ["9", "5"], ["10", "6"], [9.0, 5.0], [10.0, 6.0])
    deep = BookText([["8", "1"], ["7", "1"]], [["11", "1"]], NOW)
    both = with_books(with_books(tops, {"BTC/USDT": deep}), {"NEW/USDT": deep})
    assert both == {"BTC/USDT": deep, "ETH/USDT": tops["ETH/USDT"], "NEW/USDT": deep}
    assert list(both) == ["BTC/USDT", "ETH/USDT", "NEW/USDT"]
    assert both.bids is tops.bids
    assert with_books({"BTC/USDT": tops["BTC/USDT"]}, {"BTC/USDT": deep}) == {"BTC/USDT": deep}
