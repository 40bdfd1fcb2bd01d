"""State in an Azure table; the service's ETags are the tags."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import orjson
from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.adapters.azure_storage.account import Account, translated
from shared.errors import Conflict, StorageError
from shared.ports import STATE_VALUE_BYTES, Entry

T = TypeVar("T")

_ROLE = "Storage Table Data Contributor"
_CHUNK_BYTES = 65_536  # the longest binary property
_KEY_LENGTH = 400  # of the 512 UTF-16 units that a key may have
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


class TableState:
    """Entries in one table, which is made with the first write if it is missing.

    A value is JSON cut into binary properties c0, c1, ... since one property holds 64 KiB only; `key` is the
    entry's key as given.
    """

    def __init__(
        self,
        *,
        connection_string: str | None = None,
        account_name: str | None = None,
        client_id: str | None = None,
        table: str = "state",
    ) -> None:
        self._account = Account(connection_string, account_name, client_id)
        self._table = table
        self._lock = threading.Lock()
        self._client: TableClient | None = None
        self._store = f"state {self._account.label}/{table}"

    async def get(self, partition: str, key: str) -> Entry | None:
        """The entry, or None.

        Raises:
            StorageError: the account cannot be read.
        """
        return await self._run(f"read {partition}/{key}", lambda client: _get(client, partition, key))

    async def put(self, partition: str, key: str, value: Mapping[str, Any], etag: str | None) -> str:
        """Write and return the new tag: `etag` None creates, else replaces the version so tagged.

        Raises:
            Conflict: it exists already, or changed since.
            StorageError: the value is too long, or the account cannot be written.
        """
        entity = _entity(partition, key, value)
        tag = await self._run(f"write {partition}/{key}", lambda client: _put(client, entity, etag))
        if tag is None:
            raise Conflict(
                f"state {partition}/{key}: "
                + ("exists already" if etag is None else "changed since it was read")
            )
        return tag

    async def replace(self, partition: str, key: str, value: Mapping[str, Any]) -> None:
        """Write whatever is there.

        Raises:
            StorageError: the value is too long, or the account cannot be written.
        """
        entity = _entity(partition, key, value)
        await self._run(f"write {partition}/{key}", lambda client: _replace(client, entity))

    async def entries(self, partition: str, prefix: str = "") -> Sequence[Entry]:
        """All entries of a partition whose key starts with `prefix`, by key.

        Raises:
            StorageError: the account cannot be read.
        """
        found = await self._run(f"list {partition}", lambda client: _entries(client, partition, prefix))
        return sorted((entry for entry in found if entry.key.startswith(prefix)), key=lambda entry: entry.key)

    async def delete(self, partition: str, key: str) -> None:
        """Remove it; no error if it is gone already.

        Raises:
            StorageError: the account cannot be written.
        """
        await self._run(
            f"delete {partition}/{key}",
            lambda client: client.delete_entity(_escaped(partition), _row_key(key)),
        )

    async def close(self) -> None:
        """Let go of every connection; the next use opens them again."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(client.close)

    async def _run(self, action: str, work: Callable[[TableClient], T]) -> T:
        return await asyncio.to_thread(self._use, action, work)

    def _use(self, action: str, work: Callable[[TableClient], T]) -> T:
        with translated(self._store, action, _ROLE):
            with self._lock:
                if self._client is None:
                    self._client = self._connect()
            return work(self._client)

    def _connect(self) -> TableClient:
        client: TableClient = self._account.client(TableClient, "table", table_name=self._table)
        return client


def _escaped(text: str) -> str:
    """A key that a table takes: all bytes but letters, digits and . _ - as =XX. Prefixes stay prefixes."""
    return "".join(chr(byte) if byte in _PLAIN else f"={byte:02X}" for byte in text.encode())


def _row_key(key: str) -> str:
    escaped = _escaped(key)
    if len(escaped) <= _KEY_LENGTH:
        return escaped
    return f"{escaped[:_KEY_LENGTH]}={hashlib.sha256(key.encode()).hexdigest()}"


def _entity(partition: str, key: str, value: Mapping[str, Any]) -> dict[str, Any]:
    data = orjson.dumps(value)
    if len(data) > STATE_VALUE_BYTES:
        raise StorageError(
            f"state {partition}/{key}: a value of {len(data)} bytes is longer than {STATE_VALUE_BYTES}; "
            "store it in the lake and keep its name here"
        )
    chunks = {
        f"c{index}": data[start : start + _CHUNK_BYTES]
        for index, start in enumerate(range(0, len(data), _CHUNK_BYTES))
    }
    return {"PartitionKey": _escaped(partition), "RowKey": _row_key(key), "key": key, **chunks}


def _entry(entity: Mapping[str, Any]) -> Entry:
    chunks: list[bytes] = []
    while (chunk := entity.get(f"c{len(chunks)}")) is not None:
        chunks.append(chunk)
    return Entry(entity["key"], orjson.loads(b"".join(chunks)), entity.metadata["etag"])  # type: ignore[attr-defined]  # a TableEntity


def _get(client: TableClient, partition: str, key: str) -> Entry | None:
    try:
        return _entry(client.get_entity(_escaped(partition), _row_key(key)))
    except ResourceNotFoundError:
        return None


def _put(client: TableClient, entity: Mapping[str, Any], etag: str | None) -> str | None:
    """The new tag, or None where somebody else wrote first."""
    try:
        if etag is None:
            return str(_with_table(client, lambda: client.create_entity(entity))["etag"])
        written = client.update_entity(
            entity, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
        )
        return str(written["etag"])
    except (ResourceNotFoundError, ResourceExistsError, ResourceModifiedError):
        return None


def _replace(client: TableClient, entity: Mapping[str, Any]) -> None:
    _with_table(client, lambda: client.upsert_entity(entity, mode=UpdateMode.REPLACE))


def _with_table(client: TableClient, write: Callable[[], T]) -> T:
    try:
        return write()
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):  # somebody else made it in between
            client.create_table()
        return write()


def _entries(client: TableClient, partition: str, prefix: str) -> list[Entry]:
    conditions, parameters = "PartitionKey eq @partition", {"partition": _escaped(partition)}
    start = _escaped(prefix)[:_KEY_LENGTH]
    if start:
        conditions += " and RowKey ge @start and RowKey lt @end"
        parameters |= {"start": start, "end": start[:-1] + chr(ord(start[-1]) + 1)}
    try:
        return [_entry(entity) for entity in client.query_entities(conditions, parameters=parameters)]
    except ResourceNotFoundError:
        return []
