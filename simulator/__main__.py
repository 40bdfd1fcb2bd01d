"""Command line: `python -m simulator [--port N] [--seed N] [--time-scale X] [--exit-with-stdin]`."""

import argparse
import asyncio
import math
import os
import signal
import sys
from collections.abc import Callable, Sequence

from simulator.market import World
from simulator.server import SimulatorServer, wall_clock_ms

_DEFAULT_PORT = 7072
_MOST_TIME_SCALE = 3600.0
_LAST_PORT = 65_535


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(
            f"port {text!r} must be a whole number from 0 (any free one) to {_LAST_PORT}"
        )
    return int(text)


def _seed(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"seed {text!r} must be a whole number, 0 or above")
    return int(text)


def _time_scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not 0 < scale <= _MOST_TIME_SCALE:
        raise argparse.ArgumentTypeError(
            f"time scale {text!r} must be above 0 and at most {_MOST_TIME_SCALE:g}"
        )
    return scale


def scaled_clock(scale: float) -> Callable[[], int]:
    """A clock that starts at the wall clock and runs so many times as fast."""
    if scale == 1.0:
        return wall_clock_ms
    began_ms = wall_clock_ms()
    return lambda: began_ms + int((wall_clock_ms() - began_ms) * scale)


async def _serve(port: int, seed: int, scale: float, *, with_stdin: bool) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def until_stdin_closes() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            stop.set()

    if with_stdin:
        # Whoever started us holds the other end: it closes with that process, however that one dies.
        loop.add_reader(sys.stdin, until_stdin_closes)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    server = SimulatorServer(World(seed), scaled_clock(scale), port=port)
    try:
        await server.start()
    except OSError as error:
        reason = error.strerror or error
        sys.stderr.write(f"port {port} on 127.0.0.1 cannot be used ({reason}); choose another with --port\n")
        return 1
    sys.stdout.write(f"simulator listening on {server.base_url} (seed {seed})\n")
    sys.stdout.flush()
    await stop.wait()
    await server.stop()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted. Exit code 1 when the port is taken, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--port", type=_port, default=_DEFAULT_PORT, help="0 takes any free port")
    parser.add_argument("--seed", type=_seed, default=1, help="which market")
    parser.add_argument(
        "--time-scale", type=_time_scale, default=1.0, help="how fast the market's clock runs"
    )
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when standard input closes")
    wanted = parser.parse_args(arguments)
    return asyncio.run(_serve(wanted.port, wanted.seed, wanted.time_scale, with_stdin=wanted.exit_with_stdin))


if __name__ == "__main__":
    sys.exit(main())
