"""How the model is reached: the address of its Responses API, and the bearer token of each request."""

from __future__ import annotations

from typing import Any, Protocol

from shared.errors import MissingSecret
from shared.ports import Secrets

KEY_NAME = "openai-api-key"
_AZURE_SCOPE = "https://cognitiveservices.azure.com/.default"


class Access(Protocol):
    """An address and its tokens; `base_url` None is the public OpenAI API."""

    base_url: str | None

    async def configured(self) -> bool:
        """Whether there is a model to ask at all.

        Raises:
            MissingSecret: the key exists but cannot be read.
        """
        ...

    async def token(self) -> str:
        """The bearer token for one request.

        Raises:
            MissingSecret: there is none to be had.
        """
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...


class OpenAIAccess:
    """OpenAI by key: `key` if it is given, else the secret openai-api-key, asked for each time as it may rotate."""

    def __init__(self, secrets: Secrets, *, key: str | None = None, base_url: str | None = None) -> None:
        self.base_url = base_url
        self._secrets = secrets
        self._key = key

    async def configured(self) -> bool:
        """Whether there is a key.

        Raises:
            MissingSecret: the vault does not give it.
        """
        return bool(await self._found())

    async def token(self) -> str:
        """The key.

        Raises:
            MissingSecret: there is none, or it is none.
        """
        key = (await self._found() or "").strip()
        if not key or not key.isascii() or not key.isprintable():
            raise MissingSecret(f"{KEY_NAME}: is missing or holds what no key holds; set it again")
        return key

    async def close(self) -> None:
        """Nothing is held."""

    async def _found(self) -> str | None:
        return self._key or await self._secrets.get(KEY_NAME)


class AzureOpenAIAccess:
    """Azure OpenAI of the resource at `endpoint`, by the managed identity `client_id`.

    `credential` is an asynchronous one of azure-identity: DefaultAzureCredential if none is given.
    """

    def __init__(self, endpoint: str, *, client_id: str | None = None, credential: Any = None) -> None:
        self.base_url: str | None = f"{endpoint.rstrip('/')}/openai/v1/"
        self._client_id = client_id
        self._credential = credential

    async def configured(self) -> bool:
        """The endpoint is set, so there is a model."""
        return True

    async def token(self) -> str:
        """A token of the identity; the credential keeps it until it is about to expire.

        Raises:
            MissingSecret: the identity gets none.
        """
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - only with an identity
        from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - 300 ms, only with an identity

        if self._credential is None:
            self._credential = DefaultAzureCredential(managed_identity_client_id=self._client_id)
        try:
            return str((await self._credential.get_token(_AZURE_SCOPE)).token)
        except AzureError as error:
            raise MissingSecret(
                f"the identity gets no token for {self.base_url} ({type(error).__name__}); check AZURE_CLIENT_ID, "
                "and give it the role Cognitive Services OpenAI User"
            ) from error

    async def close(self) -> None:
        """Let go of the credential's connections; the next use opens them again."""
        credential, self._credential = self._credential, None
        if credential is not None:
            await credential.close()
