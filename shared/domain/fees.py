"""Taker fees: which one applies, and what an order pays and gets by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from shared.domain.exact import BPS, EXACT, ONE, ZERO, written
from shared.domain.market import FeeAsset, Side, VenueMarket
from shared.errors import MalformedRecord


@dataclass(frozen=True, slots=True)
class TakerFee:
    """A fraction of what is traded, and the asset it is taken from."""

    rate: Decimal
    asset: FeeAsset


@dataclass(frozen=True, slots=True)
class FeeOverride:
    """What is known better than the venue says; None leaves it as it is. Basis points."""

    taker_bps: Decimal | None = None
    fee_asset: FeeAsset | None = None


NO_OVERRIDE = FeeOverride()


@dataclass(frozen=True, slots=True)
class FeeOverrides:
    """Overrides by venue, and by (venue, symbol), which go first."""

    venues: Mapping[str, FeeOverride] = field(default_factory=dict)
    instruments: Mapping[tuple[str, str], FeeOverride] = field(default_factory=dict)


class Flows(NamedTuple):
    """What an order pays and gets, in the assets it pays and gets, and its fee in the fee's asset."""

    paid: Decimal
    received: Decimal
    fee: Decimal


def taker_fee(venue: str, symbol: str, market: VenueMarket, overrides: FeeOverrides) -> TakerFee | None:
    """The fee of an instrument, or None where nobody gives a rate.

    The first that is known counts: override of the instrument, override of the venue, instrument, venue.
    Where nobody says what the fee is taken from, it is the asset received, which costs a buyer more.
    """
    instrument = market.instruments.get(symbol)
    sources: tuple[Any, ...] = (
        overrides.instruments.get((venue, symbol), NO_OVERRIDE),
        overrides.venues.get(venue, NO_OVERRIDE),
        instrument or NO_OVERRIDE,
        market,
    )
    bps = next((source.taker_bps for source in sources if source.taker_bps is not None), None)
    if bps is None:
        return None
    asset = next((source.fee_asset for source in sources if source.fee_asset is not None), FeeAsset.RECEIVED)
    return TakerFee(EXACT.divide(bps, BPS), asset)


def order_flows(side: Side, amount: Decimal, notional: Decimal, fee: TakerFee) -> Flows:
    """What a filled order of `amount` base and `notional` quote moves, exactly (design: Formulas)."""
    kept = EXACT.subtract(ONE, fee.rate)
    if side is Side.SELL:
        return Flows(amount, EXACT.multiply(notional, kept), EXACT.multiply(notional, fee.rate))
    if fee.asset is FeeAsset.QUOTE:
        charged = EXACT.multiply(notional, fee.rate)
        return Flows(EXACT.add(notional, charged), amount, charged)
    return Flows(notional, EXACT.multiply(amount, kept), EXACT.multiply(amount, fee.rate))


def fee_overrides(raw: Mapping[str, Any]) -> FeeOverrides:
    """Overrides from a configuration's JSON.

    `{"kraken": {"taker_bps": "25", "fee_asset": "quote", "instruments": {"BTC/USDT": {"taker_bps": "0"}}}}`;
    every field may be missing. Rates may be JSON numbers, taken as they are written.

    Raises:
        MalformedRecord: an entry is no object, a rate no number from -10000 to 10000, or the asset unknown.
    """
    if not isinstance(raw, dict):
        raise MalformedRecord("fees", raw, 'is no object; write {"binance": {"taker_bps": "10"}}')
    venues: dict[str, FeeOverride] = {}
    instruments: dict[tuple[str, str], FeeOverride] = {}
    for venue, entry in raw.items():
        venues[venue] = _override(entry, venue, ("taker_bps", "fee_asset", "instruments"))
        listed = {} if entry.get("instruments") is None else entry["instruments"]
        if not isinstance(listed, dict):
            raise MalformedRecord(f"{venue}.instruments", listed, "is no object; write {symbol: {...}}")
        for symbol, own in listed.items():
            instruments[venue, symbol] = _override(own, f"{venue}.instruments.{symbol}")
    return FeeOverrides(venues, instruments)


def _override(
    entry: object, where: str, allowed: tuple[str, ...] = ("taker_bps", "fee_asset")
) -> FeeOverride:
    if not isinstance(entry, dict):
        raise MalformedRecord(
            where, entry, 'is no object; write {"taker_bps": "10", "fee_asset": "received"}'
        )
    unknown = next((name for name in entry if name not in allowed), None)
    if unknown is not None:
        raise MalformedRecord(f"{where}.{unknown}", entry[unknown], f"is unknown; use {', '.join(allowed)}")
    asset = entry.get("fee_asset")
    if asset is not None and asset not in set(FeeAsset):
        raise MalformedRecord(f"{where}.fee_asset", asset, "is unknown; write received or quote")
    return FeeOverride(
        _rate(entry.get("taker_bps"), f"{where}.taker_bps"), None if asset is None else FeeAsset(asset)
    )


def _rate(value: object, where: str) -> Decimal | None:
    if value is None:
        return None
    try:
        bps = None if isinstance(value, bool) else written(str(value))
    except ValueError:
        bps = None
    if bps is None or abs(bps) >= BPS:
        raise MalformedRecord(where, value, "is outside -10000 to 10000; write basis points such as 10")
    return bps + ZERO
