"""The rows that are served carry the fields of the venues' recorded responses."""

import json

import pytest


@pytest.fixture
def get(ask):
    async def fetched(path):
        return (await ask(path)).json()

    return fetched


def after(path, mark):
    line = path.read_text().splitlines()[0]
    return json.loads(line[line.index(mark) + len(mark) :])


async def test_binance_rows_have_exactly_the_recorded_fields(get, real_data):
    routes = json.loads((real_data / "gocryptotrader_rest_mocks" / "binance_http.json").read_text())["routes"]

    def recorded(path):
        return routes[path]["GET"][0]["data"]

    info, served = recorded("/api/v3/exchangeInfo"), await get("/api/v3/exchangeInfo")
    assert set(served) == set(info)
    assert set(served["symbols"][0]) == set(info["symbols"][0])
    by_type = {f["filterType"]: set(f) for f in info["symbols"][0]["filters"]}
    assert {f["filterType"]: set(f) for f in served["symbols"][0]["filters"]} == by_type
    ticker = await get("/api/v3/ticker/bookTicker?symbol=BTCUSDT")
    assert set(ticker) == set(recorded("/api/v3/ticker/bookTicker"))
    assert len(ticker["bidPrice"].split(".")[1]) == 8
    depth, known = await get("/api/v3/depth?symbol=BTCUSDT"), recorded("/api/v3/depth")
    assert set(depth) == set(known)
    assert [len(text.split(".")[1]) for text in depth["bids"][0]] == [8, 8]


async def test_binance_coin_rows_have_the_recorded_fields(client, real_data):
    routes = json.loads((real_data / "gocryptotrader_rest_mocks" / "binance_http.json").read_text())["routes"]
    known = routes["/sapi/v1/capital/config/getall"]["GET"][0]["data"][0]
    async with client("binance", keys=True) as exchange:
        coins = await exchange.sapiGetCapitalConfigGetall()
    assert set(coins[0]) == set(known)
    linked = next(coin for coin in coins if coin["coin"] == "LINK")
    assert set(linked["networkList"][0]) - {"contractAddress"} == set(known["networkList"][0])


async def test_bybit_rows_have_the_recorded_fields(get, real_data):
    samples = real_data / "xchange_rest_samples" / "bybit_v5"
    known = json.loads((samples / "getTickerSpot.json5").read_text())
    served = await get("/v5/market/tickers?category=spot")
    assert set(served) == set(known)
    assert set(served["result"]["list"][0]) == set(known["result"]["list"][0])
    known = json.loads((samples / "getInstrumentSpot.json5").read_text())["result"]["list"][0]
    served = (await get("/v5/market/instruments-info?category=spot"))["result"]["list"][0]
    assert set(served) >= set(known)
    assert set(served["lotSizeFilter"]) == set(known["lotSizeFilter"])
    assert set(served["priceFilter"]) == set(known["priceFilter"])


async def test_bybit_fee_rows_have_the_recorded_fields(client, real_data):
    known = json.loads((real_data / "xchange_rest_samples" / "bybit_v5" / "getFeeRates.json5").read_text())
    async with client("bybit", keys=True) as exchange:
        served = await exchange.privateGetV5AccountFeeRate({"category": "spot"})
    assert set(served) == set(known)
    assert set(served["result"]["list"][0]) == set(known["result"]["list"][0])


async def test_gateio_rows_have_the_recorded_fields(get, real_data):
    samples = real_data / "xchange_rest_samples" / "gateio_v4"
    for name, path in (
        ("tickers", "/api/v4/spot/tickers"),
        ("currency_pairs", "/api/v4/spot/currency_pairs"),
        ("currencies", "/api/v4/spot/currencies"),
    ):
        known = json.loads((samples / f"api_v4_spot_{name}.json").read_text())[0]
        assert set((await get(path))[0]) >= set(known), name
    recorded = after(real_data / "cryptofeed_raw_recordings" / "GATEIO.0", "883842: ")
    pairs = await get("/api/v4/spot/currency_pairs")
    assert set(pairs[0]) >= set(recorded[0])
    routes = json.loads((real_data / "gocryptotrader_rest_mocks" / "gateio_http.json").read_text())["routes"]
    known = routes["/api/v4/spot/order_book"]["GET"][0]["data"]
    assert set(await get("/api/v4/spot/order_book?currency_pair=BTC_USDT&with_id=true")) == set(known)


async def test_gateio_withdrawal_rows_have_the_recorded_fields(client, real_data):
    samples = real_data / "xchange_rest_samples" / "gateio_v4"
    known = json.loads((samples / "api_v4_wallet_withdraw_status.json").read_text())[0]
    async with client("gateio", keys=True) as exchange:
        assert set((await exchange.privateWalletGetWithdrawStatus())[0]) == set(known)


async def test_gateio_refuses_a_key_with_the_recorded_body(client, ask, real_data):
    samples = real_data / "xchange_rest_samples" / "gateio_v4"
    known = json.loads((samples / "api_v4_wallet_withdraw_status-invalid_key.json").read_text())
    response = await ask(
        "/api/v4/wallet/withdraw_status", headers={"KEY": "x", "Timestamp": "1", "SIGN": "0"}
    )
    assert response.json() == known


async def test_kraken_rows_have_the_recorded_fields(get, real_data):
    samples = real_data / "xchange_rest_samples" / "kraken"

    def first(body):
        return next(iter(body["result"].values()))

    known = json.loads((samples / "example-ticker-data.json").read_text())
    served = await get("/0/public/Ticker")
    assert set(served) == set(known)
    assert set(first(served)) == set(first(known))
    assert [len(first(served)[key]) for key in "abcvptlh"] == [3, 3, 2, 2, 2, 2, 2, 2]
    known = json.loads((samples / "example-assets-data.json").read_text())
    assert set(first(await get("/0/public/Assets"))) >= set(first(known))
    known = after(real_data / "cryptofeed_raw_recordings" / "KRAKEN.0", "358447: ")
    assert set(first(await get("/0/public/AssetPairs"))) >= set(known["result"]["XXBTZUSD"])
    known = json.loads((samples / "example-depth-data.json").read_text())
    served = await get("/0/public/Depth?pair=XXBTZUSD")
    assert set(first(served)) == set(first(known))
    assert [type(part) for part in first(served)["asks"][0]] == [str, str, int]


async def test_kraken_ids_are_those_that_kraken_gave_the_same_pairs(get, real_data):
    known = after(real_data / "cryptofeed_raw_recordings" / "KRAKEN.0", "358447: ")["result"]
    by_name = {row["wsname"]: (name, row) for name, row in known.items() if not name.endswith(".d")}
    served = (await get("/0/public/AssetPairs"))["result"]
    shared = [name for name, row in served.items() if row["wsname"] in by_name]
    assert len(shared) > 60
    for name in shared:
        old_name, old = by_name[served[name]["wsname"]]
        assert name == old_name
        assert (served[name]["base"], served[name]["quote"]) == (old["base"], old["quote"])
        assert served[name]["altname"] == old["altname"]
