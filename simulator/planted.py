"""A planted opportunity as it stands in the served books: exact edge, size and profit."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from simulator.books import Book, Top
from simulator.listings import FEE_IN_QUOTE, Instrument
from simulator.schedule import PlantedKind

_BPS = Decimal(10_000)
_DUST = Decimal("1e-12")


@dataclass(frozen=True, slots=True)
class PathLeg:
    """One conversion: which book, and whether its base asset is bought or sold."""

    venue: str
    symbol: str
    side: str

    def __str__(self) -> str:
        """The leg as rejections write it: venue:symbol:side."""
        return f"{self.venue}:{self.symbol}:{self.side}"


@dataclass(frozen=True, slots=True)
class Planted:
    """An opportunity that is live now.

    Attributes:
        id: stable name of this occurrence.
        kind: shape of the loop.
        path: the conversions in order; the first spends `start_asset`, the last returns it.
        start_ms, peak_ms, end_ms: its life; at `end_ms` it is gone.
        peak_net_bps: the edge that the timetable wants at the peak, in basis points net of base-tier fees.
        planned_net_bps: the edge that the timetable wants now.
        net_bps: the edge that the tops of the served books give now (ticks round the plan a little).
        notional: how much of the start asset earns at the margin, walking down the levels.
        profit: what that would return, in the start asset, without steps and minimums.
        watched: the traded asset is on the watch list.
    """

    id: str
    kind: PlantedKind
    path: tuple[PathLeg, ...]
    start_asset: str
    start_ms: int
    peak_ms: int
    end_ms: int
    peak_net_bps: float
    planned_net_bps: float
    net_bps: Decimal
    notional: Decimal
    profit: Decimal
    watched: bool


def net_rate(instrument: Instrument, side: str, price: Decimal) -> Decimal:
    """Units out for one unit in, after the taker fee on the asset that the venue takes it from."""
    fee = instrument.taker_bps / _BPS
    if side == "sell":
        return price * (1 - fee)
    return 1 / (price * (1 + fee)) if instrument.venue in FEE_IN_QUOTE else (1 - fee) / price


def price_of(instrument: Instrument, ticks: int) -> Decimal:
    """Ticks as the price that goes on the wire."""
    return Decimal(ticks).scaleb(-instrument.price_decimals)


def amount_of(instrument: Instrument, steps: int) -> Decimal:
    """Steps as the amount that goes on the wire."""
    return Decimal(steps).scaleb(-instrument.amount_decimals)


def top_net_bps(legs: Sequence[tuple[Instrument, str, Top]]) -> Decimal | None:
    """Net edge of a loop at the tops of its books in basis points; None where a side is empty."""
    product = Decimal(1)
    for instrument, side, top in legs:
        ticks = top.ask if side == "buy" else top.bid
        if not ticks:
            return None
        product *= net_rate(instrument, side, price_of(instrument, ticks))
    return (product - 1) * _BPS


def walk(legs: Sequence[tuple[Instrument, str, Book]]) -> tuple[Decimal, Decimal]:
    """Spend down the levels of a loop while the next unit still earns.

    Returns the amount of the start asset that goes in and the profit in the same asset. The cascade of
    concave conversions is optimal when amounts have no steps (marginal rates only ever fall).
    """
    queues = [deque(_capacities(*leg)) for leg in legs]
    spent = earned = Decimal(0)
    while all(queues):
        reach, rate = None, Decimal(1)
        for queue in queues:
            capacity = queue[0][0] / rate
            reach = capacity if reach is None else min(reach, capacity)
            rate *= queue[0][1]
        if reach is None or rate <= 1:
            break
        spent += reach
        earned += reach * (rate - 1)
        flow = reach
        for queue in queues:
            capacity, level_rate = queue[0]
            if capacity - flow <= capacity * _DUST:
                queue.popleft()
            else:
                queue[0] = (capacity - flow, level_rate)
            flow *= level_rate
    return spent, earned


def _capacities(instrument: Instrument, side: str, book: Book) -> list[tuple[Decimal, Decimal]]:
    """Each level as (units that can go in, units out for each)."""
    found = []
    for ticks, steps in book.asks if side == "buy" else book.bids:
        price, amount = price_of(instrument, ticks), amount_of(instrument, steps)
        rate = net_rate(instrument, side, price)
        if side == "sell":
            taken = amount
        elif instrument.venue in FEE_IN_QUOTE:
            taken = amount / rate
        else:
            taken = amount * price
        found.append((taken, rate))
    return found
