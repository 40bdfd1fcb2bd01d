"""A desk with a known past in real stores."""

import json
from contextlib import asynccontextmanager
from decimal import Decimal
from types import SimpleNamespace

from shared import composition
from shared.adapters.embedded import SqliteState
from shared.adapters.sql import SqlWarehouse
from shared.desk import Standing, commit, read_standing
from shared.domain.kill_switch import KillSwitch
from shared.domain.market import VENUE_IDS
from shared.domain.portfolio import Portfolio
from shared.domain.risk import RiskUsage
from shared.records import iso
from shared.web import endpoints
from tests.telemetry.stored import row

EVERY_MS = 15_000
NASTY = "<img src=x onerror=\"document.title='owned'\">"


class Clock:
    """The machine's clock, moved by `ahead_ms`."""

    def __init__(self):
        self.ahead_ms = 0

    def now_ms(self):
        return composition.SystemClock().now_ms() + self.ahead_ms


def leg_rows(scan_id, opportunity_id, path):
    return [
        row(
            "opportunity_legs",
            scan_id=scan_id,
            opportunity_id=opportunity_id,
            leg=number,
            venue=leg.split(":")[0],
            symbol=leg.split(":")[1],
            side=leg.split(":")[2],
            amount="0.0125",
            average_price="80123.45",
            limit_price="80125",
            fee="0.0000125",
            fee_asset="BTC",
        )
        for number, leg in enumerate(path.split(" > "))
    ]


def fill_rows(scan_id, trade_id, path, time):
    return [
        row(
            "fills",
            scan_id=scan_id,
            trade_id=trade_id,
            fill=number,
            leg=number,
            purpose="leg",
            venue=leg.split(":")[0],
            symbol=leg.split(":")[1],
            base="BTC",
            quote="USDT",
            side=leg.split(":")[2],
            price="80123.45",
            amount="0.0125",
            notional="1001.543125",
            fee="1.001543125",
            fee_asset="USDT",
            time=time,
        )
        for number, leg in enumerate(path.split(" > "))
    ]


RATE_LIMITED = ("rate_limited", "our rate limit left no room for order books within 5 s")


def left_out(rows, venue):
    """The rows of a scan whose rate limit left no room for a venue that is missing from it."""
    for each in rows["venue_health"]:
        if each["venue"] == venue:
            each["status"], each["error"] = RATE_LIMITED
    return rows


def scan_rows(
    number, time_ms, found=0, refused=(("STALE_BOOK", 3),), missing=None, explanation="no rule objects"
):
    """Rows of one scan: its opportunities, each judged and traded in full for 1 USDT and its number of cents."""
    scan = {"scan_id": f"scan-{number:04}", "time": iso(time_ms)}
    venues = [v for v in VENUE_IDS if v != missing]
    rows = {
        "scans": [
            row(
                "scans",
                **scan,
                triggered_by="timer",
                duration_ms=400,
                venues_asked=len(VENUE_IDS),
                venues_ok=len(venues),
                instruments_compared=1115,
                loops_screened=found + sum(times for _, times in refused),
                opportunities=found,
                rejections=sum(times for _, times in refused),
            )
        ],
        "venue_health": [
            row(
                "venue_health", **scan, venue=venue, status="ok", books=300, latency_ms=40, clock_drift_ms=-12
            )
            if venue != missing
            else row("venue_health", **scan, venue=venue, status="banned", error="banned until 12:00: 418")
            for venue in VENUE_IDS
        ],
        "rejections": [
            row(
                "rejections",
                **scan,
                reason=reason,
                refused=times,
                best_net_bps=f"{12 + number}.5",
                best_path="binance:XRP/USDT:buy > kraken:XRP/USDT:sell",
                best_detail=f"detail {number}",
            )
            for reason, times in refused
        ],
        "market_data": [
            row("market_data", **scan, venue=venue, symbol="BTC/USDT", bid="79999", ask="80001")
            for venue in venues
        ],
    }
    path = "binance:BTC/USDT:buy > kraken:BTC/USDT:sell"
    for order in range(found):
        identity = {**scan, "opportunity_id": f"o-{number}-{order}", "kind": "two_leg", "path": path}
        profit = f"1.{number % 100:02}"
        rows.setdefault("arbitrage_opportunities", []).append(
            row(
                "arbitrage_opportunities",
                **identity,
                venues="binance>kraken",
                start_asset="USDT",
                start_amount="1001.54",
                end_amount=str(Decimal("1001.54") + Decimal(profit)),
                net_profit=profit,
                gross_profit="3.10",
                net_bps="11.2",
                top_net_bps="14.9",
                profit_value=profit,
                oldest_book_ms=300,
                skew_ms=120,
            )
        )
        rows.setdefault("opportunity_legs", []).extend(leg_rows(scan["scan_id"], f"o-{number}-{order}", path))
        rows.setdefault("verdicts", []).append(
            row(
                "verdicts",
                **scan,
                opportunity_id=f"o-{number}-{order}",
                decision="approve",
                confidence="0.9",
                explanation=explanation,
                source="rules",
            )
        )
        rows.setdefault("trades", []).append(
            row(
                "trades",
                **{**identity, "time": iso(time_ms + 400)},
                trade_id=f"t-{number}-{order}",
                completed=iso(time_ms + 700),
                status="filled",
                venues="binance>kraken",
                start_asset="USDT",
                start_amount="1001.54",
                decision_profit=profit,
                realised_profit=profit,
                realised_value=profit,
                exposure={},
            )
        )
        rows.setdefault("fills", []).extend(
            fill_rows(scan["scan_id"], f"t-{number}-{order}", path, iso(time_ms + 600))
        )
    return rows


