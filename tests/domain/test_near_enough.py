"""Books are gated for the test of identity only where their tops leave a doubt, and nothing else is found."""

from dataclasses import replace
from decimal import Decimal
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain import survey as surveying
from shared.domain.gates import Books
from shared.domain.identity import odd_books
from shared.domain.opportunity import Reason
from shared.domain.survey import survey
from shared.domain.tops import side_prices
from shared.domain.values import Values
from tests.domain.small_market import book, policy, snapshot, top

HUBS = {"BTC/USDT": top(999, 1001), "USDC/USDT": top("0.999", "1.001")}
QUOTES = {"USDT": 1, "USDC": 1, "BTC": Decimal("0.001"), "EUR": 1}

fair = st.integers(97, 103) | st.integers(97, 103) | st.integers(90, 110) | st.sampled_from([1, 100, 300])
amounts = st.sampled_from([10, 10, 10, None, 0])
quoted = st.sampled_from(["USDT", "USDC", "BTC"]) | st.just("USDT") | st.sampled_from([*QUOTES])
strange = st.sampled_from(["oops", "nan", "-1", "0", "1e-400", "1e400", " 100"])


@st.composite
def books_of(draw, quote):
    middle = draw(fair) * QUOTES[quote]
    bid, ask = middle * Decimal("0.999"), middle * Decimal("1.001")
    if draw(st.integers(0, 9)) == 0:
        bid = draw(strange)
    bids, asks = [(bid, draw(amounts))], [(ask, draw(amounts))]
    if draw(st.booleans()):
        asks.append((middle * draw(st.sampled_from([Decimal("1.01"), 3])), 5))
    sides = draw(st.sampled_from([(bids, asks)] * 6 + [([], asks), (bids, []), ([], [])]))
    return book(*sides, age_ms=draw(st.sampled_from([300] * 9 + [90_000])))


@st.composite
def markets(draw):
    venues = {}
    for name in draw(
        st.lists(st.sampled_from(["binance", "bybit", "gateio", "kraken"]), min_size=2, unique=True)
    ):
        quotes = draw(st.lists(quoted, min_size=1, max_size=2, unique=True))
        venues[name] = HUBS | {f"ABC/{quote}": draw(books_of(quote)) for quote in quotes}
    return snapshot(**venues)


def seen(found):
    return [replace(loop, books=()) for loop in found.loops], found.rejections, found.profitable


limits = st.sampled_from([0.15, 0.15, 0.05, 0.0, -1.0, 5.0])


@settings(max_examples=200)
@given(markets(), limits)
def test_what_is_found_and_refused_is_the_same_as_if_every_book_was_gated(market, limit):
    limited = policy(max_identity_log=limit)
    with patch.object(surveying, "near_enough", lambda *_: False):
        gated = survey(market, limited)
    assert seen(survey(market, limited)) == seen(gated)


@settings(max_examples=200)
@given(markets(), limits)
def test_no_book_is_odd_where_all_tops_are_near_each_other(market, limit):
    books = Books(market, policy(), {})
    values = Values(books)
    named = [
        (name, symbol) for name in market.venues for symbol in market.venues[name].books if "ABC" in symbol
    ]
    worths = [
        price * float(values.of(symbol.partition("/")[2]) or 0)
        for name, symbol in named
        for price in side_prices(market.venues[name].books[symbol])
    ]
    if surveying.near_enough(worths, limit):
        assert odd_books("ABC", [books[key] for key in named], values, limit) == {}


def test_a_price_behind_a_level_without_an_amount_counts():
    behind = book([(101, 5)], [("101.5", 0), (300, 5)])
    market = snapshot(
        binance={"ABC/USDT": top(99, 100)}, kraken={"ABC/USDT": top(101, 102)}, bybit={"ABC/USDT": behind}
    )
    refused = survey(market, policy()).rejections
    assert [(each.reason, each.path[1]) for each in refused] == [
        (Reason.IDENTITY_CONFLICT, "bybit:ABC/USDT:sell")
    ]


def test_a_book_beside_the_loops_is_gated_only_if_its_top_is_far_from_the_others():
    def gated(beside):
        market = snapshot(
            binance={"ABC/USDT": top(99, 100)} | HUBS,
            kraken={"ABC/USDT": top(101, 102)} | HUBS,
            bybit={"ABC/USDC": beside} | HUBS,
        )
        with patch.object(Books, "_gate", autospec=True, side_effect=Books._gate) as gate:
            assert survey(market, policy()).profitable == 1
        return {call.args[1:3] for call in gate.call_args_list}

    beside = ("bybit", "ABC/USDC")
    assert beside not in gated(top(98, 102))
    assert beside in gated(top(50, 200))
