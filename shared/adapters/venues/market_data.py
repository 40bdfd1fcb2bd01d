"""The market-data port over ccxt: one request a venue for all tops of book, more only for candidates."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from shared.adapters.venues.cooldown import PARTITION, REST_S, Cooldowns
from shared.adapters.venues.options import PUBLIC_HOSTS, ClientOptions
from shared.adapters.venues.reading import reading
from shared.adapters.venues.reference import fetch_reference
from shared.domain.market import VENUE_IDS, BookText
from shared.domain.tops import Tops
from shared.errors import InputError, VenueError, VenueLied
from shared.garbage import collection_paused
from shared.ports import Clock, Secrets, State, VenueQuotes, VenueReference

if TYPE_CHECKING:
    from shared.adapters.venues.clients import Answer, Clients, VenueClient
    from shared.adapters.venues.columns import TopsReader
    from shared.adapters.venues.venue import Venue

LEAST_SHARE = 0.5
"""An answer that quotes less of a venue's tradable instruments than this is not its market."""

SAME_TICK_S = 5.0
"""Within this time of reading the cool-downs, books are fetched without reading them again."""


class CcxtMarketData:
    """Public market data of the venues; connections are made in the first request and kept.

    Each event loop gets clients of its own, since connections cannot move between loops.

    Args:
        state: where cool-downs are shared.
        clock: time of receipt; compared with the venues' clocks.
        venues: ids of the venues to know.
        base_url: one server that answers for all venues at their genuine paths; None for the real ones.
        partition: of the state, for the cool-downs; markets that share a state must not share it.
        secrets: holds read-only keys as `{venue}-api-key` and `{venue}-api-secret`; read by `reference` only.
        aliases: `venue:TICKER` to the name the asset has elsewhere, over ccxt's own renames.
        public_hosts: hosts for public data by venue, where they are not ccxt's.
        time_out_ms: longest wait for one answer.
        rest_s: seconds to hold off a venue by HTTP status, where it does not say how long.
        quotes_within_ms: longest wait for tops of book, our own rate limiter's and a second try included.
        books_within_ms: longest wait for a book, our own rate limiter's included.
        levels: levels of depth to ask for.
        deposit_assets: assets of which Kraken is asked for deposit networks, one request each; needs its key.
    """

    def __init__(
        self,
        state: State,
        clock: Clock,
        *,
        venues: Iterable[str] = VENUE_IDS,
        base_url: str | None = None,
        partition: str = PARTITION,
        secrets: Secrets | None = None,
        aliases: Mapping[str, str] | None = None,
        public_hosts: Mapping[str, str] = PUBLIC_HOSTS,
        time_out_ms: int = 6000,
        rest_s: Mapping[int, int] = REST_S,
        quotes_within_ms: int = 15_000,
        books_within_ms: int = 5000,
        levels: int = 50,
        deposit_assets: Collection[str] = (),
    ) -> None:
        self._venues = tuple(_known(venue, VENUE_IDS) for venue in venues)
        self._clock = clock
        self._cooldowns = Cooldowns(state, clock, partition)
        self._options = ClientOptions(base_url, public_hosts, time_out_ms, aliases or {}, rest_s)
        self._secrets = secrets
        self._quotes_within_s = quotes_within_ms / 1000
        self._books_within_s = books_within_ms / 1000
        self._levels = levels
        self._deposit_assets = deposit_assets
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Clients] = WeakKeyDictionary()
        self._symbols: dict[str, dict[str, str]] = {}
        self._ids: dict[str, dict[str, str]] = {}
        self._readers: dict[str, TopsReader] = {}
        self._fewest: dict[str, float] = {}

    def restore(self, references: Mapping[str, VenueReference]) -> None:
        """Use these instruments from now on, without asking the venues."""
        for venue, reference in references.items():
            symbols = reference.native["symbols"]
            self._symbols[venue] = symbols
            self._ids[venue] = {symbol: instrument_id for instrument_id, symbol in symbols.items()}
            tradable = sum(item.tradable is not False for item in reference.instruments.values())
            self._fewest[venue] = max(1.0, LEAST_SHARE * tradable)

    async def reference(self, venues: Iterable[str]) -> Mapping[str, VenueReference | VenueError]:
        """Instruments and currencies, asked of the venues, and used from now on.

        What a read-only key is told of fees and networks is laid over what everybody is told; a key that does
        not work is logged and changes nothing else.

        Raises:
            InputError: a venue is not known.
            StorageError: the cool-downs cannot be read or written.
        """
        clients = [self._connected().slow(_known(venue, self._venues)) for venue in venues]
        await self._cooldowns.read()
        answers = await asyncio.gather(
            *(fetch_reference(client, self._secrets, self._deposit_assets) for client in clients)
        )
        found = {client.venue.id: answer for client, answer in zip(clients, answers, strict=True)}
        self.restore({venue: item for venue, item in found.items() if isinstance(item, VenueReference)})
        return found

    async def quotes(self, venues: Iterable[str]) -> Mapping[str, VenueQuotes | VenueError]:
        """All tops of book, one request a venue, all venues at once.

        Raises:
            InputError: a venue is not known.
            StorageError: the cool-downs cannot be read or written.
        """
        clients = [self._connected().quick(_known(venue, self._venues)) for venue in venues]
        await self._cooldowns.read()
        with collection_paused():
            answers = await asyncio.gather(*(self._quotes_in_time(client) for client in clients))
        return {client.venue.id: answer for client, answer in zip(clients, answers, strict=True)}

    async def _quotes_in_time(self, client: VenueClient) -> VenueQuotes | VenueError:
        """A venue that is waited for too long, by its rate limit or its silence, would make the others stale."""
        try:
            async with asyncio.timeout(self._quotes_within_s):
                return await self._quotes(client)
        except TimeoutError:
            return client.not_in_time("tops of book", self._quotes_within_s)

    async def order_books(
        self, wanted: Iterable[tuple[str, str]]
    ) -> Mapping[tuple[str, str], BookText | VenueError]:
        """Books in depth of (venue, symbol) pairs, the first ones first where a rate limit makes them wait.

        A venue is asked for so many at once as leave its rate limit room for the next tops; the others are
        not in the answer.

        Raises:
            InputError: a venue is not known.
            StorageError: the cool-downs cannot be read or written.
        """
        pairs: list[tuple[str, str]] = []
        clients: list[VenueClient] = []
        asked: Counter[str] = Counter()
        for venue, symbol in dict.fromkeys(wanted):
            client = self._connected().quick(_known(venue, self._venues))
            asked[venue] += 1
            if asked[venue] <= client.venue.most_books:
                pairs.append((venue, symbol))
                clients.append(client)
        await self._cooldowns.read(SAME_TICK_S)
        books = await asyncio.gather(
            *(self._order_book(client, symbol) for client, (_, symbol) in zip(clients, pairs, strict=True))
        )
        return dict(zip(pairs, books, strict=True))

    async def close(self) -> None:
        """Let go of every connection of the running loop."""
        clients = self._clients.pop(asyncio.get_running_loop(), None)
        if clients is not None:
            await clients.close()

    def _connected(self) -> Clients:
        from shared.adapters.venues.clients import Clients  # noqa: PLC0415 - takes 300 ms that only a request should pay

        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = Clients(self._clock, self._cooldowns, self._options)
        return self._clients[loop]

    def _reader(self, venue: str, symbols: Mapping[str, str]) -> TopsReader:
        from shared.adapters.venues.columns import TopsReader  # noqa: PLC0415 - msgspec is for the first request too

        known = self._readers.get(venue)
        if known is None or known.symbols is not symbols:
            known = self._readers[venue] = TopsReader(symbols)
        return known

    async def _quotes(self, client: VenueClient) -> VenueQuotes | VenueError:
        venue = client.venue
        symbols = self._symbols.get(venue.id)
        if not symbols:
            return VenueError(venue.id, "no instruments are known yet; refresh the markets first")
        try:
            answer = await client.ask(venue.ask_quotes, venue.quotes_decoder)
            books, drift_ms = _read_quotes(venue, answer, self._reader(venue.id, symbols))
        except VenueError as error:
            return error
        if len(books) < self._fewest[venue.id]:
            return VenueLied(
                venue.id, f"quoted {len(books)} instruments, expected at least {self._fewest[venue.id]:.0f}"
            )
        return VenueQuotes(books, answer.received_ms, answer.latency_ms, drift_ms)

    async def _order_book(self, client: VenueClient, symbol: str) -> BookText | VenueError:
        venue = client.venue
        instrument_id = self._ids.get(venue.id, {}).get(symbol)
        if instrument_id is None:
            return VenueError(venue.id, f"lists no {symbol}")
        levels = min(self._levels, venue.most_levels)
        try:
            async with asyncio.timeout(self._books_within_s):
                answer = await client.ask(lambda exchange: venue.ask_book(exchange, instrument_id, levels))
            return _read_book(venue, answer)
        except VenueError as error:
            return error
        except TimeoutError:
            return client.not_in_time(f"book of {symbol}", self._books_within_s)


def _known(venue: str, venues: tuple[str, ...]) -> str:
    if venue not in venues:
        raise InputError(f"venue {venue!r} is none of {', '.join(venues)}; name one of these")
    return venue


def _read_quotes(venue: Venue, answer: Answer, reader: TopsReader) -> tuple[Tops, int | None]:
    with reading(venue.id, "list of quotes", answer.body):
        books = reader.read(venue.quotes(answer.body))
        server_ms = venue.server_time_ms(answer.body)
    return books, answer.clock_drift_ms if server_ms is None else answer.drift_from(server_ms)


def _read_book(venue: Venue, answer: Answer) -> BookText:
    with reading(venue.id, "order book", answer.body):
        return venue.book(answer.body, answer.received_ms)
