"""Secrets from Azure Key Vault. Importing it imports the SDK."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.keyvault.secrets import SecretClient

from shared.errors import MissingSecret

LIFETIME_S = 600.0
PLACEHOLDER = "unset"
"""What the infrastructure writes so that a secret's name exists before a person sets its value."""

_ROLE = "Key Vault Secrets User"
_CONNECT_SECONDS = 5
_READ_SECONDS = 10
_RETRIES = 3


@dataclass(frozen=True, slots=True, repr=False)
class _Known:
    """A value, or that there is none, as of a time of the monotonic clock; never shown."""

    value: str | None
    read_at: float


class KeyVaultSecrets:
    """Secrets of the vault at `url`, read with the managed identity and kept for `lifetime_s`.

    A rotated secret is seen after its lifetime. While the vault cannot be reached the last value stays in use.
    `credential` and `options` go to the SDK's client: DefaultAzureCredential of `client_id` if none is given.
    """

    def __init__(
        self,
        url: str,
        *,
        client_id: str | None = None,
        lifetime_s: float = LIFETIME_S,
        credential: Any = None,
        **options: Any,
    ) -> None:
        self._url = url
        self._client_id = client_id
        self._lifetime_s = lifetime_s
        self._credential = credential
        self._options = options
        self._lock = threading.Lock()
        self._client: SecretClient | None = None
        self._known: dict[str, _Known] = {}

    async def get(self, name: str) -> str | None:
        """The value, or None where the secret does not exist, is empty or still the placeholder.

        Raises:
            MissingSecret: it may not be read, or the vault cannot be reached and the value was never known.
        """
        known = self._known.get(name)
        if known is not None and time.monotonic() - known.read_at < self._lifetime_s:
            return known.value
        return await asyncio.to_thread(self._refreshed, name)

    async def close(self) -> None:
        """Let go of every connection; the next use opens them again."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(client.close)

    def _refreshed(self, name: str) -> str | None:
        with self._lock:
            known = self._known.get(name)
            if known is None or time.monotonic() - known.read_at >= self._lifetime_s:
                known = self._known[name] = _Known(self._read(name, known), time.monotonic())
            return known.value

    def _read(self, name: str, before: _Known | None) -> str | None:
        if self._client is None:
            self._client = self._connect()
        try:
            value = self._client.get_secret(name).value
        except ResourceNotFoundError:
            return None
        except AzureError as error:
            if isinstance(error, HttpResponseError) and error.status_code in {401, 403}:
                self._known.pop(name, None)
                raise MissingSecret(
                    f"secret {name}: may not be read from {self._url}: enable it, "
                    f"and give the identity the role {_ROLE}"
                ) from error
            if before is not None:
                return before.value
            raise MissingSecret(
                f"secret {name}: {self._url} cannot be reached ({type(error).__name__}); check its name and network"
            ) from error
        return None if value in {None, "", PLACEHOLDER} else value

    def _connect(self) -> SecretClient:
        credential = self._credential
        if credential is None:
            from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - 300 ms, only with an identity

            credential = DefaultAzureCredential(managed_identity_client_id=self._client_id)
        limits = {
            "connection_timeout": _CONNECT_SECONDS,
            "read_timeout": _READ_SECONDS,
            "retry_total": _RETRIES,
        }
        return SecretClient(self._url, credential, **{**limits, **self._options})
