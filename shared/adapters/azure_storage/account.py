"""How a storage account is reached, and its errors as this product's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from shared.errors import SettingsError, StorageError

_CONNECT_SECONDS = 5
_READ_SECONDS = 20
_RETRIES = 3

OPTIONS = {"connection_timeout": _CONNECT_SECONDS, "read_timeout": _READ_SECONDS, "retry_total": _RETRIES}
"""Time limits and retries of every client: an outage that lasts is the caller's to handle."""


@dataclass(frozen=True, slots=True)
class Account:
    """A storage account by connection string, or by name and managed identity (of `client_id`, if given).

    Raises:
        SettingsError: neither is given.
    """

    connection_string: str | None = field(default=None, repr=False)
    name: str | None = None
    client_id: str | None = None

    def __post_init__(self) -> None:
        if not self.connection_string and not self.name:
            raise SettingsError(
                ["AZURE_STORAGE_ACCOUNT_NAME: is missing; set it or AZURE_STORAGE_CONNECTION_STRING"]
            )

    @property
    def label(self) -> str:
        """The account's name, for messages."""
        if self.name:
            return self.name
        found = re.search(r"AccountName=([^;]+)", self.connection_string or "")
        return found[1] if found else "development storage"

    def client(self, kind: Any, service: str, **options: Any) -> Any:
        """A client of that class; `service` is the host's second part: blob or table.

        Raises:
            SettingsError: the connection string is none.
        """
        if self.connection_string:
            try:
                return kind.from_connection_string(self.connection_string, **OPTIONS, **options)
            except ValueError as error:
                problem = "AZURE_STORAGE_CONNECTION_STRING: is malformed; copy it from the Azure portal again"
                raise SettingsError([problem]) from error
        from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - 300 ms, only with an identity

        url = f"https://{self.name}.{service}.core.windows.net"
        credential = DefaultAzureCredential(managed_identity_client_id=self.client_id)
        where = {"account_url": url} if service == "blob" else {"endpoint": url}
        return kind(**where, credential=credential, **OPTIONS, **options)


@contextmanager
def translated(store: str, action: str, role: str) -> Iterator[None]:
    """The SDK's errors as StorageError, with code and first line only: headers and signatures stay out."""
    try:
        yield
    except AzureError as error:
        raise _told(store, action, role, error) from error
    except AttributeError as error:
        # What the SDK of tables stumbles over when an error came without an answer, as that of a missing credential.
        if not isinstance(error.__context__, AzureError):
            raise
        raise _told(store, action, role, error.__context__) from error


def _told(store: str, action: str, role: str, error: AzureError) -> StorageError:
    status = error.status_code if isinstance(error, HttpResponseError) else None
    found = getattr(error, "error_code", None) or type(error).__name__
    code = getattr(found, "value", found)
    text = str(getattr(error, "message", "")).strip().partition("\n")[0][:200]
    remedy = "check the account's name, its network rules and its state"
    if status in {401, 403}:
        remedy = f"give the identity the role {role}, or correct the key"
    elif isinstance(error, ClientAuthenticationError):
        remedy = "sign in (az login), or check AZURE_CLIENT_ID and the identity of this app"
    return StorageError(f"{store}: cannot {action}: {code}: {text}; {remedy}")
