"""Which fee applies, and what it makes of an order."""

from decimal import localcontext

import pytest

from shared.domain.fees import FeeOverride, FeeOverrides, TakerFee, fee_overrides, order_flows, taker_fee
from shared.domain.market import FeeAsset, Side
from shared.errors import MalformedRecord
from tests.domain.small_market import D, venue

MARKET = venue("kraken", {}, bps=40, fee="quote", instruments={"BTC/USDT": {"taker_bps": 25}})


def rate(symbol="BTC/USDT", market=MARKET, **overrides):
    return taker_fee("kraken", symbol, market, FeeOverrides(**overrides))


def test_overrides_go_before_the_instrument_and_that_before_the_venue():
    venue_wide = {"venues": {"kraken": FeeOverride(D(20))}}
    own = {"instruments": {("kraken", "BTC/USDT"): FeeOverride(D(0), FeeAsset.RECEIVED)}}
    assert rate("ETH/USDT") == TakerFee(D("0.004"), FeeAsset.QUOTE)
    assert rate() == TakerFee(D("0.0025"), FeeAsset.QUOTE)
    assert rate(**venue_wide) == TakerFee(D("0.002"), FeeAsset.QUOTE)
    assert rate(**venue_wide, **own) == TakerFee(D(0), FeeAsset.RECEIVED)


def test_an_unknown_rate_is_no_fee_and_an_unknown_asset_is_the_one_received():
    unknown = venue("kraken", {}, bps=None)
    assert rate(market=unknown) is None
    assert rate(market=venue("kraken", {}, fee_asset=None)) == TakerFee(D("0.001"), FeeAsset.RECEIVED)


@pytest.mark.parametrize(
    ("side", "asset", "flows"),
    [
        (Side.BUY, FeeAsset.RECEIVED, ("200", "1.998", "0.002")),
        (Side.BUY, FeeAsset.QUOTE, ("200.2", "2", "0.2")),
        (Side.SELL, FeeAsset.RECEIVED, ("2", "199.8", "0.2")),
        (Side.SELL, FeeAsset.QUOTE, ("2", "199.8", "0.2")),
    ],
)
def test_an_order_pays_gets_and_leaves_a_fee(side, asset, flows):
    with localcontext(prec=2):
        assert order_flows(side, D(2), D(200), TakerFee(D("0.001"), asset)) == tuple(map(D, flows))


def test_overrides_are_read_from_a_configuration():
    read = fee_overrides(
        {
            "kraken": {
                "taker_bps": "25",
                "instruments": {"BTC/USDT": {"taker_bps": 7.5, "fee_asset": "received"}},
            }
        }
    )
    assert read.venues == {"kraken": FeeOverride(D(25))}
    assert read.instruments == {("kraken", "BTC/USDT"): FeeOverride(D("7.5"), FeeAsset.RECEIVED)}


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ([], "fees"),
        ({"kraken": 10}, "kraken"),
        ({"kraken": {"taker": 10}}, "kraken.taker"),
        ({"kraken": {"taker_bps": "ten"}}, "kraken.taker_bps"),
        ({"kraken": {"taker_bps": True}}, "kraken.taker_bps"),
        ({"kraken": {"taker_bps": "10000"}}, "kraken.taker_bps"),
        ({"kraken": {"fee_asset": "BNB"}}, "kraken.fee_asset"),
        ({"kraken": {"instruments": []}}, "kraken.instruments"),
        (
            {"kraken": {"instruments": {"BTC/USDT": {"instruments": {}}}}},
            "kraken.instruments.BTC/USDT.instruments",
        ),
    ],
)
def test_a_wrong_override_is_named(raw, field):
    with pytest.raises(MalformedRecord) as caught:
        fee_overrides(raw)
    assert caught.value.field == field
