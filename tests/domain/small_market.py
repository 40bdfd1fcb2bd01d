"""Small markets for detection: a few books, everything else at a default that a test may change."""

from decimal import Decimal

from shared.domain.detection import detect
from shared.domain.market import BookText, Currency, FeeAsset, Instrument, Network, Snapshot, VenueMarket
from shared.domain.policy import DetectionPolicy

NOW = 1_780_000_000_000
OPEN = Currency(networks={"NET": Network(deposit=True, withdraw=True)})
ASSETS = ("USDT", "USDC", "USD", "EUR", "BTC", "ETH", "SOL", "ABC", "XYZ")


def D(number):  # noqa: N802 - as short as the literals it stands for
    return Decimal(str(number))


def book(bids, asks, age_ms=300, **changes):
    """Rows of (price, amount) in anything that prints as it should be read."""

    def rows(levels):
        return [[str(price), None if amount is None else str(amount)] for price, amount in levels]

    return BookText(rows(bids), rows(asks), NOW - age_ms)._replace(**changes)


def top(bid, ask, amount=10, **changes):
    """A book of one level a side."""
    return book([(bid, amount)], [(ask, amount)], **changes)


def instrument(venue, symbol, **changes):
    base, quote = symbol.split("/")
    changes = {
        name: D(value)
        if isinstance(value, (int, str, float)) and not isinstance(value, (bool, FeeAsset))
        else value
        for name, value in changes.items()
    }
    return Instrument(venue, symbol, base, quote, **changes)


def venue(name, books, *, bps=10, fee="received", currencies=None, instruments=None, **changes):
    """A venue whose assets all travel on one open network, unless `currencies` says otherwise."""
    listed = {symbol: instrument(name, symbol, **terms) for symbol, terms in (instruments or {}).items()}
    return VenueMarket(
        **{
            "received_ms": NOW - 100,
            "taker_bps": None if bps is None else D(bps),
            "fee_asset": FeeAsset(fee),
            "instruments": listed,
            "books": books,
            "currencies": dict.fromkeys(ASSETS, OPEN) if currencies is None else currencies,
        }
        | changes
    )


def snapshot(balances=None, **venues):
    """`snapshot(binance={"BTC/USDT": top(...)})`, or a VenueMarket in place of the books."""
    return Snapshot(
        NOW,
        {
            name: market if isinstance(market, VenueMarket) else venue(name, market)
            for name, market in venues.items()
        },
        balances=balances
        and {
            name: {asset: D(amount) for asset, amount in assets.items()} for name, assets in balances.items()
        },
    )


def policy(**changes):
    return DetectionPolicy(**{"min_profit": D(0), **changes})


def found(market, frozen=None, **changes):
    """What detection finds with the design's limits, but no least profit."""
    return detect(market, policy(**changes), frozen)


def reasons(detection):
    """The refusals as {path text: reason}."""
    return {" ".join(refused.path): refused.reason.value for refused in detection.rejections}


def paths(detection):
    return {" ".join(opportunity.path) for opportunity in detection.opportunities}
