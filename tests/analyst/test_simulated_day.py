"""A day of opportunities through the desk's own step, with a server that answers badly half of the time."""

import asyncio
import gzip
import logging
import random
from dataclasses import replace
from decimal import Decimal

import pytest

from shared import composition, findings, records, settings, steps
from shared.adapters.language_model import Budget
from shared.domain.facts import AssetEvidence, Surroundings, VenueHealth, gather
from shared.domain.market import Side
from shared.domain.opportunity import Leg, Opportunity
from shared.findings import Findings
from tests.analyst.conftest import KEY, NOON_MS
from tests.analyst.responses_server import (
    GOOD,
    answer,
    body,
    cut_off,
    drip,
    incomplete,
    model_failure,
    refusal,
    silence,
    status,
)

MIDNIGHT_MS = NOON_MS - 12 * 3_600_000
SCANS = 144
STEP_MS = 86_400_000 // SCANS
BUDGET = Budget(400_000, Decimal("0.4"), Decimal("0.25"), Decimal(2))
BAD = [
    refusal,
    incomplete("max_output_tokens"),
    model_failure,
    answer("{"),
    answer({**GOOD, "explanation": "Surely worth 12345 USD."}),
    answer({**GOOD, "evidence": ["hearsay"]}),
    answer({**GOOD, "leverage": 10}),
    body(b"<html>", "text/html"),
    status(429),
    status(500),
    status(401),
    cut_off,
    drip,
    silence,
]


def opportunity(number):
    one = Decimal(1)
    legs = tuple(
        Leg(venue, "SOL/USDT", side, one, one, one, Decimal(0), "USDT")
        for venue, side in (("binance", Side.BUY), ("kraken", Side.SELL))
    )
    net_bps = Decimal(5) + Decimal(number) / 10
    return Opportunity(
        f"opportunity-{number}", "two_leg", "USDT", Decimal(1000), Decimal(1002), Decimal(2), Decimal(2),
        net_bps, legs, 300, 100, (), Decimal(2), net_bps + 3,
    )  # fmt: skip


AROUND = Surroundings(
    depth_used=(Decimal("0.2"), Decimal("0.3")),
    venues={venue: VenueHealth(20, 0, 90) for venue in ("binance", "kraken")},
    assets={asset: AssetEvidence("open", "confirmed", ("SOL",)) for asset in ("SOL", "USDT")},
    volatility_bps=Decimal(4),
)


def scanned(number, time_ms):
    """A scan that found two opportunities."""
    found = tuple(opportunity(2 * number + each) for each in range(2))
    scan_id = records.make_scan_id("simulated", "timer", time_ms, f"{number:08x}")
    return Findings(
        1, "simulated", scan_id, "timer", time_ms, 1, (), 1, 1, found, (), (), {}, (AROUND, AROUND)
    )  # fmt: skip


@pytest.fixture
async def desk(tmp_path, server, clock):
    """The desk on embedded stores; its analyst is opened by the test."""
    built = composition.build(
        settings.read(
            {
                "MARKET": "simulated",
                "SIMULATOR_URL": "http://127.0.0.1:9",
                "DATA_DIR": str(tmp_path),
                "OPENAI_API_KEY": KEY,
                "OPENAI_BASE_URL": server.base_url,
            }
        )
    )
    yield replace(built, clock=clock)
    await composition.close(built)


def everything_written(folder):
    """The bytes of every file under the folder, blobs unpacked."""
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            yield gzip.decompress(data) if path.suffix == ".gz" else data


async def test_every_opportunity_is_decided_the_budget_is_kept_and_no_secret_is_recorded(
    desk, open_analyst, server, clock, tmp_path, caplog
):
    caplog.set_level(logging.DEBUG)
    draw = random.Random(7)
    clock.ms = MIDNIGHT_MS
    instances = [open_analyst(budget=BUDGET, time_limit_ms=400) for _ in range(2)]
    verdicts = []

    async def sometimes_badly(*asked):
        return await (draw.choice(BAD) if draw.random() < 0.5 else answer(GOOD))(*asked)

    server.otherwise = sometimes_badly
    for number in range(SCANS):
        if number == SCANS // 2:
            await instances[0].close()
        found = scanned(number, clock.ms)
        blob = findings.findings_name("simulated", clock.ms, found.scan_id)
        await desk.lake.write(blob, findings.encode(found))
        payloads = await asyncio.gather(
            *(
                steps.analyze(
                    replace(desk, analyst=instances[rank]),
                    {"scan_id": found.scan_id, "blob": blob, "opportunity_id": each.id, "rank": rank},
                )
                for rank, each in enumerate(found.opportunities)
            )
        )
        verdicts += [records.verdict_from_dict(payload) for payload in payloads]
        rows = records.verdict_rows(records.ScanKey("simulated", found.scan_id, clock.ms), verdicts[-2:])
        batch = records.Batch("simulated", "trades", found.scan_id, clock.ms, {"verdicts": rows})
        await desk.lake.write(batch.name, records.encode_batch(batch))
        clock.ms += STEP_MS

    assert [verdict.opportunity_id for verdict in verdicts] == [f"opportunity-{n}" for n in range(2 * SCANS)]
    by_model = [verdict for verdict in verdicts if verdict.source == "model"]
    reasons = {verdict.fallback for verdict in verdicts if verdict.source == "rules"}
    assert by_model
    assert all(verdict.fallback is None for verdict in by_model)
    assert None not in reasons
    assert {"budget", "refused", "truncated", "invented_number"} <= reasons
    assert sum(verdict.cost_usd for verdict in verdicts) <= BUDGET.daily_usd
    assert sum(verdict.input_tokens + verdict.output_tokens for verdict in verdicts) <= server.billed_tokens
    assert server.billed_tokens <= BUDGET.daily_tokens

    key = KEY.encode()
    assert all(key not in data for data in everything_written(tmp_path))
    assert sum(b"opportunity-7" in data for data in everything_written(tmp_path)) > 1
    assert KEY not in caplog.text

    server.otherwise = answer(GOOD)
    clock.ms = MIDNIGHT_MS + 86_400_000 + 60_000
    assert (await instances[1].judge(gather(opportunity(9_999), AROUND))).source == "model"
