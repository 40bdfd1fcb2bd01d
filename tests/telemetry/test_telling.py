"""What a scan tells of its trades: their profit is what they realised and what they still carry, together."""

import logging
from decimal import Decimal
from types import SimpleNamespace

import pytest

from shared import telling
from shared.adapters.telemetry import make_metrics
from shared.domain.market import Side
from shared.domain.trade import Fill, Purpose, Trade, TradeStatus
from shared.findings import Findings

PATH = ("kraken:BTC/USDT:buy", "kraken:ETH/BTC:buy", "gateio:ETH/USDT:sell")
FILL = Fill(
    "gateio",
    "ETH/USDT",
    "ETH",
    "USDT",
    Side.SELL,
    Purpose.LEG,
    2,
    Decimal(2500),
    Decimal("0.2"),
    Decimal(500),
    Decimal("0.01"),
    "USDT",
    1,
)
HALF = Trade(
    id="t1",
    scan_id="s1",
    opportunity_id="o1",
    status=TradeStatus.PARTIAL,
    reason=None,
    detail="",
    kind="three_leg",
    path=PATH,
    start_asset="USDT",
    start_amount=Decimal(1000),
    decided_ms=0,
    completed_ms=1,
    decision_profit=Decimal(2),
    realised_profit=Decimal("499.99"),
    unrealised_profit=Decimal("-498.9"),
    realised_value=Decimal("499.99"),
    unrealised_value=Decimal("-498.9"),
    causes=(),
    exposure=(("ETH", Decimal("-0.2")),),
    fills=(FILL,),
)
FOUND = Findings(1, "simulated", "s1", "timer", 0, 1, (), 1, 1, (), (), (), {}, ())


def sent(receiver, name):
    """The points of a metric."""
    for envelope in receiver.envelopes("MetricData"):
        for point in envelope["data"]["baseData"]["metrics"]:
            if point["name"] == name:
                yield point["value"]


async def test_a_trade_that_is_left_short_reports_what_it_earned_not_what_it_took_in(receiver, caplog):
    caplog.set_level(logging.INFO)
    metrics = make_metrics(receiver.connection, None, "arbitrage-bot", "1.2.3", "simulated")
    telling.traded(SimpleNamespace(metrics=metrics), FOUND, [HALF])
    await metrics.close()

    assert "1 trades, simulated profit +1.09 USDT" in caplog.text
    assert list(sent(receiver, "arbitrage_profit_usdt")) == [pytest.approx(1.09)]
    assert list(sent(receiver, "arbitrage_profit_percent")) == [pytest.approx(0.109)]
    (event,) = receiver.envelopes("EventData")
    properties = event["data"]["baseData"]["properties"]
    assert (properties["realised_value"], properties["unrealised_value"]) == ("499.99", "-498.9")
    assert float(properties["profit_percent"]) == pytest.approx(0.109)
