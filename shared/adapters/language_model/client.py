"""One question to the Responses API through the official client. Importing it imports the SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx2
import openai
from openai import AsyncOpenAI

from shared.adapters.language_model.access import Access
from shared.adapters.language_model.prompt import Prompt
from shared.adapters.language_model.reply import NOTHING, Outcome, Usage, read
from shared.errors import AnalystError, MissingSecret

_UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout)
_DENIED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class LanguageModel:
    """The model (with Azure OpenAI the deployment) called `name`.

    An answer takes at most `time_limit_ms`, the one retry after 429 or 5xx included; other failures are not tried
    again, since what they cost is unknown. `reasoning` is the effort to ask for, None for models that take none.
    """

    def __init__(
        self, access: Access, name: str, *, time_limit_ms: int, retry_ms: int, reasoning: str | None
    ) -> None:
        self._name = name
        self._time_limit_ms = time_limit_ms
        self._retry_ms = retry_ms
        self._reasoning = reasoning
        self._client = AsyncOpenAI(
            api_key=access.token, base_url=access.base_url, timeout=time_limit_ms / 1000, max_retries=0
        )

    async def ask(self, prompt: Prompt, question: str, max_output_tokens: int) -> Outcome:
        """What comes of the question; it never raises for what a model or a network does.

        The problem's reason is `timeout`, `unreachable`, `rate_limited`, `server_error`, `denied`, `bad_request` or
        `no_credential`, or one of `read`.
        """
        request: dict[str, Any] = {
            "model": self._name,
            "instructions": prompt.text,
            "input": question,
            "text": {
                "format": {"type": "json_schema", "name": "verdict", "schema": prompt.schema, "strict": True}
            },
            "max_output_tokens": max_output_tokens,
            "store": False,
        }
        if self._reasoning is not None:
            request["reasoning"] = {"effort": self._reasoning}
        try:
            async with asyncio.timeout(self._time_limit_ms / 1000) as limit:
                return read(await self._replied(request, limit))
        except (TimeoutError, openai.APIConnectionError) as error:
            late = isinstance(error, TimeoutError | openai.APITimeoutError)
            says = f"no answer within {self._time_limit_ms} ms" if late else "the connection failed"
            usage = NOTHING if isinstance(error.__cause__, _UNSENT) else None
            return _failed(usage, "timeout" if late else "unreachable", says)
        except openai.APIStatusError as error:
            return _failed(NOTHING, _reason(error.status_code), f"the server said {error.status_code}")
        except MissingSecret as error:
            return _failed(NOTHING, "no_credential", str(error))
        except openai.OpenAIError as error:
            return _failed(None, "unreachable", f"the client failed: {type(error).__name__}")

    async def reach(self) -> None:
        """Ask for the list of models, which costs nothing.

        Raises:
            MissingSecret: the credential cannot be had.
            AnalystError: there is no such list to be had; the message says what to do.
        """
        try:
            await self._client.models.list()
        except openai.APIStatusError as error:
            reason = _reason(error.status_code)
            remedy = "set the key again" if reason == "denied" else "try again later, or correct the address"
            raise AnalystError(reason, f"the server said {error.status_code}; {remedy}") from error
        except openai.OpenAIError as error:
            remedy = "check its address and this machine's network"
            raise AnalystError(
                "unreachable", f"cannot be reached ({type(error).__name__}); {remedy}"
            ) from error

    async def close(self) -> None:
        """Let go of every connection."""
        await self._client.close()

    async def _replied(self, request: Mapping[str, Any], limit: asyncio.Timeout) -> bytes:
        try:
            return await self._posted(request)
        except openai.APIStatusError as error:
            wait_s = max(self._retry_ms / 1000, _asked_to_wait_s(error))
            ends = limit.when()
            late = ends is not None and asyncio.get_running_loop().time() + wait_s >= ends
            if late or _reason(error.status_code) not in {"rate_limited", "server_error"}:
                raise
        await asyncio.sleep(wait_s)
        return await self._posted(request)

    async def _posted(self, request: Mapping[str, Any]) -> bytes:
        raw = await self._client.responses.with_raw_response.create(**request)
        return bytes(raw.content)


def _failed(usage: Usage | None, reason: str, message: str) -> Outcome:
    return Outcome(usage, problem=AnalystError(reason, message))


def _reason(status: int) -> str:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "rate_limited"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "server_error"
    return "denied" if status in _DENIED else "bad_request"


def _asked_to_wait_s(error: openai.APIStatusError) -> float:
    """Retry-After in seconds; as a date it is not used by the API, and counts as not given."""
    given = error.response.headers.get("retry-after", "")
    return float(given) if given.isascii() and given.isdigit() else 0.0
