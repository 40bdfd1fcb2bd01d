"""Rows from domain values: what a scan found and what the desk did, flat and in JSON form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.domain.market import BookText, VenueMarket
from shared.domain.opportunity import Detection, Opportunity, Reason, Rejection
from shared.domain.trade import Trade, Transfer, Verdict
from shared.errors import MalformedRecord
from shared.records.batch import Row
from shared.records.tables import CAUSES, TABLES
from shared.records.text import fitted, iso, storable


@dataclass(frozen=True, slots=True)
class ScanKey:
    """What every row of a scan carries; `time_ms` is the snapshot's."""

    market: str
    scan_id: str
    time_ms: int


def scan_row(
    scan: ScanKey,
    *,
    triggered_by: str,
    duration_ms: int,
    venues: Mapping[str, VenueMarket],
    detection: Detection,
) -> Row:
    """The row of table scans; `venues` are all that were asked."""
    return _row(
        "scans",
        scan,
        time=scan.time_ms,
        triggered_by=triggered_by,
        duration_ms=duration_ms,
        venues_asked=len(venues),
        venues_ok=sum(venue.status == "ok" for venue in venues.values()),
        instruments_compared=detection.instruments_compared,
        loops_screened=detection.loops_screened,
        opportunities=len(detection.opportunities),
        rejections=len(detection.rejections),
    )


def venue_health_row(
    scan: ScanKey,
    venue: str,
    market: VenueMarket,
    *,
    latency_ms: int | None = None,
    clock_drift_ms: int | None = None,
) -> Row:
    """How one venue answered."""
    return _row(
        "venue_health",
        scan,
        venue=venue,
        time=scan.time_ms,
        status=market.status,
        error=market.error,
        books=len(market.books),
        latency_ms=latency_ms,
        clock_drift_ms=clock_drift_ms,
    )


def opportunity_rows(scan: ScanKey, opportunities: Iterable[Opportunity]) -> list[Row]:
    """Rows of table arbitrage_opportunities."""
    return [
        _row(
            "arbitrage_opportunities",
            scan,
            opportunity_id=found.id,
            time=scan.time_ms,
            path=path_text(found.path),
            venues=_venues(found.path),
            marks=list(found.marks),
            **_fields(
                found,
                "kind start_asset start_amount end_amount net_profit gross_profit net_bps top_net_bps "
                "profit_value oldest_book_ms skew_ms",
            ),
        )
        for found in opportunities
    ]


def leg_rows(scan: ScanKey, opportunities: Iterable[Opportunity]) -> list[Row]:
    """Rows of table opportunity_legs."""
    fields = "venue symbol side amount average_price limit_price fee fee_asset"
    return [
        _row("opportunity_legs", scan, opportunity_id=found.id, leg=index, **_fields(leg, fields))
        for found in opportunities
        for index, leg in enumerate(found.legs)
    ]


def rejection_rows(scan: ScanKey, rejections: Iterable[Rejection]) -> list[Row]:
    """One row a reason, in order of precedence: how many loops, and the best of them."""
    by_reason: dict[Reason, list[Rejection]] = {}
    for rejection in rejections:
        by_reason.setdefault(rejection.reason, []).append(rejection)
    rows: list[Row] = []
    for reason in Reason:
        refused = by_reason.get(reason)
        if refused:
            best = max(refused, key=lambda rejection: rejection.net_bps)
            rows.append(
                _row(
                    "rejections",
                    scan,
                    reason=reason,
                    time=scan.time_ms,
                    refused=len(refused),
                    best_net_bps=best.net_bps,
                    best_path=path_text(best.path),
                    best_detail=best.detail,
                )
            )
    return rows


def market_data_rows(
    scan: ScanKey, venues: Mapping[str, VenueMarket], wanted: Iterable[tuple[str, str]]
) -> list[Row]:
    """Tops of book of the wanted (venue, symbol) pairs; what no venue could mean as a number is null."""
    rows: list[Row] = []
    for venue, symbol in sorted(set(wanted)):
        market = venues.get(venue)
        book = market.books.get(symbol) if market else None
        if market is None or book is None:
            continue
        received = book.received_ms if book.received_ms is not None else market.received_ms
        rows.append(
            _row(
                "market_data",
                scan,
                venue=venue,
                symbol=symbol,
                time=scan.time_ms,
                book_time=book.time_ms,
                received=received,
                **_tops(book),
            )
        )
    return rows


def verdict_rows(scan: ScanKey, verdicts: Iterable[Verdict]) -> list[Row]:
    """Rows of table verdicts."""
    fields = (
        "opportunity_id decision confidence explanation source fallback model prompt_version input_tokens "
        "output_tokens cost_usd latency_ms"
    )
    return [
        _row(
            "verdicts",
            scan,
            time=scan.time_ms,
            risk_factors=list(verdict.risk_factors),
            evidence=list(verdict.evidence),
            **_fields(verdict, fields),
        )
        for verdict in verdicts
    ]


