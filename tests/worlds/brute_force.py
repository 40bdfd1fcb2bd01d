"""The best size of a loop by trying every combination of amounts on the step grids, in fractions."""

from fractions import Fraction

from shared.domain.market import FeeAsset, Side


def fills(order):
    """Every allowed amount on the step grid with what it pays and gets."""
    step, rate = Fraction(order.amount_step), Fraction(order.fee.rate)
    amount = Fraction(0)
    depth = sum(Fraction(offered) for _, offered in order.levels)
    while (amount := amount + step) <= depth:
        rest, notional, limit = amount, Fraction(0), None
        for price, offered in order.levels:
            taken = min(rest, Fraction(offered))
            if taken:
                notional, rest, limit = notional + taken * Fraction(price), rest - taken, Fraction(price)
        if order.side is Side.SELL:
            paid, got = amount, notional * (1 - rate)
        elif order.fee.asset is FeeAsset.QUOTE:
            paid, got = notional * (1 + rate), amount
        else:
            paid, got = notional, amount * (1 - rate)
        if (
            amount >= (order.min_amount or 0)
            and (order.max_amount is None or amount <= order.max_amount)
            and amount * limit >= (order.min_notional or 0)
            and (order.budget is None or paid <= order.budget)
        ):
            yield paid, got


def brute_force(orders):
    """The largest profit over all combinations of grid amounts, of equals the smallest start."""
    legs = [list(fills(order)) for order in orders]
    best = None
    states = {(paid, got) for paid, got in legs[0]}
    for leg in legs[1:]:
        states = {(start, got) for start, have in states for paid, got in leg if paid <= have}
    for start, end in states:
        best = max(best or (end - start, -start), (end - start, -start))
    return best
