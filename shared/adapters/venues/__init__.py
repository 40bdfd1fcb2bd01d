"""Public market data of the four venues, through ccxt's async clients."""
