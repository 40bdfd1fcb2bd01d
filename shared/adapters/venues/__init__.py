"""Public market data of the four venues, through ccxt's async clients."""

from shared.adapters.venues.market_data import CcxtMarketData

__all__ = ["CcxtMarketData"]
