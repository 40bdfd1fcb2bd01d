"""What verdicts and limits leave of a trade, what transfers move, and how the portfolio is valued."""

import gzip
import json
from dataclasses import replace
from decimal import Decimal, localcontext

import pytest

from shared import findings, records, steps
from shared.desk import commit, read_standing
from shared.domain.exact import EXACT
from shared.domain.risk import RiskPolicy
from tests.end_to_end.auditing import read_batches, standing
from tests.end_to_end.desk.desk_floor import approved, decided, elsewhere, recorded, traded


async def sizes(desk, found):
    """The base amount of each leg of each opportunity that a scan found."""
    told = findings.decode(await desk.lake.read(found.blob))
    return {each.id: [leg.amount for leg in each.legs] for each in told.opportunities}


def traded_amounts(trade, legs):
    """The base amount of each leg that a trade filled."""
    amounts = [Decimal(0)] * legs
    for fill in trade["fills"]:
        if fill["purpose"] == "leg":
            amounts[fill["leg"]] += Decimal(fill["amount"])
    return amounts


async def test_a_caution_halves_a_trade_a_rejection_vetoes_it_and_nothing_enlarges_it(
    desk, found, environment, tmp_path
):
    found_sizes = await sizes(desk, found)
    outcome = {}
    for decision, confidence in (("approve", "1"), ("caution", "1"), ("reject", "1")):
        apart = elsewhere(desk, environment, tmp_path / decision)
        given = await decided(apart, found, decision=decision, confidence=confidence)
        outcome[decision] = {trade["opportunity_id"]: trade for trade in await traded(apart, given)}
        await apart.state.close()
    for decision, share in (("approve", Decimal(1)), ("caution", Decimal("0.5"))):
        trades = [trade for trade in outcome[decision].values() if trade["fills"]]
        assert trades
        for trade in trades:
            legs = found_sizes[trade["opportunity_id"]]
            for amount, most in zip(traded_amounts(trade, len(legs)), legs, strict=True):
                assert amount <= most * share
    best = found.opportunities[0].id
    whole, half = (Decimal(outcome[each][best]["start_amount"]) for each in ("approve", "caution"))
    assert half == pytest.approx(whole / 2, rel=Decimal("0.01"))
    assert {(trade["reason"], len(trade["fills"])) for trade in outcome["reject"].values()} == {("VETOED", 0)}


async def test_a_refused_trade_lists_each_limit_that_it_breaks_with_value_and_bound(desk, found, environment):
    nothing = dict.fromkeys(("max_trade", "max_asset", "max_venue", "max_scan", "max_day"), Decimal(1))
    policy = RiskPolicy(
        **nothing, min_confidence=Decimal("0.95"), max_trades_per_hour=0, max_trades_per_pair=0
    )
    trades = await traded(replace(desk, risk=policy), await approved(desk, found))
    assert {trade["reason"] for trade in trades} == {"RISK_LIMIT"}
    rows = {row["opportunity_id"]: row for row in recorded(environment, "trades")}
    for trade in trades:
        told = trade["detail"].split("; ")
        assert rows[trade["opportunity_id"]]["detail"] == trade["detail"]
        assert {line.partition(":")[0] for line in told} == {
            *nothing,
            "min_confidence",
            "max_trades_per_hour",
            "max_trades_per_pair",
        }
        venues = {leg.partition(":")[0] for leg in trade["path"]}
        assert sum(line.startswith("max_venue:") for line in told) == len(venues)
        assert all(" is " in line and ", limit " in line for line in told)
        assert "min_confidence: the verdict's confidence is 0.9, limit 0.95" in told


async def drained(desk, target, source):
    """Move nearly everything that the target holds to the source, as one-sided trading would."""
    now = await read_standing(desk)
    balances = {venue: dict(held) for venue, held in now.portfolio.balances.items()}
    for asset, amount in balances[target].items():
        if asset in balances[source]:
            moved = amount * Decimal("0.9")
            balances[target][asset] -= moved
            balances[source][asset] += moved
    await commit(desk, replace(now, portfolio=replace(now.portfolio, balances=balances)))
    return balances


async def test_drifted_inventory_travels_over_an_open_network_pays_its_fee_and_arrives_later(
    desk, found, environment, clock
):
    await drained(desk, "binance", "bybit")
    given = await approved(desk, found)
    await traded(desk, given)
    transfers = recorded(environment, "transfers")
    assert transfers
    currencies = {venue: each.currencies for venue, each in desk.cache.reference.venues.items()}
    for transfer in transfers:
        assert (transfer["source"], transfer["target"]) == ("bybit", "binance")
        names = currencies[transfer["source"]][transfer["asset"]].networks
        assert any(
            network.withdraw and network.withdraw_fee == Decimal(transfer["fee"])
            for network in names.values()
        )
        assert transfer["arrives"] > transfer["time"]
    after = (await read_standing(desk)).portfolio
    assert not after.unaccounted()
    assert {each.id for each in after.in_transit} == {row["transfer_id"] for row in transfers}
    fees = {row["asset"]: Decimal(row["fee"]) for row in transfers}
    assert {asset: after.transfer_fees[asset] for asset in fees} == fees

    clock.ms = max(each.arrives_ms for each in after.in_transit)
    later = await steps.scan(desk, steps.ScanRequest("timer"))
    name = records.snapshot_name(desk.market, later.found.time_ms, later.scan_id, "scan")
    seen = json.loads(gzip.decompress(await desk.lake.read(name)))["balances"]
    for transfer in after.in_transit:
        arrived = sum(
            each.amount - each.fee
            for each in after.in_transit
            if (each.asset, each.target) == (transfer.asset, transfer.target)
        )
        held = Decimal(seen[transfer.target][transfer.asset])
        assert held == after.balance(transfer.target, transfer.asset) + arrived


async def test_the_overview_shows_realised_unrealised_revaluation_and_transfer_fees_apart(product, clock):
    status, found = await product.scan({"min_net_bps": "30"})
    assert (status, bool(found["opportunities"])) == (200, True)
    await product.host.drain(60)
    clock.ms += 2_000
    assert (await product.scan({"venues": ["binance", "kraken"], "min_net_bps": "9999"}))[0] == 200
    await product.host.drain(60)
    status, told = await product.call("GET", "overview")
    assert status == 200
    inventory = {
        name: Decimal(told["inventory"][name])
        for name in ("value", "initial", "revaluation", "realised", "unrealised", "transfer_fees")
    }
    with localcontext(EXACT):
        parts = sum(inventory[name] for name in ("initial", "revaluation", "realised", "unrealised"))
        assert inventory["value"] == parts - inventory["transfer_fees"]
    portfolio = standing(product.data_dir)["portfolio"]
    (batch,) = read_batches(product.data_dir, "trades").values()
    usdt = sum(
        Decimal(row["realised_profit"]) for row in batch["rows"]["trades"] if row["start_asset"] == "USDT"
    )
    assert Decimal(portfolio["realised"]["USDT"]) == usdt
    assert inventory["realised"] == pytest.approx(usdt, abs=Decimal("0.01"))
    assert inventory["revaluation"] != 0
    assert batch["rows"]["fills"]
