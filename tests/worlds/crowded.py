"""Worlds where many loops share a few hubs: prices scattered by more than the fees, depth of a few levels."""

import random
from decimal import Decimal

from shared.domain.market import VENUE_IDS, BookText, FeeAsset, Instrument, Snapshot, VenueMarket

NOW = 1_780_000_000_000
HUBS = {"USDT": 1.0, "USDC": 1.0, "BTC": 60_000.0, "EUR": 1.08}


def crowded_world(seed, *, balances=False, assets=3):
    """Two to four venues with up to `assets` assets in four quotes; balances are tight if wanted."""
    draw = random.Random(seed)
    values = HUBS | {f"C{i}": draw.lognormvariate(0, 2) for i in range(draw.randint(2, assets))}
    scatter = draw.choice([0.0015, 0.002, 0.003])
    venues = {
        venue: _venue(draw, venue, values, scatter) for venue in VENUE_IDS[: draw.randint(2, len(VENUE_IDS))]
    }
    held = None
    if balances:
        held = {
            venue: {
                asset: Decimal(str(round(draw.choice([0, 100, 500, 2_000, 10_000]) / value, 8)))
                for asset, value in values.items()
            }
            for venue in venues
        }
    return Snapshot(NOW, venues, balances=held)


def _venue(draw, venue, values, scatter):
    pairs = [(hub, "USDT") for hub in ("BTC", "EUR", "USDC") if draw.random() < 0.8]
    pairs += [("BTC", quote) for quote in ("EUR", "USDC") if draw.random() < 0.5]
    pairs += [(asset, hub) for asset in values if asset not in HUBS for hub in HUBS if draw.random() < 0.5]
    books, instruments = {}, {}
    for base, quote in sorted(pairs):
        symbol = f"{base}/{quote}"
        price = values[base] / values[quote] * (1 + draw.gauss(0, scatter))
        spread = draw.uniform(0.0001, 0.001)
        books[symbol] = BookText(
            _side(draw, price * (1 - spread / 2), -1, values[base]),
            _side(draw, price * (1 + spread / 2), 1, values[base]),
            NOW - 200,
        )
        step = Decimal(1).scaleb(-len(str(int(values[base]))) - 3)
        least = Decimal(str(round(5 / values[quote], 8)))
        instruments[symbol] = Instrument(
            venue, symbol, base, quote, amount_step=step, min_amount=step, min_notional=least
        )
    fee = Decimal(draw.choice([0, 2, 5, 10]))
    asset = FeeAsset(draw.choice(["received", "quote"]))
    return VenueMarket(NOW - 100, fee, asset, instruments=instruments, books=books)


def _side(draw, price, way, value):
    rows = []
    for _ in range(draw.randint(2, 12)):
        written = f"{Decimal(f'{price:.10g}'):f}"
        if not rows or rows[-1][0] != written:
            rows.append([written, f"{Decimal(f'{draw.lognormvariate(6, 1) / value:.6g}'):f}"])
        price *= 1 + way * draw.expovariate(1 / 0.0003)
    return rows
