"""The snapshot's codec: what is written is read, and what does not fit is named by its field."""

import gzip
import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.detection import detect
from shared.domain.market import (
    VENUE_IDS,
    BookText,
    Currency,
    FeeAsset,
    Instrument,
    Network,
    Snapshot,
    VenueMarket,
)
from shared.errors import InputError, MalformedRecord
from shared.snapshots import (
    References,
    decode_reference,
    decode_snapshot,
    detection_json,
    encode_reference,
    encode_snapshot,
    read_snapshots,
)
from tests.domain.small_market import D, book, policy, snapshot, top, venue

MINIMAL = {"version": 1, "time": "2026-11-22T12:00:00.000Z", "venues": {"binance": {"books": {}}}}


def line(**changes):
    return orjson.dumps({**MINIMAL, **changes})


def binance(**fields):
    return {"binance": {"books": {}, **fields}}


def books(**sides):
    return binance(books={"BTC/USDT": sides})


def test_the_designs_example_is_read_as_it_stands():
    read = decode_snapshot(
        """{"version": 1, "time": "2026-11-22T12:00:00.000Z", "scan_id": "optional", "phase": "scan",
        "balances": {"binance": {"USDT": "10000"}},
        "venues": {"binance": {
          "received": "2026-11-22T11:59:59.800Z", "taker_bps": "10", "fee_asset": "received", "status": "ok",
          "error": null,
          "instruments": {"BTC/USDT": {"base": "BTC", "quote": "USDT", "tradable": true, "leveraged": false,
             "amount_step": "0.00001", "price_step": "0.01", "min_amount": "0.00001", "max_amount": null,
             "min_notional": "5", "taker_bps": "10", "fee_asset": "received"}},
          "books": {"BTC/USDT": {"time": "2026-11-22T11:59:59.700Z", "received": null, "sequence": null,
             "bids": [["60000.00", "0.5"]], "asks": [["60001.00", "0.4"]]}},
          "currencies": {"BTC": {"asset_id": "optional identity", "networks": {"BTC": {"deposit": true,
             "withdraw": true, "withdraw_fee": "0.0002", "contract": null}}}}}}}"""
    )
    market = read.venues["binance"]
    assert read.time_ms - market.received_ms == 200
    assert read.balances == {"binance": {"USDT": 10_000}}
    assert market.books["BTC/USDT"].bids == [["60000.00", "0.5"]]
    assert market.instruments["BTC/USDT"] == Instrument(
        "binance",
        "BTC/USDT",
        "BTC",
        "USDT",
        tradable=True,
        leveraged=False,
        amount_step=D("0.00001"),
        price_step=D("0.01"),
        min_amount=D("0.00001"),
        min_notional=D(5),
        taker_bps=D(10),
        fee_asset=FeeAsset.RECEIVED,
    )
    assert market.currencies["BTC"].networks["BTC"].withdraw_fee == D("0.0002")


def test_everything_but_version_time_and_books_may_be_missing():
    read = decode_snapshot(line())
    assert (read.scan_id, read.phase, read.balances) == (None, "scan", None)
    assert read.venues["binance"] == VenueMarket()


numbers = st.decimals(0, 10**12, allow_nan=False, allow_infinity=False, places=12).map(
    lambda n: n.normalize()
)
maybe = st.none() | numbers
flags = st.none() | st.booleans()
words = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\ud800"), max_size=8)
times = st.none() | st.integers(0, 4_000_000_000_000)
assets = st.sampled_from(["BTC", "ETH", "USDT", "EUR", "A1"])
symbols = st.permutations(["BTC", "ETH", "USDT", "EUR", "A1"]).map(lambda names: "/".join(names[:2]))
rows = st.lists(st.tuples(numbers.map(str), st.none() | numbers.map(str)).map(list), max_size=4)
texts = st.builds(BookText, rows, rows, times, times, st.none() | st.integers(0, 2**60))
networks = st.builds(Network, flags, flags, maybe, words)
currencies = st.builds(Currency, words, st.dictionaries(st.sampled_from(["ETH", "BSC"]), networks))


@st.composite
def instruments(draw, name, symbol):
    fees = st.none() | st.decimals(-9_999, 9_999, places=4)
    base, quote = symbol.split("/")
    terms = draw(st.tuples(flags, flags, maybe, maybe, maybe, maybe, maybe))
    return Instrument(
        name, symbol, base, quote, *terms, draw(fees), draw(st.none() | st.sampled_from(FeeAsset))
    )


