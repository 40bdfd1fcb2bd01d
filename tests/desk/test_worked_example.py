"""The example of docs/trade-profit.md, run."""

from dataclasses import replace
from pathlib import Path

from shared.domain.market import Level, Side
from shared.domain.simulation import execute
from tests.desk.desk_world import D, book, by_symbol, conditions, instrument, listed, opportunity, portfolio

TEXT = (Path(__file__).parents[2] / "docs" / "trade-profit.md").read_text(encoding="utf-8")
MARKETS = listed(
    instrument("binance", bps=10, step="0.0001"),
    instrument("kraken", bps=40, fee="quote", step="0.0001"),
)
BINANCE = book("binance", [(59_990, 1)], [(60_000, "0.06"), (60_010, 1)], at_ms=1_000)
KRAKEN = book("kraken", [(60_600, "0.2")], [(60_610, 1)], at_ms=1_000)
FOUND = opportunity(
    [("binance", "BTC/USDT", Side.BUY), ("kraken", "BTC/USDT", Side.SELL)],
    by_symbol(BINANCE, KRAKEN),
    MARKETS,
    "0.1",
)
HOLDINGS = portfolio(binance={"USDT": 10_000}, kraken={"BTC": 1})


def trade(*books, taken=None):
    done = execute(
        FOUND,
        scan_id="example",
        decided_ms=1_000,
        conditions=conditions(by_symbol(*books), MARKETS, values={"USDT": D(1), "BTC": D(60_300)}),
        portfolio=HOLDINGS,
        taken=taken or {},
    )
    return done.trade


def asks(at_ms, best):
    return replace(BINANCE, received_ms=at_ms, asks=(Level(D(60_000), D(best)), Level(D(60_010), D(1))))


def told(number, *, sign=False):
    """A number as the text writes it."""
    return f"{number:{'+' if sign else ''},f}".rstrip("0").rstrip(".")


def causes(found):
    return {cause: amount for cause, amount in found.causes if amount}


def test_the_decision_is_as_told():
    assert FOUND.net_profit == D("29.32424")
    assert f"**{told(FOUND.net_profit)} USDT**" in TEXT


def test_the_first_course_is_as_told():
    taken = {("binance", "BTC/USDT", Side.BUY, D(60_000)): D("0.01")}
    found = trade(asks(1_020, "0.04"), asks(1_060, "0.03"), replace(KRAKEN, received_ms=1_060), taken=taken)
    assert causes(found) == {"delay": D("-0.2"), "latency": D("-0.1"), "slippage": D("-0.1")}
    assert f"**{told(found.realised_profit)} USDT**" in TEXT


def test_the_second_course_is_as_told():
    thin = replace(KRAKEN, received_ms=1_060, bids=(Level(D(60_600), D("0.05")), Level(D(60_590), D(1))))
    found = trade(replace(BINANCE, received_ms=1_060), thin)
    assert f"| **realised profit** | | **{told(found.realised_profit, sign=True)}** |" in TEXT
    assert set(causes(found)) == {"partial_fill", "fees", "unwind"}
    for cause, amount in causes(found).items():
        (row,) = (line for line in TEXT.splitlines() if line.startswith(f"| {cause} |"))
        assert row.endswith(f"| {told(amount, sign=True)} |")
    assert f"**{told(found.realised_profit - found.decision_profit, sign=True)}**" in TEXT
