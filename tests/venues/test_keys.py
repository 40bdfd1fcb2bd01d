from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from decimal import Decimal

import pytest

from shared.domain.market import Currency, Network
from shared.errors import MissingSecret, VenueError

KEY, SECRET = "read-only-key", base64.b64encode(b"a secret of no value").decode()


class Keys:
    """Secrets as the port gives them."""

    def __init__(self, *venues, missing=()):
        self.values = {f"{venue}-api-key": KEY for venue in venues}
        self.values |= {f"{venue}-api-secret": SECRET for venue in venues}
        self.missing = missing
        self.asked = []

    async def get(self, name):
        self.asked.append(name)
        if name in self.missing:
            raise MissingSecret(f"{name} may not be read; grant the identity access")
        return self.values.get(name)


def serve_bybit(venues):
    chain = {
        "chain": "ETH",
        "chainDeposit": "1",
        "chainWithdraw": "0",
        "withdrawFee": "",
        "contractAddress": "0xAB",
    }
    other = {
        "chain": "ARBI",
        "chainDeposit": "0",
        "chainWithdraw": "1",
        "withdrawFee": "0.3",
        "contractAddress": "",
    }
    venues.serve(
        "/v5/asset/coin/query-info",
        {"retCode": 0, "retMsg": "", "result": {"rows": [{"coin": "USDT", "chains": [chain, other]}]}},
    )
    venues.serve(
        "/v5/account/fee-rate",
        {"retCode": 0, "retMsg": "OK", "result": {"list": [
            {"symbol": "BTCUSDT", "takerFeeRate": "0.0006", "makerFeeRate": "0.0001"},
            {"symbol": "GONEUSDT", "takerFeeRate": "0.0006", "makerFeeRate": "0.0001"}]}},
    )  # fmt: skip


async def test_without_keys_nothing_signed_is_asked(small, venues):
    await small.reference(("binance", "bybit", "gateio", "kraken"))

    assert not [path for path in venues.requests if "private" in path or "sapi" in path or "wallet" in path]


async def test_only_the_client_of_the_reference_holds_a_key(venues, connect, small):
    serve_bybit(venues)
    market = connect(secrets=Keys("bybit"))

    await market.reference(["bybit"])

    assert market._connected().slow("bybit").exchange.apiKey == KEY
    assert market._connected().quick("bybit").exchange.apiKey is None


async def test_keys_are_read_only_when_instruments_are_refreshed(venues, connect, small_market, small):
    keys = Keys("bybit")
    market = connect(secrets=keys)
    market.restore(await small.reference(["bybit"]))

    await market.quotes(["bybit"])
    assert keys.asked == []

    serve_bybit(venues)
    await market.reference(["bybit"])
    assert keys.asked == ["bybit-api-key", "bybit-api-secret"]


async def test_a_bybit_key_tells_networks_and_the_accounts_own_fees(venues, connect, small):
    serve_bybit(venues)

    reference = (await connect(secrets=Keys("bybit")).reference(["bybit"]))["bybit"]

    assert reference.instruments["BTC/USDT"].taker_bps == Decimal(6)
    assert reference.currencies["USDT"] == Currency(
        networks={
            "ERC20": Network(True, False, None, "0xab"),
            "ARBITRUM": Network(False, True, Decimal("0.3"), None),
        }
    )
    assert venues.requests["/v5/account/fee-rate"][0].headers["X-BAPI-API-KEY"] == KEY


async def test_a_binance_key_tells_the_recorded_networks(recorded, venues, connect, small):
    routes = json.loads(recorded("gocryptotrader_rest_mocks", "binance_http.json"))["routes"]
    venues.serve("/sapi/v1/capital/config/getall", routes["/sapi/v1/capital/config/getall"]["GET"][0]["data"])
    venues.serve(
        "/sapi/v1/asset/tradeFee",
        [{"symbol": "BTCUSDT", "makerCommission": "0.00075", "takerCommission": "0.00075"}],
    )

    reference = (await connect(secrets=Keys("binance")).reference(["binance"]))["binance"]

    assert reference.currencies["STPT"].networks == {"ERC20": Network(True, True, Decimal(370), None)}
    assert reference.instruments["BTC/USDT"].taker_bps == Decimal("7.5")
    request = venues.requests["/sapi/v1/asset/tradeFee"][0]
    signed, _, signature = request.query_string.rpartition("&signature=")
    assert request.headers["X-MBX-APIKEY"] == KEY
    assert signature == hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).hexdigest()


async def test_a_gate_key_adds_withdrawal_fees_to_the_chains_that_everybody_is_told(
    recorded, venues, connect, small
):
    body = recorded("xchange_rest_samples", "gateio_v4", "api_v4_wallet_withdraw_status.json")
    venues.serve("/api/v4/wallet/withdraw_status", body)
    venues.serve("/api/v4/wallet/fee", {"user_id": 1, "taker_fee": "0.0009", "maker_fee": "0.0008"})

    reference = (await connect(secrets=Keys("gateio")).reference(["gateio"]))["gateio"]

    networks = reference.currencies["USDT"].networks
    assert networks["ERC20"] == Network(True, True, Decimal(5), "0xdac17f958d2ee523a2206206994597c13d831ec7")
    assert networks["TRC20"].withdraw is False
    assert networks["TRC20"].withdraw_fee == Decimal(1)
    assert networks["SOL"] == Network(None, None, Decimal("0.1"), None)
    assert reference.instruments["BTC/USDT"].taker_bps == Decimal(9)


