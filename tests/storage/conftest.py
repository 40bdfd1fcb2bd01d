"""Stores for the contract suites: embedded ones, and Azure's SDKs against Azurite where it is installed."""

import os
import shutil
import socket
import subprocess
import time
import uuid
from decimal import Decimal
from pathlib import Path

import pytest

from shared import records
from shared.adapters.azure_storage import BlobLake, TableState
from shared.adapters.embedded import FileLake, SqliteState
from shared.domain.market import BookText, Side, VenueMarket
from shared.domain.opportunity import Detection, Leg, Opportunity, Reason, Rejection
from shared.domain.trade import Decision, Fill, Purpose, Trade, TradeStatus, Transfer, Verdict

ROOT = Path(__file__).parents[2]
ACCOUNT = "devstoreaccount1"
# Azurite's published development key: it opens nothing but the emulator.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
READY_SECONDS = 30


def azurite_command():
    found = os.environ.get("AZURITE") or shutil.which("azurite")
    named = os.environ.get("NODE_TOOLS")
    folder = Path(named) if named else ROOT / "tests" / "tools" / "node_modules"
    local = (folder if folder.name == "node_modules" else folder / "node_modules") / ".bin" / "azurite"
    return found or (str(local) if local.exists() else None)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def azurite():
    """Connection string of a running Azurite."""
    command = azurite_command()
    if command is None:
        pytest.skip("Azurite is not installed: npm install --prefix tests/tools, or set AZURITE")
    ports = {service: free_port() for service in ("blob", "queue", "table")}
    arguments = [f"--{service}Port={port}" for service, port in ports.items()]
    hosts = [f"--{service}Host=127.0.0.1" for service in ports]
    flags = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    process = subprocess.Popen(
        [command, *flags, *arguments, *hosts],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not all(answers(port) for port in ports.values()):
            assert process.poll() is None, "Azurite ended"
            assert time.monotonic() < deadline, "Azurite does not answer"
            time.sleep(0.05)
        endpoints = ";".join(
            f"{service.title()}Endpoint=http://127.0.0.1:{port}/{ACCOUNT}" for service, port in ports.items()
        )
        yield f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};{endpoints};"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(params=["files", "azurite"])
async def lake(request, tmp_path):
    if request.param == "files":
        yield FileLake(tmp_path / "lake")
        return
    store = BlobLake(
        connection_string=request.getfixturevalue("azurite"), container=f"lake-{uuid.uuid4().hex[:12]}"
    )
    yield store
    await store.close()


@pytest.fixture(params=["sqlite", "azurite"])
async def open_state(request, tmp_path):
    """Opens the same state again and again, as other instances would."""
    opened = []
    if request.param == "sqlite":

        def open_one():
            return SqliteState(tmp_path / "state.db")
    else:
        connection, table = request.getfixturevalue("azurite"), f"state{uuid.uuid4().hex[:12]}"

        def open_one():
            return TableState(connection_string=connection, table=table)

    def open_and_keep():
        opened.append(open_one())
        return opened[-1]

    yield open_and_keep
    for store in opened:
        await store.close()


@pytest.fixture
def state(open_state):
    return open_state()


TIME_MS = 1_795_348_800_123  # 2026-11-22T12:00:00.123Z


