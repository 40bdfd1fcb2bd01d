"""Whether two venues mean the same asset by a ticker: price ratios, asset ids, contract addresses."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from statistics import median

from shared.domain.gates import GatedBook
from shared.domain.market import Currency
from shared.domain.transfer import canonical_networks
from shared.domain.values import Values

_ROUNDING = 1e-9
"""More than floats of one price, rounded along different ways, are apart."""


def odd_books(
    asset: str, books: Iterable[GatedBook], values: Values, max_log: float
) -> Mapping[tuple[str, str], str]:
    """Which of the books with this base trade something else under its ticker, with what shows it.

    A book is compared with the other venues: each speaks by its book of the same symbol, else by the median of
    its books of the asset, carried over by the values of the quotes. With three venues a book is odd if
    |ln(price / median of venues)| exceeds `max_log`; with two nobody can tell which of them is, so both are.
    """
    prices = {book: price for book in books if book.refusal is None and (price := _price(book)) is not None}
    worth = {book: price * value for book, price in prices.items() if (value := _value(book, values))}
    odd = {}
    for book, price in prices.items():
        elsewhere = _elsewhere(book, prices, worth)
        if not elsewhere:
            continue
        reference = median([*elsewhere.values(), price] if len(elsewhere) > 1 else elsewhere.values())
        if abs(math.log(price / reference)) > max_log:
            odd[book.venue, book.symbol] = (
                f"{asset} on {book.venue} is worth {price / reference:.4g} times what "
                f"{' and '.join(sorted(elsewhere))} say"
            )
    return odd


def near_enough(worths: Collection[float], max_log: float) -> bool:
    """Whether the worths of all sides of an asset's books alone show that `odd_books` finds none of these odd.

    Each of its prices, and what others say of it, lies between the least and the most of them, whichever of the
    books and sides count in the end. A worth of zero is not known.
    """
    least, most = min(worths, default=1.0), max(worths, default=1.0)
    return least > 0 and math.log(most / least) <= max_log - _ROUNDING


def _elsewhere(
    book: GatedBook, prices: Mapping[GatedBook, float], worth: Mapping[GatedBook, float]
) -> dict[str, float]:
    """What each other venue says the price of this book should be."""
    said = {}
    for venue in {other.venue for other in prices} - {book.venue}:
        same = [
            price for other, price in prices.items() if (other.venue, other.symbol) == (venue, book.symbol)
        ]
        if same:
            said[venue] = same[0]
        elif book in worth:
            known = [value for other, value in worth.items() if other.venue == venue]
            if known:
                said[venue] = median(known) * prices[book] / worth[book]
    return said


def _price(book: GatedBook) -> float | None:
    """Mid of the book, or the price of its only side; None if it is empty."""
    tops = [float(levels[0].price) for levels in (book.bids, book.asks) if levels]
    return sum(tops) / len(tops) if tops else None


def _value(book: GatedBook, values: Values) -> float:
    return float(values.of(book.quote) or 0)


def conflict(asset: str, here: Currency | None, there: Currency | None) -> str | None:
    """What shows that two venues mean different assets: ids that differ, or contracts on one network."""
    if here is None or there is None:
        return None
    if here.asset_id and there.asset_id and here.asset_id != there.asset_id:
        return f"{asset} is {here.asset_id} at one venue and {there.asset_id} at the other"
    theirs = canonical_networks(there)
    for network, mine in canonical_networks(here).items():
        if network not in theirs:
            continue
        contracts = _contract(mine.contract), _contract(theirs[network].contract)
        if all(contracts) and contracts[0] != contracts[1]:
            return f"{asset} has contract {contracts[0]} at one venue and {contracts[1]} at the other on {network}"
    return None


def _contract(address: str | None) -> str:
    """Hexadecimal addresses are written in any case, others mean their case."""
    address = (address or "").strip()
    return address.lower() if address[:2].lower() == "0x" else address
