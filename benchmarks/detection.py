"""CPU of screening beside a whole tick, its growth with the market, and replay beside plainer ways to look for loops.

Run as `python -m benchmarks.detection`. All figures are CPU time of this process, taken in one run, in turns.

- The tick is that of `benchmarks.tick`: answers of production size fetched from loopback, mapped, screened, encoded.
- The screen is the search for all loops of two and three over 4 venues x 2,000 instruments, on prices that are
  other ones each time and of which none pays, as almost always; it is measured again at twice the instruments and
  twice the venues. What a loop that pays costs besides is stated apart: one asset that is dear at one venue closes
  dozens.
- The recording holds books in depth, an edge planted in every fifth snapshot. Beside `detect`, which gates, sizes
  and shares out, stand two ways that only find: nested loops over the best rates, and networkx's search for one
  negative cycle.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import multiprocessing
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import cycle
from pathlib import Path

import networkx as nx

from benchmarks.tick import WARM_UP, Ticks, cpu_ms, serve
from shared.domain.detection import candidates, detect
from shared.domain.market import BookText, FeeAsset, Instrument, Snapshot, VenueMarket
from shared.domain.policy import DetectionPolicy
from shared.domain.survey import survey
from shared.domain.tops import Tops
from shared.garbage import collection_paused

POLICY = DetectionPolicy()
ALLOWED_SHARE, ALLOWED_GROWTH = 0.15, 2.2
WITH_EDGES = "with edges"
NOW = 1_780_000_000_000
FEE = 0.001

HUBS = {"USDT": 1.0, "USDC": 1.0001, "BTC": 60_000.0, "EUR": 1.08}


def quotes(draw: random.Random, venues: int, instruments: int, edges: int) -> dict[str, dict[str, float]]:
    """Mid prices by venue and symbol: every asset in one to three quotes, scattered by less than the fees."""
    worth = {f"C{number}": 10 ** draw.uniform(-1, 3) for number in range(instruments * 2 // 3)}
    pairs = [(base, quote) for base in HUBS for quote in HUBS if HUBS[base] > HUBS[quote]]
    pairs += [(base, quote) for base in worth for quote in draw.sample(sorted(HUBS), draw.randint(1, 3))]
    symbols = pairs[:instruments]
    mids = {
        f"venue{number}": {
            f"{base}/{quote}": {**HUBS, **worth}[base] / HUBS[quote] * (1 + draw.gauss(0, 1e-4))
            for base, quote in symbols
        }
        for number in range(venues)
    }
    for base, quote in draw.sample(symbols[len(HUBS) * 2 :], edges):
        mids["venue0"][f"{base}/{quote}"] *= 1.006
    return mids


def rows(draw: random.Random, mid: float, way: int, levels: int) -> list[list[str]]:
    """Levels of one side as a venue writes them."""
    price, written = mid * (1 + way * draw.uniform(1e-4, 4e-4)), []
    for _ in range(levels):
        written.append([f"{price:.10f}", f"{1000 / mid * draw.random():.8f}"])
        price *= 1 + way * draw.uniform(1e-4, 5e-4)
    return written


def market(venue: str, books: dict[str, BookText], listed: dict[str, Instrument]) -> VenueMarket:
    """A venue at base-tier fees; `listed` are its instruments, the same from snapshot to snapshot."""
    for symbol in books.keys() - listed.keys():
        listed[symbol] = _instrument(venue, symbol)
    return VenueMarket(NOW, Decimal(str(FEE)) * 10_000, FeeAsset.RECEIVED, instruments=listed, books=books)


def _instrument(venue: str, symbol: str) -> Instrument:
    base, quote = symbol.split("/")
    step = Decimal("0.0001")
    return Instrument(venue, symbol, base, quote, tradable=True, leveraged=False, amount_step=step)


def in_columns(books: dict[str, BookText], positions: dict[str, int]) -> Tops:
    """Tops of book as the adapters make them."""
    bids, asks = ([each[side][0][0] for each in books.values()] for side in (0, 1))
    amounts = ([each[side][0][1] for each in books.values()] for side in (0, 1))
    return Tops(positions, bids, asks, list(map(float, bids)), list(map(float, asks)), *amounts)  # type: ignore[arg-type]  # amounts of this benchmark are all known


def ticks_of_tops(venues: int, instruments: int, count: int, edges: int = 0) -> list[Snapshot]:
    """Snapshots of one market whose prices move from one to the next, as a running process sees them."""
    draw = random.Random(venues * 100_000 + instruments)
    mids = quotes(draw, venues, instruments, edges)
    listed: dict[str, dict[str, Instrument]] = {venue: {} for venue in mids}
    positions = {venue: {symbol: row for row, symbol in enumerate(prices)} for venue, prices in mids.items()}
    found: list[Snapshot] = []
    for _ in range(count):
        drift = 1 + draw.gauss(0, 1e-4)
        seen = {}
        for venue, prices in mids.items():
            books = {
                symbol: BookText(rows(draw, mid * drift, -1, 1), rows(draw, mid * drift, 1, 1))
                for symbol, mid in prices.items()
            }
            known = market(venue, books, listed[venue])
            seen[venue] = replace(known, books=in_columns(books, positions[venue]))
        found.append(Snapshot(NOW + 100, seen))
    return found


def recording(venues: int, instruments: int, count: int) -> list[Snapshot]:
    """Snapshots of one market with books of 20 levels, every fifth with an edge."""
    draw = random.Random(7)
    quiet, edged = (quotes(random.Random(7), venues, instruments, edges) for edges in (0, 1))
    listed: dict[str, dict[str, Instrument]] = {venue: {} for venue in quiet}
    made = []
    for number in range(count):
        drift = 1 + draw.gauss(0, 1e-3)
        seen = {}
        for venue, prices in (quiet if number % 5 else edged).items():
            books = {
                symbol: BookText(rows(draw, mid * drift, -1, 20), rows(draw, mid * drift, 1, 20))
                for symbol, mid in prices.items()
            }
            seen[venue] = market(venue, books, listed[venue])
        made.append(Snapshot(NOW + 100, seen))
    return made


def best_rates(snapshot: Snapshot) -> dict[str, dict[str, float]]:
    """The best rate of each asset into each other after fees, over all venues."""
    best: dict[str, dict[str, float]] = {}
    for venue in snapshot.venues.values():
        for symbol, book in venue.books.items():
            base, quote = symbol.split("/")
            bid, ask = float(book.bids[0][0] or 0), float(book.asks[0][0] or 0)
            for paid, got, rate in ((base, quote, bid * (1 - FEE)), (quote, base, (1 - FEE) / ask)):
                ways = best.setdefault(paid, {})
                ways[got] = max(ways.get(got, 0.0), rate)
    return best


def nested_loops(snapshot: Snapshot) -> int:
    """How many asset loops of two and three pay, by trying each: no gates, no sizes, one path an asset loop."""
    best = best_rates(snapshot)
    found = 0
    for first, from_first in best.items():
        for second, one in from_first.items():
            for third, two in best[second].items():
                if third == first:
                    found += one * two > 1
                else:
                    found += one * two * best[third].get(first, 0.0) > 1
    return found


def negative_cycle(snapshot: Snapshot) -> int:
    """Whether networkx finds a loop at all: Bellman-Ford on the negative logarithms of the best rates."""
    graph = nx.DiGraph()
    for paid, ways in best_rates(snapshot).items():
        for got, rate in ways.items():
            graph.add_edge(paid, got, weight=-math.log(rate))
    try:
        return len(nx.find_negative_cycle(graph, "USDT")) > 1
    except nx.NetworkXError:
        return 0


def spent_ms(work: Callable[[], object]) -> float:
    """CPU milliseconds of one call, collections held off as in a scan."""
    with collection_paused():
        began = time.process_time()
        work()
        return (time.process_time() - began) * 1000


def screening(rounds: int) -> dict[str, float]:
    """Median CPU of screening markets of three sizes.

    A process sees one market and keeps what stays the same of it, so each size has a block of rounds to itself;
    two blocks, in opposite order, even out what the machine does meanwhile.
    """
    sizes = {"4 x 2,000": (4, 2_000), "4 x 4,000": (4, 4_000), "8 x 2,000": (8, 2_000)}
    made = {name: ticks_of_tops(*size, count=4) for name, size in sizes.items()}
    made[WITH_EDGES] = ticks_of_tops(4, 2_000, count=4, edges=2)
    snapshots = {name: cycle(ticks) for name, ticks in made.items()}
    taken: dict[str, list[float]] = {name: [] for name in made}
    for name in [*made, *reversed(made)]:
        for each in range(rounds + WARM_UP):
            snapshot = next(snapshots[name])
            spent = spent_ms(lambda snapshot=snapshot: candidates(snapshot, POLICY))
            if each >= WARM_UP:
                taken[name].append(spent)
    loops = len(survey(made[WITH_EDGES][0], POLICY).loops)
    middle = {name: statistics.median(spent) for name, spent in taken.items()}
    each = (middle.pop(WITH_EDGES) - middle["4 x 2,000"]) / loops
    print(f"a loop that pays costs {each:.2f} ms more, gates included ({loops} of them)")
    return middle


async def ticking(base_url: str, rounds: int) -> tuple[float, float]:
    """Median CPU of a whole tick, and of the screen in it."""
    with tempfile.TemporaryDirectory() as folder:
        ticks = Ticks(base_url, Path(folder))
        await ticks.open()
        whole = [await cpu_ms(ticks.product) for _ in range(rounds + WARM_UP)][WARM_UP:]
        await ticks.close()
    return statistics.median(whole), statistics.median(ticks.stages["screen"][WARM_UP:])


def replaying(count: int) -> None:
    """Print throughput of the three ways over one recording."""
    snapshots = recording(4, 200, count)
    books = sum(len(venue.books) for snapshot in snapshots for venue in snapshot.venues.values())
    ways: dict[str, Callable[[Snapshot], int]] = {
        "detect": lambda snapshot: len(detect(snapshot, POLICY).opportunities),
        "nested loops": nested_loops,
        "networkx": negative_cycle,
    }
    taken, found = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0)
    for snapshot in snapshots:
        for name, way in ways.items():
            counted: list[int] = []
            taken[name] += spent_ms(
                lambda way=way, snapshot=snapshot, counted=counted: counted.append(way(snapshot))
            )
            found[name] += sum(counted)
    print(f"recording of {count} snapshots, {books // count} books of 20 levels each")
    for name, spent in taken.items():
        print(
            f"  {name:13} {count / spent * 1000:7.0f} snapshots/s {books / spent * 1000:9.0f} books/s, "
            f"found {found[name]}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 if the screen takes too much of a tick or grows too fast."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args(arguments).rounds
    print(f"Python {platform.python_version()} on {platform.machine()}, median of {rounds} rounds, CPU time")
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(1, theirs), daemon=True)
    server.start()
    tick, screened = asyncio.run(ticking(ours.recv(), rounds))
    server.terminate()
    sizes = screening(rounds)
    base = sizes["4 x 2,000"]
    growth = {name: spent / base for name, spent in sizes.items()}
    print(f"a tick {tick:.1f} ms, of which its screen {screened:.1f} ms ({screened / tick:.0%})")
    for name, spent in sizes.items():
        print(
            f"screen of {name} {spent:6.1f} ms, {spent / tick:.0%} of the tick, {growth[name]:.2f} x the first"
        )
    replaying(max(rounds, 5))
    kept = base <= ALLOWED_SHARE * tick and max(growth.values()) <= ALLOWED_GROWTH
    print(
        f"{'within' if kept else 'ABOVE'} {ALLOWED_SHARE:.0%} of a tick at 4 x 2,000 "
        f"and {ALLOWED_GROWTH} x at twice the size"
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
