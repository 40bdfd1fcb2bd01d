import gzip
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import records
from shared.domain.opportunity import Reason
from shared.domain.trade import TradeStatus
from shared.errors import InputError, MalformedRecord
from shared.records.text import fitted, utf16_length

NAME = "simulated/scans/date=2026-11-22/hour=12/20261122T120000123Z-{}.json.gz"


def damaged(batch, change):
    payload = orjson.loads(gzip.decompress(records.encode_batch(batch)))
    change(payload)
    return gzip.compress(orjson.dumps(payload))


def test_a_scan_id_sorts_by_time_and_is_the_same_for_the_same_scan():
    first = records.make_scan_id("live", "timer", 1_795_348_800_123, "a")
    assert first == records.make_scan_id("live", "timer", 1_795_348_800_123, "a")
    assert first.startswith("20261122T120000123Z-")
    assert len(first) == 28
    assert first != records.make_scan_id("simulated", "timer", 1_795_348_800_123, "a")
    assert first < records.make_scan_id("live", "timer", 1_795_348_800_124, "a")


def test_blobs_are_named_by_market_dataset_date_and_hour(sample):
    assert sample.scan_batch().name == NAME.format(sample.scan_id[-8:])
    assert sample.trades_batch().name == NAME.format(sample.scan_id[-8:]).replace("/scans/", "/trades/")
    assert records.snapshot_name("live", sample.time_ms, "id", "execution") == (
        "live/snapshots/date=2026-11-22/hour=12/id-execution.ndjson.gz"
    )
    content = records.reference_name("live", b"{}")
    assert content == records.reference_name("live", b"{}") != records.reference_name("live", b"{ }")


def test_every_blob_name_is_one_that_a_lake_takes(sample):
    for name in (
        sample.scan_batch().name,
        records.reference_name("live", b""),
        records.snapshot_name("live", 0, "i", "scan"),
    ):
        assert records.checked_name(name) == name
    with pytest.raises(InputError, match="no part starting with"):
        records.checked_name("live/../x")


@pytest.mark.parametrize("kind", ["scan_batch", "trades_batch"])
def test_a_batch_reads_back_as_it_was_written(sample, kind):
    batch = getattr(sample, kind)()
    assert records.decode_batch(records.encode_batch(batch)) == batch


def test_the_same_batch_gives_the_same_bytes(make_sample):
    assert records.encode_batch(make_sample().scan_batch()) == records.encode_batch(
        make_sample().scan_batch()
    )


def test_columns_that_an_older_release_did_not_know_are_null(sample):
    def forget(payload):
        del payload["rows"]["venue_health"][0]["clock_drift_ms"]

    batch = records.decode_batch(damaged(sample.scan_batch(), forget))
    assert batch.rows["venue_health"][0]["clock_drift_ms"] is None


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("time", "2026-11-22 12:00:00", "time such as"),
        ("time", 12, "time such as"),
        ("opportunity_id", "x" * 41, "at most 40"),
        ("opportunity_id", None, "at most 40"),
        ("net_profit", 2.99, "plain decimal"),
        ("net_profit", "1e3", "plain decimal"),
        ("net_profit", "NaN", "plain decimal"),
        ("net_profit", "1" * 21, "plain decimal"),
        ("net_profit", "0." + "1" * 19, "plain decimal"),
        ("skew_ms", "3", "integer of 64 bits"),
        ("skew_ms", True, "integer of 64 bits"),
        ("skew_ms", 2**63, "integer of 64 bits"),
        ("market", "paper", "one of simulated, live"),
        ("marks", None, "JSON of at most"),
        ("marks", ["x" * 5000], "JSON of at most"),
        ("surprise", 1, "no column of arbitrage_opportunities"),
    ],
)
def test_a_value_that_does_not_fit_its_column_is_named_with_its_row(sample, field, value, expected):
    def spoil(payload):
        payload["rows"]["arbitrage_opportunities"][0][field] = value

    with pytest.raises(MalformedRecord, match=expected) as error:
        records.decode_batch(damaged(sample.scan_batch(), spoil))
    assert error.value.field == f"rows.arbitrage_opportunities[0].{field}"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda payload: payload.update(version=2), "version"),
        (lambda payload: payload.update(kind="other"), "kind"),
        (lambda payload: payload.update(market=None), "market"),
        (lambda payload: payload.update(scan_id=7), "scan_id"),
        (lambda payload: payload.update(time="yesterday"), "time"),
        (lambda payload: payload.update(rows=[]), "rows"),
        (lambda payload: payload["rows"].update(load_ledger=[]), "rows.load_ledger"),
        (lambda payload: payload["rows"].update(unknown=[]), "rows.unknown"),
        (lambda payload: payload["rows"].update(scans={}), "rows.scans"),
        (lambda payload: payload["rows"].update(scans=[1]), "rows.scans[0]"),
    ],
)
def test_a_batch_of_another_shape_is_refused_by_its_field(sample, change, field):
    with pytest.raises(MalformedRecord) as error:
        records.decode_batch(damaged(sample.scan_batch(), change))
    assert error.value.field == field


@pytest.mark.parametrize("cut", [0, 5, 100, -1])
def test_a_truncated_blob_is_refused(sample, cut):
    with pytest.raises(MalformedRecord, match="is not gzipped JSON"):
        records.decode_batch(records.encode_batch(sample.scan_batch())[:cut])