@st.composite
def venues(draw, name):
    listed = {symbol: draw(instruments(name, symbol)) for symbol in draw(st.lists(symbols, max_size=3))}
    return draw(
        st.builds(
            VenueMarket,
            times,
            st.none() | st.decimals(-9_999, 9_999, places=4),
            st.none() | st.sampled_from(FeeAsset),
            st.sampled_from(["ok", "banned"]),
            words,
            st.just(listed),
            st.dictionaries(symbols, texts, max_size=3),
            st.dictionaries(assets, currencies, max_size=3),
        )
    )


@st.composite
def snapshots(draw):
    named = draw(st.lists(st.sampled_from(VENUE_IDS), unique=True))
    balances = st.none() | st.dictionaries(st.sampled_from(VENUE_IDS), st.dictionaries(assets, numbers))
    return Snapshot(
        draw(st.integers(0, 4_000_000_000_000)),
        {name: draw(venues(name)) for name in named},
        draw(words),
        draw(st.sampled_from(["scan", "execution"])),
        None,
        draw(balances),
    )


@given(snapshots())
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_and_written_alike(market):
    written = encode_snapshot(market)
    read = decode_snapshot(written)
    assert b"\n" not in written
    assert encode_snapshot(read) == written
    assert read == market or _plain(read) == _plain(market)


def _plain(market):
    """Empty sides are read as empty, whatever kind of sequence they were."""
    return json.loads(encode_snapshot(market)), market.time_ms, market.scan_id, market.balances


@given(snapshots())
@settings(max_examples=30, deadline=None)
def test_instruments_and_currencies_can_be_left_to_a_reference(market):
    stored = encode_reference(market.venues)
    assert encode_reference(decode_reference(stored)) == stored
    named = Snapshot(market.time_ms, market.venues, reference="blob")
    read = decode_snapshot(encode_snapshot(named), References({"blob": stored}.__getitem__))
    for name, each in market.venues.items():
        assert read.venues[name].instruments == each.instruments
        assert read.venues[name].currencies == each.currencies


def test_a_reference_is_read_once_for_many_snapshots():
    reads = []

    def read(name):
        reads.append(name)
        return encode_reference(snapshot(binance={}).venues)

    references = References(read)
    for _ in range(3):
        decode_snapshot(line(reference="blob"), references)
    assert reads == ["blob"]


@pytest.mark.parametrize("references", [None, References({}.__getitem__)])
def test_a_reference_that_cannot_be_read_is_named(references):
    with pytest.raises(MalformedRecord, match=r"^reference: 'gone' names"):
        decode_snapshot(line(reference="gone"), references)


@pytest.mark.parametrize(
    ("malformed", "field"),
    [
        (b"", "line"),
        (b"{", "line"),
        (b"[]", "line"),
        (b"\xff\xfe", "line"),
        (line(version=2), "version"),
        (line(version="1"), "version"),
        (line(time=None), "time"),
        (line(time=1_780_000_000_000), "time"),
        (line(time="2026-11-22T12:00:00"), "time"),
        (line(time="yesterday"), "time"),
        (line(phase="later"), "phase"),
        (line(venues=None), "venues"),
        (line(venues=[]), "venues"),
        (line(venues={"binance": None}), "venues.binance.books"),
        (line(venues={"binance": {}}), "venues.binance.books"),
        (line(venues=binance(received="soon")), "venues.binance.received"),
        (line(venues=binance(taker_bps=0.1)), "venues.binance.taker_bps"),
        (line(venues=binance(taker_bps="10000")), "venues.binance.taker_bps"),
        (line(venues=binance(fee_asset="BNB")), "venues.binance.fee_asset"),
        (line(venues=binance(status=1)), "venues.binance.status"),
        (line(venues=binance(books={"BTCUSDT": {}})), "venues.binance.books.BTCUSDT"),
        (line(venues=binance(books={"BTC/USDT": []})), "venues.binance.books.BTC/USDT"),
        (line(venues=books(bids={})), "venues.binance.books.BTC/USDT.bids"),
        (line(venues=books(bids=[["1", "1"]] * 3 + ["1"])), "venues.binance.books.BTC/USDT.bids[3]"),
        (line(venues=books(asks=[["1", "1", "1"]])), "venues.binance.books.BTC/USDT.asks[0]"),
        (line(venues=books(asks=[[1.5, "1"]])), "venues.binance.books.BTC/USDT.asks[0]"),
        (line(venues=books(asks=[["1.5", True]])), "venues.binance.books.BTC/USDT.asks[0]"),
        (line(venues=books(sequence="1")), "venues.binance.books.BTC/USDT.sequence"),
        (
            line(venues=binance(instruments={"BTC/USDT": {"amount_step": "-1"}})),
            "venues.binance.instruments.BTC/USDT.amount_step",
        ),
        (
            line(venues=binance(instruments={"BTC/USDT": {"min_notional": "1e99"}})),
            "venues.binance.instruments.BTC/USDT.min_notional",
        ),
        (
            line(venues=binance(instruments={"BTC/USDT": {"base": "ETH"}})),
            "venues.binance.instruments.BTC/USDT.base",
        ),
        (
            line(venues=binance(instruments={"BTC/USDT": {"tradable": "yes"}})),
            "venues.binance.instruments.BTC/USDT.tradable",
        ),
        (
            line(venues=binance(currencies={"BTC": {"networks": {"BTC": {"deposit": 1}}}})),
            "venues.binance.currencies.BTC.networks.BTC.deposit",
        ),
        (line(balances={"binance": {"USDT": "-1"}}), "balances.binance.USDT"),
        (line(balances={"binance": {"USDT": None}}), "balances.binance.USDT"),
        (line(balances={"binance": "10"}), "balances.binance"),
    ],
)
def test_what_does_not_fit_is_named_by_its_field(malformed, field):
    with pytest.raises(MalformedRecord) as caught:
        decode_snapshot(malformed)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")


