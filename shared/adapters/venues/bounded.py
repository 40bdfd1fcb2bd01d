"""Answers that cannot fill the memory: a body is read up to a bound, however long the venue makes it."""

from __future__ import annotations

import aiohttp

from shared.adapters.venues.reading import TooLarge

LARGEST_ANSWER = 64 * 2**20
"""Bytes after decompression; the largest honest answer, Binance's list of instruments, is a third of it."""


class BoundedResponse(aiohttp.ClientResponse):
    """A response whose body is at most `LARGEST_ANSWER` bytes long."""

    async def read(self) -> bytes:
        """The body.

        Raises:
            TooLarge: it is longer; the connection is closed.
        """
        if self._body is None:
            body = bytearray()
            async for part in self.content.iter_any():
                body += part
                if len(body) > LARGEST_ANSWER:
                    self.close()
                    raise TooLarge(LARGEST_ANSWER)
            self._body = bytes(body)
        return await super().read()