async def test_a_kraken_key_tells_networks_and_the_tier_of_its_volume(venues, connect, small_market, small):
    venues.serve(
        "/0/private/WithdrawMethods",
        {"error": [], "result": [
            {"asset": "XXBT", "method": "Bitcoin", "network": "Bitcoin", "minimum": "0.0004"},
            {"asset": "XXBT", "method": "Bitcoin Lightning", "network": "Lightning", "minimum": "0.00001"},
            {"asset": "SAND", "method": "SAND", "network": "Ethereum", "minimum": "1"}]},
    )  # fmt: skip
    venues.serve(
        "/0/private/DepositMethods", {"error": [], "result": [{"method": "Bitcoin", "gen-address": True}]}
    )
    venues.serve(
        "/0/private/TradeVolume", {"error": [], "result": {"currency": "ZUSD", "volume": "12000.0000"}}
    )
    market = connect(secrets=Keys("kraken"), deposit_assets=("BTC", "DOGE"))
    # five requests would wait ten seconds for the next window of the rate limit
    market._connected().slow("kraken").exchange.enableRateLimit = False

    reference = (await market.reference(["kraken"]))["kraken"]

    assert reference.currencies["BTC"].networks == {
        "BTC": Network(deposit=True, withdraw=True),
        "BTCLIGHTNING": Network(deposit=None, withdraw=True),
    }
    assert reference.currencies["SAND"].networks == {"ERC20": Network(deposit=False, withdraw=True)}
    assert reference.instruments["BTC/USD"].taker_bps == Decimal(35)
    assert venues.count("/0/private/DepositMethods") == 1
    assert venues.requests["/0/private/TradeVolume"][0].headers["API-Key"] == KEY


async def test_a_refused_key_is_logged_and_the_public_reference_goes_on(
    venues, connect, small, reply, caplog
):
    venues.serve("/v5/asset/coin/query-info", {"retCode": 10003, "retMsg": "API key is invalid."})
    venues.serve(
        "/v5/account/fee-rate", reply({"retCode": 10004, "retMsg": f"error sign! origin_string[1{KEY}5000]"})
    )

    market = connect(secrets=Keys("bybit"))
    reference = (await market.reference(["bybit"]))["bybit"]
    quotes = (await market.quotes(["bybit"]))["bybit"]

    assert reference.instruments["BTC/USDT"].taker_bps is None
    assert reference.currencies == {}
    assert len(quotes.books) == 1
    assert "API key is invalid" in caplog.text
    assert KEY not in caplog.text


async def test_a_key_refused_for_its_address_does_not_ban_public_data(
    venues, connect, small, reply, recorded
):
    forbidden = recorded("xchange_rest_samples", "gateio_v4", "api_v4_wallet_withdraw_status-forbidden.json")
    venues.serve("/api/v4/wallet/withdraw_status", reply(forbidden, status=403))
    venues.serve("/api/v4/wallet/fee", reply(forbidden, status=403))
    market = connect(secrets=Keys("gateio"))

    reference = (await market.reference(["gateio"]))["gateio"]

    assert reference.currencies["USDT"].networks["TRC20"].withdraw is False
    assert len((await market.quotes(["gateio"]))["gateio"].books) == 1


@pytest.mark.parametrize("fault", ["silent", "unreachable", "refused", "html"])
async def test_neither_key_nor_signature_appears_in_an_error_or_a_log(
    venues, connect, small, reply, caplog, fault
):
    caplog.set_level(logging.DEBUG)
    faults = {
        "silent": reply([], delay_s=0.6),
        "unreachable": reply(b"x" * 100, cut=10),
        "refused": reply(
            {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, status=401
        ),
        "html": reply("<html>nothing here</html>", status=400),
    }
    venues.serve("/sapi/v1/capital/config/getall", faults[fault])
    venues.serve("/sapi/v1/asset/tradeFee", faults[fault])

    await connect(secrets=Keys("binance"), time_out_ms=200).reference(["binance"])

    assert len([record for record in caplog.records if record.name.startswith("shared.")]) == 2
    assert KEY not in caplog.text
    assert SECRET not in caplog.text
    assert "signature" not in caplog.text


@pytest.mark.parametrize("half", ["binance-api-key", "binance-api-secret"])
async def test_half_a_key_is_no_key_and_said_so(connect, small, caplog, half):
    keys = Keys("binance")
    del keys.values[half]

    reference = (await connect(secrets=keys).reference(["binance"]))["binance"]

    assert not isinstance(reference, VenueError)
    assert "set both binance-api-key and binance-api-secret, or neither" in caplog.text


async def test_a_secret_that_may_not_be_read_is_named_and_the_public_reference_goes_on(
    connect, small, caplog
):
    keys = Keys("binance", missing=("binance-api-key",))

    reference = (await connect(secrets=keys).reference(["binance"]))["binance"]

    assert len(reference.instruments) == 1
    assert "binance-api-key may not be read" in caplog.text
