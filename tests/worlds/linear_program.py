"""The most that loops could earn together: a linear program over their levels and balances, no steps or minimums."""

from decimal import Decimal

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

SIZED = {"DEPTH_TAKEN", "NO_INVENTORY", "BELOW_MIN_NOTIONAL", "NET_EDGE_TOO_SMALL", "BELOW_MIN_PROFIT"}


def loops_that_passed_the_gates(detection):
    """Paths of all loops that came as far as sizing."""
    refused = (each.path for each in detection.rejections if each.reason.value in SIZED)
    return [*(each.path for each in detection.opportunities), *refused]


def levels_of(snapshot, leg):
    """For each level of a leg: its place, asset paid and got, and what a unit of base pays and gets."""
    venue, symbol, side = leg.split(":")
    market = snapshot.venues[venue]
    base, quote = symbol.split("/")
    book = market.books[symbol]
    fee = float(market.taker_bps) / 10_000
    for row, (price, amount) in enumerate(book.asks if side == "buy" else book.bids):
        place, offered, cost = (leg, row), float(amount), float(price)
        if side == "sell":
            yield place, offered, base, quote, 1.0, cost * (1 - fee)
        elif market.fee_asset.value == "quote":
            yield place, offered, quote, base, cost * (1 + fee), 1.0
        else:
            yield place, offered, quote, base, cost, 1 - fee


class _Program:
    def __init__(self):
        self.rows, self.limits, self.gains = [], [], []

    def variable(self, gain=0.0):
        self.gains.append(gain)
        return len(self.gains) - 1

    def at_most(self, terms, limit):
        self.rows.append(terms)
        self.limits.append(limit)

    def solve(self):
        entries = [(factor, row, column) for row, terms in enumerate(self.rows) for column, factor in terms]
        factors, rows, columns = zip(*entries, strict=True)
        matrix = coo_matrix((factors, (rows, columns)), shape=(len(self.rows), len(self.gains)))
        solved = linprog(-np.array(self.gains), A_ub=matrix.tocsr(), b_ub=self.limits, method="highs")
        assert solved.status == 0, solved.message
        return -solved.fun


def most_together(snapshot, paths, values):
    """The bound in value; `values` is what a unit of each start asset is worth."""
    program = _Program()
    offered, spent = {}, {}
    for path in paths:
        legs = [list(levels_of(snapshot, leg)) for leg in path]
        start = legs[0][0][2]
        value = float(values.get(start, Decimal(1)))
        variables = []
        for number, levels in enumerate(legs):
            first, last = number == 0, number == len(legs) - 1
            taken = [
                program.variable((gets if last else 0) * value - (pays if first else 0) * value)
                for *_, pays, gets in levels
            ]
            variables.append(taken)
            venue = path[number].split(":")[0]
            for variable, (place, most, asset, _, pays, _) in zip(taken, levels, strict=True):
                offered.setdefault((place, most), []).append((variable, 1.0))
                if first or path[number - 1].split(":")[0] != venue:
                    spent.setdefault((venue, asset), []).append((variable, pays))
        for number in range(1, len(legs)):
            pays = [(v, level[4]) for v, level in zip(variables[number], legs[number], strict=True)]
            gets = [(v, -level[5]) for v, level in zip(variables[number - 1], legs[number - 1], strict=True)]
            program.at_most(pays + gets, 0.0)
    for (_, most), terms in offered.items():
        program.at_most(terms, most)
    if snapshot.balances is not None:
        for (venue, asset), terms in spent.items():
            program.at_most(terms, float(snapshot.balances.get(venue, {}).get(asset, 0)))
    return program.solve() if paths else 0.0
