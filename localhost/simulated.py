"""Starts the simulated venues as a child process, which ends with this one."""

import logging
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from localhost.errors import StartError

log = logging.getLogger(__name__)

URL_SETTING = "SIMULATOR_URL"
_ANNOUNCEMENT = re.compile(r"simulator listening on (http://127\.0\.0\.1:\d+)")
_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 5.0


@contextmanager
def simulator_if_needed(market: str, directory: Path) -> Iterator[None]:
    """In the simulated market, run `python -m simulator` from the folder and set SIMULATOR_URL for the app.

    A SIMULATOR_URL that is already set is used as it is. The child holds our pipe as its stdin and ends when
    it closes, so it does not outlive this process, however that dies.

    Raises:
        StartError: SEED is no seed, or the simulator ended, or did not say where it listens within 30 s.
    """
    if market != "simulated" or os.environ.get(URL_SETTING):
        yield
        return
    command = [sys.executable, "-m", "simulator", "--port", "0", "--exit-with-stdin"]
    if seed := os.environ.get("SEED"):
        if not re.fullmatch("[0-9]+", seed):
            raise StartError(f"SEED is {seed!r}; set it to a whole number, or unset it")
        command += ["--seed", seed]
    # A session of its own keeps Ctrl-C in the terminal from reaching it before the app has finished.
    child = subprocess.Popen(  # noqa: S603 - our own module, our own arguments
        command,
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdin is not None  # noqa: S101 - for the type checker: both are pipes
    assert child.stdout is not None  # noqa: S101 - as above
    found: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(child.stdout, found), daemon=True)
    reader.start()
    try:
        os.environ[URL_SETTING] = _wait_for_url(child, found)
        yield
    finally:
        os.environ.pop(URL_SETTING, None)
        child.stdin.close()
        try:
            child.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        reader.join()
        child.stdout.close()


def _wait_for_url(child: "subprocess.Popen[str]", found: "queue.Queue[str | None]") -> str:
    try:
        url = found.get(timeout=_START_TIMEOUT_S)
    except queue.Empty as error:
        raise StartError(
            f"the simulator said nothing for {_START_TIMEOUT_S:.0f} s; set {URL_SETTING} or MARKET=live"
        ) from error
    if url is None:
        raise StartError(
            f"the simulator ended with code {child.wait()} before it listened; see its message above, "
            f"or set {URL_SETTING} or MARKET=live"
        )
    return url


def _read(output: IO[str], found: "queue.Queue[str | None]") -> None:
    """Find the address, then keep the pipe empty so that the child never blocks on it."""
    for line in output:
        if match := _ANNOUNCEMENT.search(line):
            found.put(match[1])
        else:
            log.debug("simulator: %s", line.rstrip())
    found.put(None)
