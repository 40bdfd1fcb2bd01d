"""The command line: `python -m localhost` serves an app; `--once` fires its timers and drains the work."""

import argparse
import asyncio
import logging
import os
import re
import signal
import sys
import traceback
from pathlib import Path

from localhost.config import LOCAL_SETTINGS, LocalSettings, apply_local_settings
from localhost.errors import StartError, is_settings_error
from localhost.host import Host
from localhost.indexing import load_app
from localhost.simulated import simulator_if_needed

MARKETS = ("simulated", "live")
_ONCE_TIMEOUT_S = 120.0


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code: 0 done, 1 work failed, 2 the settings are not right."""
    options = _parse(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )
    for chatty in ("asyncio", "azure", "azure.core", "httpx2"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # Every client warns in pages of a missing credential; the app tells the error that it raises.
    logging.getLogger("azure.identity").setLevel(logging.ERROR)
    from_file = LocalSettings()
    try:
        directory = options.app.resolve().parent
        from_file = apply_local_settings(directory)
        market = _market()
        data_dir = Path(os.environ.get("DATA_DIR") or Path(".data") / market).resolve()
        port = _port(options)
        # The app reads the same two, and must not find others.
        os.environ["MARKET"], os.environ["DATA_DIR"] = market, str(data_dir)
        host = Host(options.app, data_dir, port=port, schedule_timers=not options.once)
        with simulator_if_needed(market, directory):
            return asyncio.run(_run(host, options, from_file))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Exception as error:  # noqa: BLE001 - the last line of the command: told apart and told to the operator
        if is_settings_error(error):
            complaint = _complaint(options.app) or str(error)
            sys.stderr.write(f"{complaint}\n")
            if blamed := [name for name in from_file.taken if name in complaint]:
                sys.stderr.write(f"{LOCAL_SETTINGS} gives {', '.join(blamed)}\n")
            return StartError.exit_code
        traceback.print_exception(error)
        return 1


def _complaint(app: Path) -> str:
    """What the app itself says of its settings, which is everything that is wrong at once; else nothing."""
    try:
        load_app(app)
    except StartError:
        return ""
    except Exception as error:  # noqa: BLE001 - the runner has its own reason to stop; this only says it better
        return str(error) if is_settings_error(error) else ""
    return ""


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m localhost",
        description="Runs a function app on this machine where Azure Functions Core Tools are not installed. "
        "For development only.",
    )
    parser.add_argument("--app", type=Path, default=Path("function_app.py"), help="the app's file")
    parser.add_argument("--port", help="default: PORT, else 7071; with --once a free one")
    parser.add_argument("--once", action="store_true", help="fire the timers once, drain the work, and end")
    parser.add_argument(
        "--once-timers",
        default="refresh_markets_timer,scan_timer",
        help="timers that --once fires in turn; pending work resumes before the last (default: %(default)s)",
    )
    parser.add_argument(
        "--open-route", default="dashboard", help="print a link with the key to this route, if the app has it"
    )
    parser.add_argument("--verbose", action="store_true", help="log every invocation")
    return parser.parse_args(arguments)


def _market() -> str:
    market = os.environ.get("MARKET") or MARKETS[0]
    if market not in MARKETS:
        raise StartError(f"MARKET is {market!r}; set it to one of {', '.join(MARKETS)}, or unset it")
    return market


def _port(options: argparse.Namespace) -> int:
    text = options.port or ("0" if options.once else os.environ.get("PORT") or "7071")
    if not re.fullmatch("[0-9]{1,5}", text) or not int(text) < 2**16:
        raise StartError(f"the port is {text!r}; set PORT or --port to a number from 0 to {2**16 - 1}")
    return int(text)


async def _run(host: Host, options: argparse.Namespace, from_file: LocalSettings) -> int:
    try:
        await host.start()
        _say_where(host, options.open_route, from_file)
        return await (_once(host, options.once_timers.split(",")) if options.once else _serve(host))
    finally:
        await host.stop()
        if host.has_busy_threads():
            # They would keep the interpreter alive; their work is repeated after a restart.
            os._exit(1)


def _say_where(host: Host, open_route: str, from_file: LocalSettings) -> None:
    url = host.base_url.replace("127.0.0.1", "localhost")
    lines = [
        "localhost runs function apps for development only; production is Azure Functions.",
        f"{len(host.app.functions)} functions on {url}, function key in {host.keys.source}",
        *(f"{name} is disabled: {reason}" for name, reason in host.app.disabled.items()),
    ]
    if host.app.in_use:
        lines.append(host.app.in_use())
    if from_file.taken:
        lines.append(f"from {LOCAL_SETTINGS}: {', '.join(from_file.taken)}")
    if from_file.left:
        names = ", ".join(from_file.left)
        lines.append(f"left in {LOCAL_SETTINGS}, set it in the environment if you mean it: {names}")
    if host.app.defaulted:
        lines.append(f"not set, as in local.settings.example.json: {', '.join(host.app.defaulted)}")
    if any("/".join(route.segments) == open_route for route in host.routes):
        prefix = f"/{host.route_prefix}" if host.route_prefix else ""
        lines.append(f"{open_route}: {url}{prefix}/{open_route}#key={host.function_key}")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


async def _serve(host: Host) -> int:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()

    def stop(received: signal.Signals) -> None:
        stopping.set()
        # A second signal of the kind ends the process at once.
        loop.remove_signal_handler(received)

    for received in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(received, stop, received)
    await host.resume()
    await stopping.wait()
    return 0


async def _once(host: Host, timers: list[str]) -> int:
    for name in timers:
        if name not in host.timers:
            reason = host.app.disabled.get(name, f"the app has {', '.join(host.timers) or 'no timers'}")
            raise StartError(f"--once needs the timer function {name}, but {reason}")
    failed = False
    try:
        async with asyncio.timeout(_ONCE_TIMEOUT_S):
            for name in timers:
                is_last = name == timers[-1]
                if is_last:
                    await host.resume()
                failed = not await _fired(host, name) and is_last
            await host.drain(_ONCE_TIMEOUT_S)
    except TimeoutError:
        left = ", ".join(f"{count} {kind}" for kind, count in host.pending_work().items())
        sys.stderr.write(f"not drained within {_ONCE_TIMEOUT_S:.0f} s: {left}\n")
        return 1
    for instance_id, message in host.failed_orchestrations().items():
        sys.stderr.write(f"orchestration {instance_id} failed: {message}\n")
    for message in host.poisoned_messages():
        sys.stderr.write(f"poisoned: {message}\n")
    return int(failed or bool(host.failed_orchestrations() or host.poisoned_messages()))


async def _fired(host: Host, timer: str) -> bool:
    try:
        await host.invoke_timer(timer)
    except Exception as error:
        if is_settings_error(error):
            raise
        sys.stderr.write(f"{timer} failed: {error}\n")
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