def test_whole_numbers_without_quotes_are_read_and_texts_of_levels_are_left_to_the_book():
    read = decode_snapshot(line(venues=books(bids=[[60_000, 1]], asks=[["x", None]])))
    assert read.venues["binance"].books["BTC/USDT"].bids == [["60000", "1"]]
    assert read.venues["binance"].books["BTC/USDT"].asks == [["x", None]]


@pytest.mark.parametrize("suffix", [".ndjson", ".ndjson.gz"])
def test_a_recording_is_read_line_by_line_and_bad_lines_do_not_stop_it(tmp_path, suffix):
    recording = tmp_path / f"market{suffix}"
    content = b"\n".join([line(scan_id="a"), b"", b"{broken", line(scan_id="b")])
    recording.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    (one, first), (three, bad), (four, last) = read_snapshots(recording)
    assert (one, three, four) == (1, 3, 4)
    assert (first.scan_id, last.scan_id) == ("a", "b")
    assert isinstance(bad, MalformedRecord)


@pytest.mark.parametrize("suffix", [".json", ".json.gz"])
def test_a_json_file_is_one_snapshot_however_it_is_laid_out(tmp_path, suffix):
    recording = tmp_path / f"market{suffix}"
    content = json.dumps(MINIMAL, indent=2).encode()
    recording.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    ((number, read),) = read_snapshots(recording)
    assert (number, read) == (1, decode_snapshot(line()))


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(line())[:-12]])
def test_a_file_that_cannot_be_read_is_an_error_that_names_it(tmp_path, content):
    recording = tmp_path / "market.ndjson.gz"
    recording.write_bytes(content)
    with pytest.raises(InputError, match=r"market\.ndjson\.gz: cannot be read"):
        list(read_snapshots(recording))


def test_other_files_are_no_recordings(tmp_path):
    with pytest.raises(InputError, match=r"must end in \.ndjson"):
        list(read_snapshots(tmp_path / "market.csv"))
    with pytest.raises(InputError, match="cannot be read"):
        list(read_snapshots(tmp_path / "absent.json"))


def test_a_detection_is_printed_in_plain_numbers_and_without_floats():
    market = snapshot(
        binance=venue("binance", {"SHIB/USDT": top("0.00000099", "0.000001", 10**9)}, bps="7.5"),
        kraken={"SHIB/USDT": book([("0.00000101", 10**7)], [("0.0000011", 1)])},
        bybit={"SHIB/USDT": top("0.00000102", "0.0000011", age_ms=9_000)},
    )
    printed = detection_json(market, detect(market, policy(too_good_bps=D(1000))))
    (opportunity,) = printed["opportunities"]
    assert list(opportunity) == [
        "id",
        "kind",
        "start_asset",
        "start_amount",
        "end_amount",
        "net_profit",
        "gross_profit",
        "net_bps",
        "legs",
        "oldest_book_ms",
        "skew_ms",
        "marks",
    ]
    assert list(opportunity["legs"][0]) == [
        "venue",
        "symbol",
        "side",
        "amount",
        "average_price",
        "limit_price",
        "fee",
        "fee_asset",
    ]
    assert opportunity["legs"][0]["average_price"] == "0.000001"
    assert list(printed["rejections"][0]) == ["reason", "path", "net_bps", "detail"]
    texts = [opportunity[name] for name in list(opportunity)[3:8]]
    assert all(D(each) == D(each) and "E" not in each.upper() for each in texts)
    assert not _floats(printed)


def _floats(value):
    if isinstance(value, dict):
        return any(_floats(each) for each in value.values())
    if isinstance(value, list):
        return any(_floats(each) for each in value)
    return isinstance(value, float)
