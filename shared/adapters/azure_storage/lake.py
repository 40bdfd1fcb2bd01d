"""A lake of blobs; works with and without hierarchical namespace."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TypeVar

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobPrefix, ContainerClient

from shared.adapters.azure_storage.account import Account, translated
from shared.errors import NotFound
from shared.records.blobs import checked_name, folder_of, walk

T = TypeVar("T")

_ROLE = "Storage Blob Data Contributor"
_BACKOFF_SECONDS = 1  # the SDK's own 15 s would outlast a tick


class BlobLake:
    """Blobs in one container, which is made with the first write if it is missing."""

    def __init__(
        self,
        *,
        connection_string: str | None = None,
        account_name: str | None = None,
        client_id: str | None = None,
        container: str = "lake",
    ) -> None:
        self._account = Account(connection_string, account_name, client_id)
        self._container = container
        self._lock = threading.Lock()
        self._client: ContainerClient | None = None
        self._store = f"lake {self._account.label}/{container}"

    async def write(self, name: str, data: bytes) -> None:
        """Write whole or not at all; replaces what was there.

        Raises:
            InputError: the name is none.
            StorageError: the account cannot be written.
        """
        checked_name(name)
        await self._run(f"write {name}", lambda client: _write(client, name, data))

    async def read(self, name: str) -> bytes:
        """The blob.

        Raises:
            NotFound: there is none.
            StorageError: it cannot be read.
        """
        checked_name(name)
        data = await self._run(f"read {name}", lambda client: _read(client, name))
        if data is None:
            raise NotFound(f"{self._store}: there is no blob {name}")
        return data

    def names(self, prefix: str, after: str = "") -> AsyncIterator[str]:
        """Names under the prefix in ascending order, those greater than `after` only.

        A hierarchical namespace keeps folders whose last blob was deleted; those that are met are removed, or every
        later walk would ask for each of them again.

        Raises:
            StorageError: a folder cannot be listed.
        """

        async def listed(folder: str) -> tuple[list[str], list[str]]:
            folders, blobs = await self._list(folder)
            if not folders and not blobs and folder != folder_of(prefix):
                await self._run(f"remove {folder}", lambda client: _remove_folder(client, folder))
            return folders, blobs

        return walk(listed, prefix, after)

    async def exists(self, name: str) -> bool:
        """Whether the blob is there.

        Raises:
            StorageError: the account cannot be read.
        """
        checked_name(name)
        return await self._run(f"look for {name}", lambda client: client.get_blob_client(name).exists())

    async def delete(self, name: str) -> None:
        """Remove it; no error if it is gone already.

        Raises:
            StorageError: it cannot be removed.
        """
        checked_name(name)
        await self._run(f"delete {name}", lambda client: _delete(client, name))

    async def close(self) -> None:
        """Let go of every connection; the next use opens them again."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(client.close)

    async def _list(self, folder: str) -> tuple[list[str], list[str]]:
        return await self._run(f"list {folder or '/'}", lambda client: _list(client, folder))

    async def _run(self, action: str, work: Callable[[ContainerClient], T]) -> T:
        return await asyncio.to_thread(self._use, action, work)

    def _use(self, action: str, work: Callable[[ContainerClient], T]) -> T:
        with translated(self._store, action, _ROLE):
            with self._lock:
                if self._client is None:
                    self._client = self._connect()
            return work(self._client)

    def _connect(self) -> ContainerClient:
        client: ContainerClient = self._account.client(
            ContainerClient, "blob", container_name=self._container, initial_backoff=_BACKOFF_SECONDS
        )
        return client


def _write(client: ContainerClient, name: str, data: bytes) -> None:
    blob = client.get_blob_client(name)
    try:
        blob.upload_blob(data, overwrite=True)
    except ResourceNotFoundError:
        with suppress(ResourceExistsError):  # somebody else made it in between
            client.create_container()
        blob.upload_blob(data, overwrite=True)


def _read(client: ContainerClient, name: str) -> bytes | None:
    try:
        return client.download_blob(name).readall()
    except ResourceNotFoundError:
        return None


def _delete(client: ContainerClient, name: str) -> None:
    try:
        client.delete_blob(name)
    except ResourceNotFoundError:
        return


def _remove_folder(client: ContainerClient, folder: str) -> None:
    """Remove an empty folder; the service keeps one that somebody has just written into."""
    try:
        client.delete_blob(folder.rstrip("/"))
    except HttpResponseError as error:
        # Who may only read the lake reads it all the same.
        if error.status_code not in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.FORBIDDEN}:
            raise


def _list(client: ContainerClient, folder: str) -> tuple[list[str], list[str]]:
    folders: list[str] = []
    blobs: list[str] = []
    try:
        for item in client.walk_blobs(name_starts_with=folder, include=["metadata"], delimiter="/"):
            if isinstance(item, BlobPrefix):
                folders.append(item.name)
            elif not (item.metadata or {}).get("hdi_isfolder"):  # a folder of a hierarchical namespace
                blobs.append(item.name)
    except ResourceNotFoundError:
        return [], []
    return folders, blobs
