"""A venue's instruments and currencies: what it tells everybody, then what it tells the read-only key."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shared.adapters.venues.reading import reading
from shared.domain.market import Currency, Instrument
from shared.errors import MissingSecret, VenueError, VenueLied
from shared.ports import Secrets, VenueReference

if TYPE_CHECKING:
    from shared.adapters.venues.clients import VenueClient

log = logging.getLogger(__name__)


async def fetch_reference(
    client: VenueClient, secrets: Secrets | None, deposit_assets: Collection[str]
) -> VenueReference | VenueError:
    """Ask for everything that changes rarely.

    What everybody is told must be complete. A key only adds to it: where it does not work, that is logged.
    """
    venue = client.venue
    ask = _asking(client)
    try:
        answer = await client.ask(venue.ask_markets)
        with reading(venue.id, "list of markets", answer.body):
            instruments, symbols = venue.instruments(answer.body)
            currencies = await venue.currencies(ask, client.exchange)
    except VenueError as error:
        return error
    if not instruments:
        return VenueLied(venue.id, "listed no instruments")
    if await _sign_in(client, secrets):
        assets = {asset for item in instruments.values() for asset in (item.base, item.quote)}
        currencies = await _told_currencies(client, currencies, assets.intersection(deposit_assets))
        instruments = await _told_fees(client, answer.body, instruments)
    return VenueReference(instruments, currencies, answer.received_ms, {"symbols": symbols})


def _asking(client: VenueClient) -> Any:
    async def ask(request: Any) -> Any:
        return (await client.ask(request)).body

    return ask


async def _sign_in(client: VenueClient, secrets: Secrets | None) -> bool:
    if secrets is None:
        return False
    venue_id = client.venue.id
    try:
        key = await secrets.get(f"{venue_id}-api-key")
        secret = await secrets.get(f"{venue_id}-api-secret")
    except MissingSecret as error:
        log.warning("%s: going on without its key: %s", venue_id, error)
        return False
    if bool(key) != bool(secret):
        log.warning("%s: set both %s-api-key and %s-api-secret, or neither", venue_id, venue_id, venue_id)
    if not key or not secret:
        return False
    client.exchange.apiKey, client.exchange.secret = key, secret
    return True


async def _told_currencies(
    client: VenueClient, known: dict[str, Currency], assets: Collection[str]
) -> dict[str, Currency]:
    venue = client.venue
    try:
        with reading(venue.id, "network status", None):
            return await venue.key_currencies(_asking(client), client.exchange, known, sorted(assets))
    except VenueError as error:
        log.warning("network status needs a key that may read it: %s", error)
        return known


async def _told_fees(
    client: VenueClient, markets: list[Any], instruments: dict[str, Instrument]
) -> dict[str, Instrument]:
    venue = client.venue
    try:
        with reading(venue.id, "fee schedule", None):
            taker_bps = await venue.key_fees(_asking(client), list(filter(venue.is_plain, markets)))
    except VenueError as error:
        log.warning("the key's own fees stay unknown: %s", error)
        return instruments
    return {
        symbol: replace(item, taker_bps=taker_bps.get(symbol, item.taker_bps))
        for symbol, item in instruments.items()
    }
