"""CPU of a cold start beside that of the same app with its heavy libraries imported at the top.

Run as `python -m benchmarks.cold_start`. Every measurement is a fresh process, and the ways alternate.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
WAYS = {
    "import function_app": "import function_app",
    "the same with plain imports at the top": (
        "import ccxt.async_support, openai, azure.monitor.opentelemetry; import function_app"
    ),
    "function_app and the venues' clients": "import function_app; import shared.adapters.venues.clients",
    "the same through plain ccxt": (
        "import function_app; import ccxt.async_support; import shared.adapters.venues.clients"
    ),
}
ALLOWED = 0.5


def cpu_ms(statements: str) -> float:
    """CPU milliseconds, of the interpreter's start too, that a fresh process takes for some imports."""
    code = f"{statements}\nimport time; print(time.process_time())"
    environment = {**os.environ, "MARKET": "live"}
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1]) * 1000


def main() -> int:
    """Exit code 1 if the app costs half as much as with plain imports, or more."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    taken: dict[str, list[float]] = {name: [] for name in WAYS}
    for round_number in range(rounds + 1):
        for name, statements in WAYS.items():
            spent = cpu_ms(statements)
            if round_number:  # the first writes .pyc files
                taken[name].append(spent)
    empty = statistics.median(cpu_ms("pass") for _ in range(rounds))
    print(
        f"Python {platform.python_version()} on {platform.machine()}, median of {rounds} fresh processes, CPU time"
    )
    print(f"{'an empty interpreter':40} {empty:6.0f} ms")
    for name, spent in taken.items():
        print(f"{name:40} {statistics.median(spent):6.0f} ms  (least {min(spent):.0f} ms)")
    ours, plain = (taken[name] for name in list(WAYS)[:2])
    ratio = statistics.median(mine / theirs for mine, theirs in zip(ours, plain, strict=True))
    verdict = "less than" if ratio < ALLOWED else "NOT LESS than"
    print(
        f"a cold start costs {ratio:.2f} of the plain one (median of the rounds' ratios), {verdict} {ALLOWED}"
    )
    return 0 if ratio < ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
