"""Unit prices in US dollars, each with where and when it was found.

They differ by region and change: those of one deployment are in Azure's price calculator.
"""

from __future__ import annotations

from dataclasses import dataclass

RETAIL = "Retail Prices API"


@dataclass(frozen=True, slots=True)
class Price:
    """`usd` for `units` of something, the first `free` of which cost nothing; `found` names source and date.

    `how` is `looked up`, or `assumed` where the source gives an example and not a price.
    """

    item: str
    usd: float
    units: float
    unit: str
    found: str
    free: float = 0.0
    how: str = "looked up"

    def of(self, quantity: float) -> float:
        """What so many cost in US dollars."""
        return max(0.0, quantity - self.free) / self.units * self.usd


EXECUTION_TIME = Price(
    "execution time", 0.000026, 1, "a GB-s", "modal.com, 22 May 2025; " + RETAIL + ", 2026", free=100_000
)
EXECUTIONS = Price(
    "executions", 0.40, 1e6, "a million", "azure.microsoft.com, no date; " + RETAIL + ", 2026", free=250_000
)
TABLE_CALLS = Price("table calls", 0.00036, 1e4, "10,000", RETAIL + ", 2026")
QUEUE_CALLS = Price("queue calls", 0.004, 1e4, "10,000", RETAIL + ", 2026")
HOST_WRITES = Price("writes of the host's blobs", 0.05, 1e4, "10,000", RETAIL + ", 10 August 2026")
HOST_LEASES = Price("renewals of blob leases", 0.004, 1e4, "10,000", RETAIL + ", 2026")
LAKE_WRITES = Price(
    "writes of the lake", 0.0715, 1e4, "10,000", "Microsoft's sample prices, 26 July 2024", how="assumed"
)
LAKE_READS = Price("reads of the lake", 0.0057, 1e4, "10,000", "as above", how="assumed")
LAKE_LISTS = Price("listings of the lake", 0.0715, 1e4, "10,000", "as above", how="assumed")
LAKE_MOVES = Price("moves to the cool tier", 0.13, 1e4, "10,000", "as above", how="assumed")
LAKE_HOT = Price("lake, hot", 0.021, 1, "a GB and month", "as above", how="assumed")
LAKE_COOL = Price("lake, cool", 0.012, 1, "a GB and month", "as above", how="assumed")
BASIC = Price("database, Basic", 0.161, 1, "a day", RETAIL + ", 10 October 2026")
S0 = Price("database, S0", 0.4907, 1, "a day", RETAIL + ", no date")
LOG_ALERT_5_MIN = Price("log alert every 5 minutes", 1.50, 1, "a rule and month", RETAIL + ", 23 July 2026")
LOG_ALERT_15_MIN = Price("log alert every 15 minutes or more", 0.50, 1, "a rule and month", "as above")
METRIC_ALERT = Price(
    "metric alert", 0.10, 1, "a series and month", "as above; some subscriptions have ten free"
)
WEB_TEST = Price("web test", 0.0005, 1, "a run", RETAIL + ", 28 July 2026")
LOGS = Price("logs taken in", 2.30, 1, "a GB", RETAIL + ", 9 August 2026", free=5)
VAULT = Price("key vault", 0.03, 1e4, "10,000 operations", RETAIL + ", 2026")
GRAFANA = Price("Grafana, Standard X1", 0.086, 1, "an hour", "list price, West Europe, October 2026")
GRAFANA_USER = Price("Grafana, a user", 6.0, 1, "a month", "as above")

ZONES = 1.25
"""What writing and storing costs with zone redundancy (ZRS) beside LRS: both so in the Retail Prices API, 2026."""

PRICES = (
    EXECUTION_TIME,
    EXECUTIONS,
    TABLE_CALLS,
    QUEUE_CALLS,
    HOST_WRITES,
    HOST_LEASES,
    LAKE_WRITES,
    LAKE_READS,
    LAKE_LISTS,
    LAKE_MOVES,
    LAKE_HOT,
    LAKE_COOL,
    BASIC,
    S0,
    LOG_ALERT_5_MIN,
    LOG_ALERT_15_MIN,
    METRIC_ALERT,
    WEB_TEST,
    LOGS,
    VAULT,
    GRAFANA,
    GRAFANA_USER,
)