def lifetime(number, time_ms):
    return row(
        "lifetimes",
        scan_id=f"scan-{number:04}",
        path="binance:BTC/USDT:buy > kraken:BTC/USDT:sell",
        kind="two_leg",
        first_seen=iso(time_ms - 2 * EVERY_MS),
        last_seen=iso(time_ms - EVERY_MS),
        lifetime_ms=EVERY_MS,
        scans_seen=2,
        first_net_bps="9",
        peak_net_bps="11.2",
        peak_time=iso(time_ms - EVERY_MS),
        last_net_bps="11.2",
        peak_profit_value="1.12",
    )


class StoredDesk:
    """What the answers read of a desk: real stores, a clock, and what a test loads into them."""

    def __init__(self, folder):
        self.market = "simulated"
        self.venues = VENUE_IDS
        self.halted = False
        self.clock = Clock()
        self.warehouse = SqlWarehouse(folder / "warehouse.db")
        self.state = SqliteState(folder / "state.db")
        self.metrics = SimpleNamespace(event=lambda *_, **__: None)

    def room(self, name):
        return f"{self.market}-{name}"

    def scan_every_ms(self):
        return EVERY_MS

    async def load(self, number, rows):
        await self.warehouse.load(f"simulated/scans/{number}.json.gz", rows)

    async def fund(self, profit="0", kill_switch=None):
        balances = {
            "binance": {"USDT": Decimal(18_000), "BTC": Decimal("0.3")},
            "kraken": {"USDT": Decimal(22_000), "BTC": Decimal("0.2")},
        }
        initial = {
            venue: {"USDT": Decimal(20_000), "BTC": Decimal("0.25")} for venue in ("binance", "kraken")
        }
        values = {"USDT": Decimal(1), "BTC": Decimal(78_000)}
        before = await read_standing(self)
        await commit(
            self,
            Standing(
                Portfolio(balances, initial, values),
                RiskUsage(
                    day=self.clock.now_ms() // 86_400_000,
                    day_profit=Decimal(profit),
                    day_value=Decimal(12_345),
                    profit=Decimal(profit),
                    peak=Decimal(profit) + 2,
                ),
                kill_switch or KillSwitch(),
                {},
                before.etag if before else None,
            ),
        )

    async def live(self, scans=50, found_every=5):
        """Scans up to now, every fifth with an opportunity; the newest of them found one."""
        now_ms = self.clock.now_ms()
        past = {}
        for number in range(1, scans + 1):
            time_ms = now_ms - (scans - number) * EVERY_MS
            found = 1 if number % found_every == 0 else 0
            rows = scan_rows(
                number, time_ms, found, (("STALE_BOOK", 3), ("DEPOSIT_CLOSED", 2), ("NO_INVENTORY", 1))
            )
            if number % found_every == 1 and number > 1:
                rows["lifetimes"] = [lifetime(number, time_ms)]
            for table, found_rows in rows.items():
                past.setdefault(table, []).extend(found_rows)
        await self.load(0, past)
        await self.fund("12.34")

    async def close(self):
        await self.warehouse.close()
        await self.state.close()


@asynccontextmanager
async def stored_desk(folder):
    desk = StoredDesk(folder)
    await desk.warehouse.migrate()
    try:
        yield desk
    finally:
        await desk.close()


async def overview_of(desk):
    async def promise():
        return desk

    answer = await endpoints.overview(promise)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)
