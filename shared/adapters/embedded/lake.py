"""A lake of files in one folder."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from shared.errors import NotFound, StorageError
from shared.records.blobs import checked_name, walk

_ATTEMPTS = 10


class FileLake:
    """Blobs as files under `folder`, which is made with the first write.

    A write goes to a hidden file that then takes the blob's name: a crash leaves the old blob or the new one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def write(self, name: str, data: bytes) -> None:
        """Write whole or not at all, on disk when it returns.

        Raises:
            InputError: the name is none.
            StorageError: the folder cannot be written.
        """
        await asyncio.to_thread(self._write, self._path(name), data)

    async def read(self, name: str) -> bytes:
        """The blob.

        Raises:
            NotFound: there is none.
            StorageError: it cannot be read.
        """
        path = self._path(name)
        try:
            return await asyncio.to_thread(path.read_bytes)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFound(f"lake {self.folder}: there is no blob {name}") from None
        except OSError as error:
            raise self._failure("read", path, error) from error

    def names(self, prefix: str, after: str = "") -> AsyncIterator[str]:
        """Names under the prefix in ascending order, those greater than `after` only.

        Raises:
            StorageError: a folder cannot be listed.
        """
        return walk(self._list, prefix, after)

    async def exists(self, name: str) -> bool:
        """Whether the blob is there."""
        return await asyncio.to_thread(self._path(name).is_file)

    async def delete(self, name: str) -> None:
        """Remove it; no error if it is gone already.

        Raises:
            StorageError: it cannot be removed.
        """
        path = self._path(name)
        try:
            await asyncio.to_thread(self._delete, path)
        except NotADirectoryError:
            return
        except OSError as error:
            raise self._failure("delete", path, error) from error

    def _path(self, name: str) -> Path:
        return self.folder / checked_name(name)

    def _write(self, path: Path, data: bytes) -> None:
        hidden = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            try:
                with self._opened(hidden) as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                hidden.replace(path)
            finally:
                hidden.unlink(missing_ok=True)
        except OSError as error:
            raise self._failure("write", path, error) from error

    @staticmethod
    def _opened(path: Path) -> BinaryIO:
        """A new file in a folder that is made for it; a delete may take the empty folder away in between."""
        for _ in range(_ATTEMPTS):
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                return path.open("xb")
        return path.open("xb")

    def _delete(self, path: Path) -> None:
        """Remove the file and the folders that are empty without it."""
        path.unlink(missing_ok=True)
        with suppress(OSError):  # a folder that holds something, or is gone
            for folder in path.parents:
                if folder == self.folder:
                    break
                folder.rmdir()

    async def _list(self, folder: str) -> tuple[list[str], list[str]]:
        return await asyncio.to_thread(self._scan, folder)

    def _scan(self, folder: str) -> tuple[list[str], list[str]]:
        folders: list[str] = []
        blobs: list[str] = []
        try:
            with os.scandir(self.folder / folder) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir():
                        folders.append(f"{folder}{entry.name}/")
                    else:
                        blobs.append(f"{folder}{entry.name}")
        except (FileNotFoundError, NotADirectoryError):
            return [], []
        except OSError as error:
            raise self._failure("list", self.folder / folder, error) from error
        return folders, blobs

    def _failure(self, action: str, path: Path, error: OSError) -> StorageError:
        return StorageError(
            f"lake {self.folder}: cannot {action} {path.relative_to(self.folder)}: {error.strerror}; "
            "check the folder's owner, permissions and free space, or set DATA_DIR"
        )
