"""Two venues with a true edge between them: what the tests of refusals and of transfers start from."""

from shared.domain.market import Currency
from tests.domain.small_market import ASSETS, snapshot, top, venue

LOOP = "binance:BTC/USDT:buy kraken:BTC/USDT:sell"
CHEAP, DEAR = top(99, 100), top("100.9", 102)


def two_venues(cheap=CHEAP, dear=DEAR, **markets):
    """A true edge of about 70 bps between two venues."""
    return snapshot(
        **{"binance": {"BTC/USDT": cheap}, "kraken": {"BTC/USDT": dear}} | markets,
    )


def travelling(**networks):
    return dict.fromkeys(ASSETS, Currency(networks=networks))


def kraken(books=None, **changes):
    return venue("kraken", books or {"BTC/USDT": DEAR}, **changes)
