"""The desk's limits: one limit is one check, and every breach is reported with its value and bound.

Values are USDT. A day is a UTC day; an hour is the last 3,600 s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any

from shared.domain.exact import EXACT, ONE, ZERO, text
from shared.domain.opportunity import Opportunity
from shared.domain.portfolio import Amounts
from shared.domain.trade import Decision, Trade, TradeStatus, Verdict
from shared.errors import InputError, MalformedRecord

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class RiskPolicy:
    """The limits. A value equal to its limit is allowed; the last two are of trades in an hour."""

    max_trade: Decimal = Decimal(1_000)
    max_asset: Decimal = Decimal(10_000)
    max_venue: Decimal = Decimal(100_000)
    max_scan: Decimal = Decimal(5_000)
    max_day: Decimal = Decimal(250_000)
    max_daily_loss: Decimal = Decimal(100)
    max_drawdown: Decimal = Decimal(200)
    min_confidence: Decimal = Decimal("0.5")
    max_trades_per_hour: int = 600
    max_trades_per_pair: int = 120


@dataclass(frozen=True, slots=True)
class RiskUsage:
    """How much of the limits is used.

    `assets` and `venues` hold the day's traded value, `recent` the last hour's trades as (ms, path). `profit`
    is all trades' result, realised and carried at the time of the trade; `peak` the most it has been. Losses count
    anew once a person has cleared the kill switch: `day_pardon` is the day's profit then, `counted_peak` the most
    that the profit has been since.
    """

    day: int = 0
    day_value: Decimal = ZERO
    day_profit: Decimal = ZERO
    assets: Amounts = field(default_factory=dict)
    venues: Amounts = field(default_factory=dict)
    scan_id: str = ""
    scan_value: Decimal = ZERO
    profit: Decimal = ZERO
    peak: Decimal = ZERO
    day_pardon: Decimal = ZERO
    counted_peak: Decimal = ZERO
    recent: tuple[tuple[int, str], ...] = ()

    def at(self, now_ms: int) -> RiskUsage:
        """The usage that still counts now; a moment before the day counted so far changes nothing."""
        recent = tuple(trade for trade in self.recent if trade[0] > now_ms - HOUR_MS)
        if now_ms // DAY_MS <= self.day:
            return replace(self, recent=recent)
        return replace(
            self,
            day=now_ms // DAY_MS,
            day_value=ZERO,
            day_profit=ZERO,
            day_pardon=ZERO,
            assets={},
            venues={},
            recent=recent,
        )

    @property
    def counted_day_profit(self) -> Decimal:
        """The day's profit as the daily loss counts it."""
        with localcontext(EXACT):
            return self.day_profit - self.day_pardon

    @property
    def counted_fall(self) -> Decimal:
        """How far the profit has fallen, as the drawdown counts it."""
        with localcontext(EXACT):
            return self.counted_peak - self.profit

    def pardoned(self) -> RiskUsage:
        """With losses counting from here on, after a person has cleared the kill switch."""
        return replace(self, day_pardon=self.day_profit, counted_peak=self.profit)

    def add(self, trade: Trade, values: Amounts) -> RiskUsage:
        """With a trade counted; one that was refused uses nothing.

        Raises:
            InputError: the start asset has no value.
        """
        if trade.status is TradeStatus.REFUSED:
            return self
        usage = self.at(trade.decided_ms)
        price = _price(trade.start_asset, values)
        with localcontext(EXACT):
            value = trade.start_amount * price
            earned = trade.profit * price
            in_scan = usage.scan_value if usage.scan_id == trade.scan_id else ZERO
            profit = usage.profit + earned
            return replace(
                usage,
                day_value=usage.day_value + value,
                day_profit=usage.day_profit + earned,
                assets=_plus(usage.assets, dict.fromkeys(_assets(trade.path, trade.start_asset), value)),
                venues=_plus(usage.venues, _venue_values(trade.path, value)),
                scan_id=trade.scan_id,
                scan_value=in_scan + value,
                profit=profit,
                peak=max(usage.peak, profit),
                counted_peak=max(usage.counted_peak, profit),
                recent=(*usage.recent, (trade.decided_ms, " ".join(trade.path))),
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; money as text."""
        return {
            "day": self.day,
            "day_value": text(self.day_value),
            "day_profit": text(self.day_profit),
            "assets": {asset: text(value) for asset, value in self.assets.items()},
            "venues": {venue: text(value) for venue, value in self.venues.items()},
            "scan_id": self.scan_id,
            "scan_value": text(self.scan_value),
            "profit": text(self.profit),
            "peak": text(self.peak),
            "day_pardon": text(self.day_pardon),
            "counted_peak": text(self.counted_peak),
            "recent": [[at_ms, path] for at_ms, path in self.recent],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> RiskUsage:
        """What `to_dict` wrote.

        Raises:
            MalformedRecord: a field is missing or is no number.
        """
        try:
            return cls(
                day=int(record["day"]),
                day_value=Decimal(record["day_value"]),
                day_profit=Decimal(record["day_profit"]),
                assets={asset: Decimal(value) for asset, value in record["assets"].items()},
                venues={venue: Decimal(value) for venue, value in record["venues"].items()},
                scan_id=str(record["scan_id"]),
                scan_value=Decimal(record["scan_value"]),
                profit=Decimal(record["profit"]),
                peak=Decimal(record["peak"]),
                day_pardon=Decimal(record["day_pardon"]),
                counted_peak=Decimal(record["counted_peak"]),
                recent=tuple((int(at_ms), str(path)) for at_ms, path in record["recent"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
            raise MalformedRecord("usage", repr(error), "is not what to_dict writes") from error


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that a trade would break, or that the desk has broken; `trips` stops all execution."""

    limit: str
    value: Decimal
    bound: Decimal
    detail: str
    trips: bool = False

    def __str__(self) -> str:
        return f"{self.limit}: {self.detail} is {self.value:.8g}, limit {self.bound:f}"


@dataclass(frozen=True, slots=True)
class Intent:
    """A trade about to be made: its start amount in USDT at the size that the verdict allows."""

    scan_id: str
    path: tuple[str, ...]
    start_asset: str
    value: Decimal
    confidence: Decimal


def check(
    policy: RiskPolicy,
    usage: RiskUsage,
    opportunity: Opportunity,
    verdict: Verdict,
    *,
    scan_id: str,
    scale: Decimal,
    values: Amounts,
    now_ms: int,
) -> tuple[Breach, ...]:
    """Every limit that trading the opportunity at `scale` would break.

    Raises:
        InputError: the start asset has no value.
    """
    with localcontext(EXACT):
        value = opportunity.start_amount * scale * _price(opportunity.start_asset, values)
        intent = Intent(scan_id, opportunity.path, opportunity.start_asset, value, verdict.confidence)
        current = usage.at(now_ms)
        return tuple(breach for limit in CHECKS for breach in limit(policy, current, intent))


def check_losses(policy: RiskPolicy, usage: RiskUsage, now_ms: int) -> tuple[Breach, ...]:
    """The losses that trip the kill switch; to be asked after every trade."""
    current = usage.at(now_ms)
    nothing = Intent("", (), "", ZERO, ZERO)
    return (*_daily_loss(policy, current, nothing), *_drawdown(policy, current, nothing))


def _trade(policy: RiskPolicy, _: RiskUsage, intent: Intent) -> Iterable[Breach]:
    if intent.value > policy.max_trade:
        yield Breach("max_trade", intent.value, policy.max_trade, "the trade's value")


def _asset(policy: RiskPolicy, usage: RiskUsage, intent: Intent) -> Iterable[Breach]:
    for asset in _assets(intent.path, intent.start_asset):
        value = usage.assets.get(asset, ZERO) + intent.value
        if value > policy.max_asset:
            yield Breach("max_asset", value, policy.max_asset, f"the day's value in {asset}")


def _venue(policy: RiskPolicy, usage: RiskUsage, intent: Intent) -> Iterable[Breach]:
    for venue, added in _venue_values(intent.path, intent.value).items():
        value = usage.venues.get(venue, ZERO) + added
        if value > policy.max_venue:
            yield Breach("max_venue", value, policy.max_venue, f"the day's value at {venue}")


def _scan(policy: RiskPolicy, usage: RiskUsage, intent: Intent) -> Iterable[Breach]:
    value = (usage.scan_value if usage.scan_id == intent.scan_id else ZERO) + intent.value
    if value > policy.max_scan:
        yield Breach("max_scan", value, policy.max_scan, "the scan's value")


def _day(policy: RiskPolicy, usage: RiskUsage, intent: Intent) -> Iterable[Breach]:
    value = usage.day_value + intent.value
    if value > policy.max_day:
        yield Breach("max_day", value, policy.max_day, "the day's value")


def _daily_loss(policy: RiskPolicy, usage: RiskUsage, _: Intent) -> Iterable[Breach]:
    loss = usage.counted_day_profit.copy_negate()
    if loss > policy.max_daily_loss:
        yield Breach("max_daily_loss", loss, policy.max_daily_loss, "the day's loss", trips=True)


def _drawdown(policy: RiskPolicy, usage: RiskUsage, _: Intent) -> Iterable[Breach]:
    fall = usage.counted_fall
    if fall > policy.max_drawdown:
        yield Breach(
            "max_drawdown", fall, policy.max_drawdown, "the fall from the highest profit", trips=True
        )


def _confidence(policy: RiskPolicy, _: RiskUsage, intent: Intent) -> Iterable[Breach]:
    if intent.confidence < policy.min_confidence:
        yield Breach("min_confidence", intent.confidence, policy.min_confidence, "the verdict's confidence")


def _hour(policy: RiskPolicy, usage: RiskUsage, _: Intent) -> Iterable[Breach]:
    trades = Decimal(len(usage.recent) + 1)
    if trades > policy.max_trades_per_hour:
        yield Breach("max_trades_per_hour", trades, Decimal(policy.max_trades_per_hour), "the hour's trades")


def _pair(policy: RiskPolicy, usage: RiskUsage, intent: Intent) -> Iterable[Breach]:
    path = " ".join(intent.path)
    trades = Decimal(sum(1 for _, traded in usage.recent if traded == path) + 1)
    if trades > policy.max_trades_per_pair:
        bound = Decimal(policy.max_trades_per_pair)
        yield Breach("max_trades_per_pair", trades, bound, f"the hour's trades on {path}")


CHECKS: tuple[Callable[[RiskPolicy, RiskUsage, Intent], Iterable[Breach]], ...] = (
    _trade,
    _asset,
    _venue,
    _scan,
    _day,
    _daily_loss,
    _drawdown,
    _confidence,
    _hour,
    _pair,
)


def allowed_scale(verdict: Verdict, caution_scale: Decimal) -> Decimal:
    """The share of an opportunity's size that a verdict leaves: all, the caution's share, or nothing."""
    return {Decision.APPROVE: ONE, Decision.CAUTION: caution_scale, Decision.REJECT: ZERO}[verdict.decision]


def _price(asset: str, values: Amounts) -> Decimal:
    price = values.get(asset)
    if price is None:
        raise InputError(f"{asset} has no value in USDT; its book was refused or is missing")
    return price


def _assets(path: Iterable[str], start_asset: str) -> list[str]:
    assets = {asset for conversion in path for asset in conversion.split(":")[1].split("/")}
    return sorted(assets - {start_asset})


def _venue_values(path: Iterable[str], value: Decimal) -> dict[str, Decimal]:
    legs = Counter(conversion.split(":")[0] for conversion in path)
    return {venue: value * count for venue, count in legs.items()}


def _plus(amounts: Amounts, more: Amounts) -> Amounts:
    return {**amounts, **{key: amounts.get(key, ZERO) + amount for key, amount in more.items()}}
