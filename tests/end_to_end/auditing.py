"""What must hold of the stored data whatever happened to the process: nothing lost, nothing twice."""

import gzip
import json
import sqlite3
from collections import Counter
from contextlib import closing
from decimal import Decimal


def read_batches(data_dir, dataset):
    folder = data_dir / "lake" / "simulated" / dataset
    return {
        str(path.relative_to(data_dir / "lake")): json.loads(gzip.decompress(path.read_bytes()))
        for path in sorted(folder.rglob("*.json.gz"))
    }


def standing(data_dir):
    with closing(sqlite3.connect(data_dir / "state.db")) as connection:
        (value,) = connection.execute(
            "SELECT value FROM entries WHERE partition = 'simulated-desk' AND key = 'standing'"
        ).fetchone()
    return json.loads(value)


def table(data_dir, query):
    with closing(sqlite3.connect(data_dir / "warehouse.db")) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]


def assert_every_blob_is_loaded_once(data_dir):
    """Each batch of the lake has one ledger row, and the tables hold its rows once."""
    batches = {**read_batches(data_dir, "scans"), **read_batches(data_dir, "trades")}
    ledger = Counter(row["blob"] for row in table(data_dir, "SELECT blob FROM load_ledger"))
    assert ledger == Counter(batches.keys())
    for name in ("scans", "arbitrage_opportunities", "trades", "fills", "rejections"):
        expected = Counter()
        for blob, batch in batches.items():
            count = len(batch["rows"].get(name, []))
            if count:
                expected[blob] = count
        loaded = Counter(row["blob"] for row in table(data_dir, f"SELECT blob FROM {name}"))
        assert loaded == expected, name


def assert_every_opportunity_is_traded_once(data_dir):
    """Each opportunity of each recorded scan has exactly one trade, executed or refused."""
    found = table(data_dir, "SELECT scan_id, opportunity_id FROM arbitrage_opportunities")
    traded = table(data_dir, "SELECT scan_id, opportunity_id FROM trades")
    as_pairs = [Counter((row["scan_id"], row["opportunity_id"]) for row in rows) for rows in (found, traded)]
    assert as_pairs[0] == as_pairs[1]


def assert_balances_equal_the_fills(data_dir):
    """What the desk holds is what it was given plus every recorded fill and transfer, to the last digit."""
    portfolio = standing(data_dir)["portfolio"]
    under_way = {transfer["id"] for transfer in portfolio["in_transit"]}
    flows = {}

    def add(venue, asset, amount):
        flows[venue, asset] = flows.get((venue, asset), Decimal(0)) + amount

    for venue, assets in portfolio["initial"].items():
        for asset, amount in assets.items():
            add(venue, asset, Decimal(amount))
    for batch in read_batches(data_dir, "trades").values():
        for fill in batch["rows"]["fills"]:
            sign = 1 if fill["side"] == "buy" else -1
            add(fill["venue"], fill["base"], sign * Decimal(fill["amount"]))
            add(fill["venue"], fill["quote"], -sign * Decimal(fill["notional"]))
            add(fill["venue"], fill["fee_asset"], -Decimal(fill["fee"]))
        for transfer in batch["rows"].get("transfers", []):
            add(transfer["source"], transfer["asset"], -Decimal(transfer["amount"]))
            if transfer["transfer_id"] not in under_way:
                add(
                    transfer["target"],
                    transfer["asset"],
                    Decimal(transfer["amount"]) - Decimal(transfer["fee"]),
                )
    held = {
        (venue, asset): Decimal(amount)
        for venue, assets in portfolio["balances"].items()
        for asset, amount in assets.items()
    }
    assert {key: amount for key, amount in flows.items() if amount} == {
        key: amount for key, amount in held.items() if amount
    }
    assert all(amount >= 0 for amount in held.values())
