"""The labelled cases: each states how it differs from one calm, genuine opportunity, and why it is a trap or not.

An injected case takes another case (`of`) and puts a text that demands a verdict into a symbol or a network name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from shared.domain.exact import BPS, EXACT, ratio
from shared.domain.facts import AssetEvidence, Facts, PathHistory, Surroundings, VenueHealth, gather
from shared.domain.market import Side
from shared.domain.opportunity import Leg, Opportunity
from shared.domain.trade import Decision

CALM: Mapping[str, Any] = {
    "legs": ["binance:SOL/USDT:buy", "kraken:SOL/USDT:sell"],
    "net_bps": "18.2",
    "top_bps": "22.4",
    "profit": "2.10",
    "age_ms": 350,
    "skew_ms": 140,
    "sightings": 3,
    "lifetime_ms": 31_000,
    "trades": 0,
    "kept": None,
    "volatility": "4.1",
    "depth": [],
    "venues": {},
    "assets": {},
}
"""What holds where a case says nothing else.

`venues` are [scans, failures, latency_ms], `assets` are [transfer, identity] or [transfer, identity, networks].
"""

_CALM_DEPTH = "0.2"
_CALM_VENUE = (20, 0, 120)
_CALM_ASSET = ("open", "confirmed")


@dataclass(frozen=True, slots=True)
class Case:
    """One opportunity as an analyst sees it. `veto`: it is a trap, so rejecting it is right.

    Of an injected case, `of` names the case without the text, and `demands` what the text asks for.
    """

    name: str
    kind: str
    veto: bool
    facts: Facts
    of: str | None = None
    demands: Decision | None = None


def load_cases() -> tuple[Case, ...]:
    """All cases that come with the product."""
    told = orjson.loads((Path(__file__).parent / "cases.json").read_bytes())["cases"]
    by_name = {case["name"]: case for case in told}
    return tuple(_case(case, by_name) for case in told)


def _case(told: Mapping[str, Any], by_name: Mapping[str, Mapping[str, Any]]) -> Case:
    of = told.get("of")
    values = {**CALM, **(by_name[of] if of else {}), **told}
    return Case(
        told["name"],
        told["kind"],
        told["veto"],
        gather(_opportunity(values), _surroundings(values)),
        of,
        Decision(told["demands"]) if of else None,
    )


def _legs(values: Mapping[str, Any]) -> list[tuple[str, str, str, Side]]:
    """Venue, base, quote and side of each leg; an injected symbol replaces the base of the first."""
    legs = []
    for leg in values["legs"]:
        venue, symbol, side = leg.split(":")
        base, quote = symbol.split("/")
        legs.append((venue, base, quote, Side(side)))
    if "symbol" not in values:
        return legs
    named = legs[0][1]
    return [
        (venue, values["symbol"] if base == named else base, quote, side) for venue, base, quote, side in legs
    ]


def _opportunity(values: Mapping[str, Any]) -> Opportunity:
    net_bps, profit = Decimal(values["net_bps"]), Decimal(values["profit"])
    start = ratio(EXACT.multiply(profit, BPS), net_bps)
    one = Decimal(1)
    legs = tuple(
        Leg(venue, f"{base}/{quote}", side, one, one, one, Decimal(0), quote)
        for venue, base, quote, side in _legs(values)
    )
    return Opportunity(
        id=values["name"],
        kind="two_leg" if len(legs) == 2 else "three_leg",  # noqa: PLR2004 - as the name says
        start_asset="USDT",
        start_amount=start,
        end_amount=EXACT.add(start, profit),
        net_profit=profit,
        gross_profit=profit,
        net_bps=net_bps,
        legs=legs,
        oldest_book_ms=values["age_ms"],
        skew_ms=values["skew_ms"],
        marks=(),
        profit_value=profit,
        top_net_bps=Decimal(values["top_bps"]),
    )


def _surroundings(values: Mapping[str, Any]) -> Surroundings:
    legs = _legs(values)
    depth = values["depth"] or [_CALM_DEPTH] * len(legs)
    kept = values["kept"]
    return Surroundings(
        depth_used=tuple(Decimal(share) for share in depth),
        history=PathHistory(
            values["sightings"],
            values["lifetime_ms"],
            values["trades"],
            None if kept is None else Decimal(kept),
        ),
        venues={leg[0]: VenueHealth(*values["venues"].get(leg[0], _CALM_VENUE)) for leg in legs},
        assets={asset: _evidence(asset, values) for leg in legs for asset in leg[1:3]},
        volatility_bps=Decimal(values["volatility"]),
    )


def _evidence(asset: str, values: Mapping[str, Any]) -> AssetEvidence:
    """What is known of an asset; a renamed one keeps what was known under its old name."""
    old_name = values["legs"][0].split(":")[1].split("/")[0]
    known = old_name if asset == values.get("symbol") else asset
    transfer, identity, *networks = values["assets"].get(known, _CALM_ASSET)
    names = tuple(networks[0]) if networks else (known,)
    if "network" in values:
        names = (values["network"], *names)
    return AssetEvidence(transfer, identity, names)
