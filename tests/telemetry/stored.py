"""A warehouse and a state with a known past, and the rows it is made of."""

from types import SimpleNamespace

from shared.adapters.embedded import SqliteState
from shared.adapters.sql import SqlWarehouse
from shared.records import TABLES, Kind, iso

NOON = 1_795_348_800_000
DAY_MS = 86_400_000

_PLAIN = {
    Kind.TEXT: "x",
    Kind.DECIMAL: "0",
    Kind.INT: 0,
    Kind.TIME: iso(NOON),
    Kind.BOOL: False,
    Kind.JSON: [],
}


def row(table, **values):
    """A row of a table: what is not given is as plain as its column allows."""
    columns = [column for column in TABLES[table].columns if column.name != "blob"]
    unknown = set(values) - {column.name for column in columns}
    assert not unknown, f"{table} has no {unknown}"
    plain = {
        column.name: (column.choices[0] if column.choices else _PLAIN[column.kind])
        if column.required
        else None
        for column in columns
    }
    return plain | {"market": "simulated"} | values


def batch(number, time_ms):
    """Rows of one scan with its trades, different with every number."""
    scan = {"scan_id": f"scan-{number}", "time": iso(time_ms)}
    found = {**scan, "opportunity_id": f"o-{number}", "kind": "two_leg"}
    venues = ("binance>kraken", "kraken>binance", "binance>binance>binance")[number % 3]
    return {
        "scans": [row("scans", **scan, triggered_by=("timer", "http")[number % 2], duration_ms=400 + number)],
        "venue_health": [
            row(
                "venue_health",
                **scan,
                venue="binance",
                status="ok",
                latency_ms=100 + number,
                clock_drift_ms=-40,
            ),
            row(
                "venue_health",
                **scan,
                venue="kraken",
                status="timeout" if number % 4 == 3 else "ok",
                latency_ms=90,
            ),
        ],
        "arbitrage_opportunities": [
            row(
                "arbitrage_opportunities", **found, venues=venues, profit_value=f"{number}.123456789012345678"
            )
        ],
        "rejections": [row("rejections", **scan, reason="STALE_BOOK", refused=number + 1)],
        "verdicts": [
            row(
                "verdicts",
                **scan,
                opportunity_id=f"o-{number}",
                cost_usd="0.000125",
                input_tokens=10,
                output_tokens=3,
                source="model",
            )
        ],
        "trades": [
            row(
                "trades",
                **found,
                trade_id=f"t-{number}",
                status=("filled", "partial", "missed", "refused")[number % 4],
                venues=venues,
                start_asset="USDT",
                start_amount="1000",
                realised_profit=f"{number + 5}.25",
                unrealised_profit="-10",
                realised_value=f"{number + 5}.25",
                unrealised_value="-10",
            )
        ],
    }


async def make_stores(folder, scans=24, every_ms=2 * 3_600_000):
    """A warehouse with that many scans, the last one at noon, and an empty state; shaped like a desk."""
    warehouse = SqlWarehouse(folder / "warehouse.db")
    await warehouse.migrate()
    for number in range(scans):
        rows = batch(number, NOON - (scans - 1 - number) * every_ms)
        await warehouse.load(f"simulated/scans/{number}.json.gz", rows)
    return SimpleNamespace(
        market="simulated",
        warehouse=warehouse,
        state=SqliteState(folder / "state.db"),
        clock=SimpleNamespace(now_ms=lambda: NOON + 5_000),
        room=lambda name: f"simulated-{name}",
    )
