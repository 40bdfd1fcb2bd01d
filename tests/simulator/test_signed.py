"""The signed endpoints: the demo key opens them through the real clients, and nothing else does."""

import ccxt
import pytest

from simulator import VENUES


@pytest.mark.parametrize("venue", ["binance", "bybit", "gateio"])
async def test_the_demo_key_shows_networks_and_what_they_cost(venue, client, world):
    async with client(venue, keys=True) as exchange:
        currencies = await exchange.fetch_currencies()
    for ticker in ("BTC", "LINK", "USDT", "ALGO"):
        expected = {n.name: (n.deposit, n.withdraw) for n in world.networks(venue, ticker)}
        shown = {n["id"]: (n["deposit"], n["withdraw"]) for n in currencies[ticker]["networks"].values()}
        assert shown == expected
    if venue != "gateio":
        assert currencies["USDT"]["networks"]["TRC20"]["fee"] > 0


async def test_gateio_tells_withdrawal_fees_to_the_demo_key(client, world):
    async with client("gateio", keys=True) as exchange:
        rows = {row["currency"]: row for row in await exchange.privateWalletGetWithdrawStatus()}
        one = await exchange.privateWalletGetWithdrawStatus({"currency": "BTC"})
    networks = world.networks("gateio", "USDT")
    assert rows["USDT"]["withdraw_fix_on_chains"] == {n.name: n.withdraw_fee for n in networks}
    assert [row["currency"] for row in one] == ["BTC"]


async def test_kraken_lists_the_open_ways_in_and_out(client):
    async with client("kraken", keys=True) as exchange:
        ways_in = (await exchange.privatePostDepositMethods({"asset": "USDT"}))["result"]
        ways_out = (await exchange.privatePostWithdrawMethods({"asset": "XBT"}))["result"]
        shut = (await exchange.privatePostDepositMethods({"asset": "SAND"}))["result"]
    assert "USDT (TRC20)" in {way["method"] for way in ways_in}
    assert ways_out[0]["network"] == "Bitcoin"
    assert shut == []


async def test_the_demo_key_shows_its_own_fee_tier(client):
    taker = {}
    for venue in VENUES:
        async with client(venue, keys=True) as exchange:
            taker[venue] = (await exchange.fetch_trading_fee("BTC/USDT"))["taker"]
            if venue == "binance":
                assert len(await exchange.fetch_trading_fees()) > 300
    assert taker == {"binance": 0.001, "bybit": 0.001, "gateio": 0.0009, "kraken": 0.0035}


SIGNED = {
    "binance": lambda e: e.sapiGetCapitalConfigGetall(),
    "bybit": lambda e: e.privateGetV5AccountFeeRate({"category": "spot"}),
    "gateio": lambda e: e.privateSpotGetFee(),
    "kraken": lambda e: e.privatePostTradeVolume({"pair": "XBTUSDT"}),
}


@pytest.mark.parametrize("venue", VENUES)
async def test_a_wrong_key_or_secret_is_refused_as_the_venue_refuses_it(venue, client):
    async with client(venue, keys=True) as exchange:
        assert await SIGNED[venue](exchange)
        good_key, good_secret = exchange.apiKey, exchange.secret
        exchange.apiKey = "someone else"
        with pytest.raises(ccxt.AuthenticationError):
            await SIGNED[venue](exchange)
        exchange.apiKey, exchange.secret = good_key, good_secret[:-4] + "AAA="
        with pytest.raises(ccxt.ExchangeError, match=r"(?i)sign"):
            await SIGNED[venue](exchange)


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/sapi/v1/capital/config/getall", "GET"),
        ("/sapi/v1/asset/tradeFee", "GET"),
        ("/v5/asset/coin/query-info", "GET"),
        ("/v5/account/fee-rate?category=spot", "GET"),
        ("/api/v4/wallet/withdraw_status", "GET"),
        ("/api/v4/wallet/fee", "GET"),
        ("/api/v4/account/detail", "GET"),
        ("/0/private/DepositMethods", "POST"),
        ("/0/private/WithdrawMethods", "POST"),
        ("/0/private/TradeVolume", "POST"),
    ],
)
async def test_without_a_key_nothing_private_is_told(path, method, ask):
    text = (await ask(path, method)).body.decode().lower()
    assert "key" in text
    assert "usdt" not in text