def trade_rows(scan: ScanKey, trades: Iterable[Trade]) -> list[Row]:
    """Rows of table trades.

    Raises:
        MalformedRecord: a cause is not one of CAUSES.
    """
    fields = (
        "opportunity_id status reason detail kind start_asset start_amount decision_profit realised_profit "
        "unrealised_profit realised_value unrealised_value"
    )
    rows: list[Row] = []
    for trade in trades:
        causes = dict(trade.causes)
        if causes.keys() - set(CAUSES):
            raise MalformedRecord(
                f"trades.{trade.id}.causes", sorted(causes), f"holds a cause that is not one of {CAUSES}"
            )
        rows.append(
            _row(
                "trades",
                scan,
                trade_id=trade.id,
                time=trade.decided_ms,
                completed=trade.completed_ms,
                path=path_text(trade.path),
                venues=_venues(trade.path),
                exposure={asset: storable(amount) for asset, amount in trade.exposure},
                **{f"cause_{cause}": causes.get(cause, Decimal(0)) for cause in CAUSES},
                **_fields(trade, fields),
            )
        )
    return rows


def fill_rows(scan: ScanKey, trades: Iterable[Trade]) -> list[Row]:
    """Rows of table fills, numbered within their trade."""
    fields = "leg purpose venue symbol base quote side price amount notional fee fee_asset"
    return [
        _row("fills", scan, trade_id=trade.id, fill=index, time=fill.time_ms, **_fields(fill, fields))
        for trade in trades
        for index, fill in enumerate(trade.fills)
    ]


def transfer_rows(scan: ScanKey, transfers: Iterable[Transfer]) -> list[Row]:
    """Rows of table transfers."""
    return [
        _row(
            "transfers",
            scan,
            transfer_id=transfer.id,
            time=transfer.sent_ms,
            arrives=transfer.arrives_ms,
            **_fields(transfer, "asset network source target amount fee"),
        )
        for transfer in transfers
    ]


def lifetime_row(
    scan: ScanKey,
    *,
    path: Sequence[str],
    kind: str,
    first_seen_ms: int,
    last_seen_ms: int,
    scans_seen: int,
    first_net_bps: Decimal,
    peak_net_bps: Decimal,
    peak_ms: int,
    last_net_bps: Decimal,
    peak_profit_value: Decimal,
) -> Row:
    """The row of an opportunity that this scan no longer found."""
    return _row(
        "lifetimes",
        scan,
        path=path_text(path),
        kind=kind,
        first_seen=first_seen_ms,
        last_seen=last_seen_ms,
        lifetime_ms=last_seen_ms - first_seen_ms,
        scans_seen=scans_seen,
        first_net_bps=first_net_bps,
        peak_net_bps=peak_net_bps,
        peak_time=peak_ms,
        last_net_bps=last_net_bps,
        peak_profit_value=peak_profit_value,
    )


def path_text(path: Sequence[str]) -> str:
    """A loop as one text, as the path columns hold it."""
    return " > ".join(path)


def _venues(path: Sequence[str]) -> str:
    return ">".join(leg.partition(":")[0] for leg in path)


def _tops(book: BookText) -> dict[str, Decimal | None]:
    tops: dict[str, Decimal | None] = {}
    for side, levels in (("bid", book.bids), ("ask", book.asks)):
        price, amount = (*levels[0], None, None)[:2] if levels else (None, None)
        tops[side], tops[f"{side}_amount"] = _number(price), _number(amount)
    return tops


def _number(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except (InvalidOperation, TypeError, ValueError):
        return None


def _fields(value: object, names: str) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names.split()}


def _row(table: str, scan: ScanKey, **values: Any) -> Row:
    """Values in JSON form, in the table's column order.

    A required number that no store can hold raises, an optional one becomes null: no row may poison its scan.
    """
    row: Row = {"market": scan.market, "scan_id": scan.scan_id}
    for column in TABLES[table].columns[2:-1]:
        value = values[column.name]
        if value is None:
            row[column.name] = None
        elif column.kind == "decimal":
            row[column.name] = storable(value)
            if row[column.name] is None and column.required:
                raise MalformedRecord(f"{table}.{column.name}", str(value), "does not fit DECIMAL(38, 18)")
        elif column.kind == "time":
            row[column.name] = iso(value)
        elif column.kind == "text":
            row[column.name] = fitted(str(value), column.size)
        else:
            row[column.name] = value
    return row
