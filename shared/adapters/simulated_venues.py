"""The simulated venues as a child process, for commands that are run without the development runner."""

from __future__ import annotations

import asyncio
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.domain.market import VENUE_IDS
from shared.errors import SettingsError

_DEMO_SECRET = b64encode(b"opens nothing but this simulator").decode()
DEMO_KEYS = {
    f"{venue}-api-{part}": value
    for venue in VENUE_IDS
    for part, value in (("key", "simulated-read-only"), ("secret", _DEMO_SECRET))
}
"""The read-only keys that the simulated venues publish: with them they tell fee tiers and network status."""

ANNOUNCEMENT = "simulator listening on "
START_LIMIT_S = 30


@asynccontextmanager
async def simulated_venues(seed: int) -> AsyncIterator[str]:
    """The address of simulated venues that end with this process, however it ends.

    Raises:
        SettingsError: they do not start; the message says what to do instead.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulator",
        "--port",
        "0",
        "--seed",
        str(seed),
        "--exit-with-stdin",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield await _address(child)
    finally:
        if child.stdin:
            child.stdin.close()
        await child.wait()


async def _address(child: asyncio.subprocess.Process) -> str:
    remedy = "set SIMULATOR_URL to simulated venues that run, or MARKET=live"
    if child.stdout is None:
        raise SettingsError([f"SIMULATOR_URL is missing and no simulator could be started; {remedy}"])
    try:
        line = await asyncio.wait_for(child.stdout.readline(), START_LIMIT_S)
    except TimeoutError:
        line = b""
    told = line.decode().strip()
    if not told.startswith(ANNOUNCEMENT):
        raise SettingsError([f"SIMULATOR_URL is missing and `python -m simulator` did not start; {remedy}"])
    return told.removeprefix(ANNOUNCEMENT).split()[0]