class Sample:
    """Domain values as a scan and the desk make them; `number` tells scans apart."""

    def __init__(self, number=0, market="simulated"):
        self.time_ms = TIME_MS + 15_000 * number
        self.scan_id = records.make_scan_id(market, "timer", self.time_ms, str(number))
        self.key = records.ScanKey(market, self.scan_id, self.time_ms)
        self.opportunity = Opportunity(
            id=f"opportunity-{number}",
            kind="two_leg",
            start_asset="USDT",
            start_amount=Decimal("999.62"),
            end_amount=Decimal("1002.61"),
            net_profit=Decimal("2.99"),
            gross_profit=Decimal("4.99"),
            net_bps=Decimal("29.911366319201296492667213541145635341429743302455"),
            legs=(
                Leg(
                    "binance",
                    "BTC/USDT",
                    Side.BUY,
                    Decimal("0.01666"),
                    Decimal("60001.2"),
                    Decimal("60003.0"),
                    Decimal("0.00001666"),
                    "BTC",
                ),
                Leg(
                    "kraken",
                    "BTC/USDT",
                    Side.SELL,
                    Decimal("0.0166"),
                    Decimal(60300),
                    Decimal(60290),
                    Decimal("4.003920000000000000001"),
                    "USDT",
                ),
            ),
            oldest_book_ms=300,
            skew_ms=120,
            marks=("TRANSFER_UNKNOWN",),
            profit_value=Decimal("2.99"),
            top_net_bps=Decimal(31),
        )
        self.rejections = (
            Rejection(
                Reason.STALE_BOOK, ("binance:A/USDT:buy", "kraken:A/USDT:sell"), Decimal("150.2"), "90 s old"
            ),
            Rejection(
                Reason.STALE_BOOK, ("binance:B/USDT:buy", "kraken:B/USDT:sell"), Decimal("250.2"), "91 s old"
            ),
            Rejection(
                Reason.TOO_GOOD_TO_BE_TRUE, ("gateio:C/USDT:buy", "kraken:C/USDT:sell"), Decimal("1e40"), "?"
            ),
        )
        self.detection = Detection((self.opportunity,), self.rejections, 12, 300)
        self.venues = {
            "binance": VenueMarket(
                received_ms=self.time_ms - 200,
                books={
                    "BTC/USDT": BookText(
                        [["60000.00", "0.5"]], [["60001.00", None]], time_ms=self.time_ms - 300
                    ),
                    "ODD/USDT": BookText([["oops", "1"]], []),
                },
            ),
            "kraken": VenueMarket(status="timeout", error="no answer within 6 s"),
        }
        self.verdict = Verdict(
            f"opportunity-{number}",
            Decision.CAUTION,
            Decimal("0.8"),
            ("thin_depth",),
            "Thin, yet real.",
            ("edge",),
            "rules",
            cost_usd=Decimal("0.0001"),
            latency_ms=3,
        )
        fill = Fill(
            "binance",
            "BTC/USDT",
            "BTC",
            "USDT",
            Side.BUY,
            Purpose.LEG,
            0,
            Decimal("60001.2"),
            Decimal("0.01666"),
            Decimal("999.619992"),
            Decimal("0.00001666"),
            "BTC",
            self.time_ms + 400,
        )
        self.trade = Trade(
            id=f"trade-{number}",
            scan_id=self.scan_id,
            opportunity_id=f"opportunity-{number}",
            status=TradeStatus.PARTIAL,
            reason=None,
            detail="",
            kind="two_leg",
            path=self.opportunity.path,
            start_asset="USDT",
            start_amount=Decimal("999.62"),
            decided_ms=self.time_ms + 300,
            completed_ms=self.time_ms + 500,
            decision_profit=Decimal("2.99"),
            realised_profit=Decimal("1.1"),
            unrealised_profit=Decimal("-0.2"),
            realised_value=Decimal("1.1"),
            unrealised_value=Decimal("-0.2"),
            causes=(("slippage", Decimal(-1)), ("fees", Decimal("-0.89"))),
            exposure=(("BTC", Decimal("0.00001")),),
            fills=(fill, fill),
        )
        self.transfer = Transfer(
            "transfer-1",
            "BTC",
            "BTC",
            "binance",
            "kraken",
            Decimal("0.1"),
            Decimal("0.0002"),
            self.time_ms,
            self.time_ms + 600_000,
        )

    def scan_batch(self):
        rows = {
            "scans": [
                records.scan_row(
                    self.key,
                    triggered_by="timer",
                    duration_ms=850,
                    venues=self.venues,
                    detection=self.detection,
                )
            ],
            "venue_health": [
                records.venue_health_row(self.key, venue, market, latency_ms=80, clock_drift_ms=-12)
                for venue, market in self.venues.items()
            ],
            "arbitrage_opportunities": records.opportunity_rows(self.key, [self.opportunity]),
            "opportunity_legs": records.leg_rows(self.key, [self.opportunity]),
            "rejections": records.rejection_rows(self.key, self.rejections),
            "market_data": records.market_data_rows(
                self.key,
                self.venues,
                [
                    ("binance", "BTC/USDT"),
                    ("binance", "ODD/USDT"),
                    ("binance", "NONE/USDT"),
                    ("gateio", "BTC/USDT"),
                ],
            ),
        }
        return records.Batch(self.key.market, "scan", self.scan_id, self.time_ms, rows)

    def trades_batch(self):
        rows = {
            "verdicts": records.verdict_rows(self.key, [self.verdict]),
            "trades": records.trade_rows(self.key, [self.trade]),
            "fills": records.fill_rows(self.key, [self.trade]),
            "transfers": records.transfer_rows(self.key, [self.transfer]),
        }
        return records.Batch(self.key.market, "trades", self.scan_id, self.time_ms, rows)


@pytest.fixture(scope="session")
def make_sample():
    return Sample


@pytest.fixture
def sample():
    return Sample()