def test_rejections_are_counted_by_reason_with_the_best_of_each(sample):
    stale, good = sample.scan_batch().rows["rejections"]
    assert (stale["reason"], stale["refused"], stale["best_net_bps"]) == ("STALE_BOOK", 2, "250.2")
    assert stale["best_path"] == "binance:B/USDT:buy > kraken:B/USDT:sell"
    assert (good["reason"], good["best_net_bps"]) == (Reason.TOO_GOOD_TO_BE_TRUE, None)


def test_market_data_holds_the_wanted_tops_and_null_for_what_is_no_number(sample):
    good, odd = sample.scan_batch().rows["market_data"]
    assert (good["bid"], good["bid_amount"], good["ask"], good["ask_amount"]) == (
        "60000",
        "0.5",
        "60001",
        None,
    )
    assert (good["book_time"], good["received"]) == ("2026-11-22T11:59:59.823Z", "2026-11-22T11:59:59.923Z")
    assert (odd["symbol"], odd["bid"], odd["bid_amount"], odd["ask"]) == ("ODD/USDT", None, "1", None)


def test_trades_split_their_difference_into_all_causes(sample):
    row = sample.trades_batch().rows["trades"][0]
    assert (row["cause_slippage"], row["cause_fees"], row["cause_unwind"]) == ("-1", "-0.89", "0")
    assert (row["venues"], row["exposure"]) == ("binance>kraken", {"BTC": "0.00001"})


def test_a_required_number_that_no_store_holds_is_refused_before_it_is_written(sample):
    leg = sample.opportunity.legs[0]
    object.__setattr__(leg, "amount", Decimal("1e21"))
    with pytest.raises(MalformedRecord, match=r"opportunity_legs\.amount"):
        records.leg_rows(sample.key, [sample.opportunity])


def test_numbers_are_rounded_half_even_to_eighteen_decimals():
    assert records.storable(Decimal("0.0000000000000000005")) == "0"
    assert records.storable(Decimal("0.0000000000000000015")) == "0.000000000000000002"
    assert records.storable(Decimal("-0.0")) == "0"
    assert records.storable(Decimal("1E+3")) == "1000"
    assert records.storable(Decimal("99999999999999999999.999999999999999999")) is not None
    assert records.storable(Decimal("99999999999999999999.9999999999999999999")) is None
    for odd in ("NaN", "sNaN", "Infinity", "-Infinity"):
        assert records.storable(Decimal(odd)) is None


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_plain_numbers_read_back_as_the_same_number(value):
    text = records.plain(value)
    assert Decimal(text) == value
    assert "e" not in text.lower()


@given(st.integers(min_value=0, max_value=253_402_300_799_999))
def test_times_read_back_to_the_millisecond(time_ms):
    assert records.from_iso(records.iso(time_ms)) == time_ms


@pytest.mark.parametrize(
    "text", ["2026-02-30T00:00:00.000Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000+00:00", ""]
)
def test_other_times_are_refused(text):
    with pytest.raises(MalformedRecord, match="time such as"):
        records.from_iso(text)


@given(st.text(), st.integers(min_value=20, max_value=60))
def test_a_fitted_text_fits_and_different_texts_stay_different(text, size):
    assert utf16_length(fitted(text, size)) <= size
    longer = text + "x" * size
    assert fitted(longer, size) != fitted(longer + "y", size)


def test_lone_surrogates_become_question_marks():
    assert fitted("a\ud800b", 10) == "a?b"


@pytest.mark.parametrize("name", ["opportunity", "verdict", "trade", "transfer"])
def test_a_payload_reads_back_as_the_same_value_through_json(sample, name):
    value = getattr(sample, name)
    payload = getattr(records, f"{name}_to_dict")(value)
    assert getattr(records, f"{name}_from_dict")(orjson.loads(orjson.dumps(payload))) == value


def test_a_payload_keeps_every_digit(sample):
    payload = records.opportunity_to_dict(sample.opportunity)
    assert payload["net_bps"] == "29.911366319201296492667213541145635341429743302455"
    assert payload["legs"][0]["side"] == "buy"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda payload: payload.pop("status"), "status"),
        (lambda payload: payload.update(status="won"), "status"),
        (lambda payload: payload.update(extra=1), "extra"),
        (lambda payload: payload.update(realised_profit=1.5), "realised_profit"),
        (lambda payload: payload.update(realised_profit="NaN"), "realised_profit"),
        (lambda payload: payload.update(decided_ms="now"), "decided_ms"),
        (lambda payload: payload.update(decided_ms=True), "decided_ms"),
        (lambda payload: payload["fills"][1].update(price=None), "fills[1].price"),
        (lambda payload: payload["causes"][0].append("x"), "causes[0]"),
        (lambda payload: payload.update(fills={}), "fills"),
        (lambda payload: payload["fills"].append(3), "fills[2]"),
    ],
)
def test_a_payload_that_is_no_trade_is_refused_by_its_field(sample, change, field):
    payload = records.trade_to_dict(sample.trade)
    change(payload)
    with pytest.raises(MalformedRecord) as error:
        records.trade_from_dict(payload)
    assert error.value.field == field


def test_fields_with_defaults_may_be_missing_from_a_payload(sample):
    payload = records.verdict_to_dict(sample.verdict)
    del payload["cost_usd"]
    assert records.verdict_from_dict(payload).cost_usd == 0
    assert records.trade_from_dict(records.trade_to_dict(sample.trade)).status is TradeStatus.PARTIAL
