"""Small markets to trade in: instruments, books, and opportunities sized on them by the design's formulas."""

from decimal import ROUND_FLOOR, Decimal

from shared.domain.conditions import Conditions
from shared.domain.exact import EXACT
from shared.domain.latency import Latencies, Latency
from shared.domain.market import FeeAsset, Instrument, Level, OrderBook, Side
from shared.domain.opportunity import Leg, Opportunity, content_id
from shared.domain.portfolio import Portfolio

VALUES = {"USDT": Decimal(1), "BTC": Decimal(60_000), "SOL": Decimal(150)}
STILL = Latencies(Latency(50, 0.0))


def D(number):  # noqa: N802 - as short as the literals it stands for
    return Decimal(str(number))


def instrument(venue, symbol="BTC/USDT", *, bps=10, fee="received", step="0.00001", notional=5, amount=None):
    base, quote = symbol.split("/")
    return Instrument(
        venue,
        symbol,
        base,
        quote,
        amount_step=None if step is None else D(step),
        min_amount=None if amount is None else D(amount),
        min_notional=D(notional),
        taker_bps=D(bps),
        fee_asset=FeeAsset(fee),
    )


def listed(*instruments):
    return {(each.venue, each.symbol): each for each in instruments}


def book(venue, bids, asks, at_ms, symbol="BTC/USDT", clock_ms=None):
    def levels(rows):
        return tuple(Level(D(price), None if amount is None else D(amount)) for price, amount in rows)

    return OrderBook(venue, symbol, levels(bids), levels(asks), time_ms=clock_ms, received_ms=at_ms)


def by_symbol(*books):
    found = {}
    for each in books:
        found.setdefault((each.venue, each.symbol), []).append(each)
    return found


def portfolio(**venues):
    """`portfolio(binance={"USDT": 1000})`, funded with just that."""
    held = {venue: {asset: D(amount) for asset, amount in assets.items()} for venue, assets in venues.items()}
    return Portfolio(held, held, VALUES)


def walked(each, side, amount, levels):
    """Notional and worst price of an amount on levels, or None where they do not hold it."""
    notional, worst = Decimal(0), None
    for price, offered in levels:
        take = min(amount, offered)
        if take <= 0:
            break
        notional = EXACT.add(notional, EXACT.multiply(price, take))
        amount, worst = EXACT.subtract(amount, take), price
    return (notional, worst) if worst is not None and amount == 0 else None


def opportunity(conversions, books, instruments, first_amount, values=VALUES):
    """The loop of (venue, symbol, side) as legs: the first of this amount, the others of what comes in.

    None where the books do not hold it or a leg floors to nothing.
    """
    legs, incoming, start_amount = [], None, None
    start = instruments[conversions[0][:2]]
    start_asset = start.quote if conversions[0][2] is Side.BUY else start.base
    for venue, symbol, side in conversions:
        each, shown = instruments[venue, symbol], books[venue, symbol][0]
        levels = shown.asks if side is Side.BUY else shown.bids
        rate = each.taker_bps / 10_000
        from_quote = side is Side.SELL or each.fee_asset is FeeAsset.QUOTE
        if incoming is None:
            wanted = D(first_amount)
        elif side is Side.SELL:
            wanted = incoming
        else:
            budget = incoming / (1 + rate) if from_quote else incoming
            wanted = affordable(levels, budget)
        step = each.amount_step or Decimal("1e-12")
        amount = (wanted / step).to_integral_value(ROUND_FLOOR) * step
        found = walked(each, side, amount, levels) if amount > 0 else None
        if found is None:
            return None
        notional, worst = found
        fee = EXACT.multiply(notional if from_quote else amount, rate)
        paid = amount if side is Side.SELL else notional + (fee if from_quote else 0)
        incoming = notional - fee if side is Side.SELL else amount - (0 if from_quote else fee)
        start_amount = paid if start_amount is None else start_amount
        fee_asset = each.quote if from_quote else each.base
        legs.append(Leg(venue, symbol, side, amount, EXACT.divide(notional, amount), worst, fee, fee_asset))
    profit = incoming - start_amount
    return Opportunity(
        id=content_id(*(f"{leg}" for leg in legs)),
        kind="two_leg" if len(legs) == 2 else "three_leg",
        start_asset=start_asset,
        start_amount=start_amount,
        end_amount=incoming,
        net_profit=profit,
        gross_profit=profit,
        net_bps=profit / start_amount * 10_000,
        legs=tuple(legs),
        oldest_book_ms=0,
        skew_ms=0,
        marks=(),
        profit_value=profit * values[start_asset],
        top_net_bps=profit / start_amount * 10_000,
    )


def affordable(levels, notional):
    total = Decimal(0)
    for price, offered in levels:
        if price * offered > notional:
            return total + notional / price
        total, notional = total + offered, notional - price * offered
    return total


def conditions(books, instruments, latencies=STILL, max_age_ms=3_000, values=VALUES):
    return Conditions(books, instruments, values, latencies, max_age_ms)
