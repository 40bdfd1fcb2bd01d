"""The command line as a process: exit codes, one-line refusals, the simulator child, and kill -9."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import psutil
import pytest

from localhost.__main__ import main

ROOT = Path(__file__).parents[2]

STAND_IN = """
import argparse, http.server, os, sys, threading
parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int)
parser.add_argument("--seed")
parser.add_argument("--exit-with-stdin", action="store_true")
options = parser.parse_args()
server = http.server.HTTPServer(("127.0.0.1", options.port), http.server.BaseHTTPRequestHandler)
open("simulator.pid", "w").write(str(os.getpid()))
open("simulator.seed", "w").write(str(options.seed))
print("starting", flush=True)
print(f"simulator listening on http://127.0.0.1:{server.server_port}", flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
"""

ONCE = """
    @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
    def refresh_markets_timer(timer: func.TimerRequest) -> None:
        note("refresh " + os.environ.get("SIMULATOR_URL", "none"))

    @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
    @app.queue_output(arg_name="load", queue_name="load", connection="AzureWebJobsStorage")
    @app.durable_client_input(client_name="client")
    async def scan_timer(timer: func.TimerRequest, load: func.Out[str], client) -> None:
        note("scan")
        if os.environ.get("BREAK") == "scan":
            raise RuntimeError("no venue answered")
        await client.start_new("workflow", "scan-1")
        load.set("scan-1")

    @app.orchestration_trigger(context_name="context")
    def workflow(context):
        result = yield context.call_activity("trade", "scan-1")
        return result

    @app.activity_trigger(input_name="id")
    def trade(id: str) -> str:
        time.sleep(0.1)
        note("trade")
        if os.environ.get("BREAK") == "trade":
            raise RuntimeError("trade broke")
        return id

    @app.queue_trigger(arg_name="msg", queue_name="load", connection="AzureWebJobsStorage")
    def load(msg: func.QueueMessage) -> None:
        note("load")
        if os.environ.get("BREAK") == "load":
            raise RuntimeError("load broke")
"""


class Command:
    """`python -m localhost` in the sample app's folder."""

    def __init__(self, sample):
        self._sample = sample
        self.started = []

    def _launch(self, *arguments, **environment):
        base = {key: value for key, value in os.environ.items() if key not in ("DATA_DIR", "MARKET", "PORT")}
        settings = {**base, "PYTHONPATH": str(ROOT), "MARKET": "live", "PYTHONUNBUFFERED": "1", **environment}
        process = subprocess.Popen(
            [sys.executable, "-m", "localhost", *arguments],
            cwd=self._sample.folder,
            env={key: value for key, value in settings.items() if value is not None},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, *arguments, **environment):
        """Run to the end; return exit code, stdout and stderr."""
        process = self._launch(*arguments, **environment)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def serve(self, *arguments, **environment):
        """Serve on a free port; return the process and the two lines that say where."""
        process = self._launch("--port", "0", *arguments, **environment)
        lines = [process.stdout.readline(), process.stdout.readline()]
        assert "functions on http://localhost:" in lines[1], process.stderr.read()
        return process, lines


@pytest.fixture
def refused(sample, monkeypatch, capsys):
    """Run the command in this process until it refuses to go on; return its one line."""

    def run(*arguments, **environment):
        monkeypatch.chdir(sample.folder)
        for name, value in {"MARKET": "live", "DATA_DIR": "", "PORT": "0", **environment}.items():
            monkeypatch.setenv(name, value)
        assert main(list(arguments)) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        return lines[0]

    return run


@pytest.fixture
def command(sample):
    command = Command(sample)
    yield command
    for process in command.started:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def _wait(condition, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_once_fires_the_timers_drains_the_work_and_starts_the_simulator(sample, command):
    sample.write(ONCE)
    (sample.folder / "simulator.py").write_text(STAND_IN)
    code, out, err = command.run("--once", MARKET=None, SEED="7")
    assert code == 0, err
    assert "development only" in out
    assert sample.notes[0].startswith("refresh http://127.0.0.1:")
    assert sample.notes[1] == "scan"
    assert sorted(sample.notes[2:]) == ["load", "trade"]
    assert (sample.folder / ".data" / "simulated" / "localhost.db").exists()
    assert (sample.folder / "simulator.seed").read_text() == "7"
    assert not psutil.pid_exists(int((sample.folder / "simulator.pid").read_text()))


def test_once_leaves_a_given_simulator_alone(sample, command):
    sample.write(ONCE)
    assert command.run("--once", MARKET="simulated", SIMULATOR_URL="http://given")[0] == 0
    assert sample.notes[0] == "refresh http://given"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("scan", "scan_timer failed: no venue answered"),
        ("trade", "orchestration scan-1 failed"),
        ("load", "poisoned: load-poison/"),
    ],
)
def test_once_exits_1_when_the_scan_an_orchestration_or_a_load_failed(sample, command, broken, message):
    sample.write(ONCE, {"extensions": {"queues": {"maxDequeueCount": 2}}})
    code, _, err = command.run("--once", BREAK=broken)
    assert code == 1
    assert message in err


def test_an_orchestration_that_a_timer_starts_before_pending_work_resumes_runs_once(sample, command):
    sample.write("""
        @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
        @app.durable_client_input(client_name="client")
        async def first(timer, client) -> None:
            await client.start_new("single", "one")
            while not sample_started.is_set():
                await asyncio.sleep(0.01)

        @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
        def second(timer) -> None:
            pass

        @app.orchestration_trigger(context_name="context")
        def single(context):
            yield context.call_activity("once", 1)

        @app.activity_trigger(input_name="number")
        def once(number: int) -> None:
            note("once")
            sample_started.set()
            time.sleep(0.3)

        sample_started = threading.Event()
    """)
    code, _, err = command.run("--once", "--once-timers", "first,second")
    assert code == 0, err
    assert sample.notes == ["once"]


def test_once_finishes_first_what_an_earlier_process_left(sample, command):
    sample.write(ONCE)

    async def leave_a_message():
        host = sample.host()
        await host.start()
        host._queues.send([("load", b"left")])
        await host.stop()

    asyncio.run(leave_a_message())
    assert command.run("--once", DATA_DIR=str(sample.data_dir))[0] == 0
    assert sorted(sample.notes) == ["load", "load", "refresh none", "scan", "trade"]


def test_once_without_its_timers_is_a_setting_error(sample, refused):
    sample.write("")
    line = refused("--once")
    assert line == "--once needs the timer function refresh_markets_timer, but the app has no timers"


def test_settings_that_the_app_refuses_exit_2_with_its_message(sample, refused):
    sample.write("""
        class SettingsError(Exception):
            pass

        raise SettingsError("MAX_AGE_MS='x' is not a number; set 3000")
    """)
    assert refused("--once") == "MAX_AGE_MS='x' is not a number; set 3000"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"MARKET": "paper"}, "MARKET is 'paper'; set it to one of simulated, live, or unset it"),
        ({"PORT": "http"}, "the port is 'http'; set PORT or --port to a number from 0 to 65535"),
        ({"PORT": "65536"}, "the port is '65536'; set PORT or --port to a number from 0 to 65535"),
        ({"PORT": "٨٠"}, "the port is '٨٠'; set PORT or --port to a number from 0 to 65535"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_2(sample, refused, environment, message):
    sample.write(ONCE)
    assert refused(**environment) == message


def test_an_unwritable_data_dir_is_one_line_and_exit_2(sample, refused):
    sample.write(ONCE)
    line = refused(DATA_DIR=str(sample.path / "below-a-file"))
    assert "cannot be written (Not a directory); set DATA_DIR" in line


def test_a_port_in_use_is_one_line_and_exit_2(sample, refused):
    sample.write(ONCE)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refused(PORT=str(port))
    assert line == f"port {port} cannot be used (Address already in use); stop what uses it or set PORT"


def test_a_second_instance_on_the_same_data_dir_is_refused(sample, command):
    sample.write(ONCE)
    first, _ = command.serve()
    code, _, err = command.run("--port", "0")
    assert code == 2
    assert f"in use by process {first.pid}; stop it or set another DATA_DIR" in err
    assert err.count("\n") == 1


def test_a_simulator_that_does_not_start_is_one_clear_error(sample, refused):
    sample.write(ONCE)
    (sample.folder / "simulator.py").write_text("raise SystemExit(3)")
    assert "the simulator ended with code 3 before it listened" in refused(
        MARKET="simulated", SIMULATOR_URL=""
    )


@pytest.mark.parametrize("received", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_running_invocation_end(sample, command, received):
    sample.write("""
        @app.timer_trigger(arg_name="timer", schedule="* * * * * *")
        def slow(timer) -> None:
            note("begin")
            time.sleep(0.5)
            note("end")
    """)
    process, lines = command.serve()
    assert "development only" in lines[0]
    _wait(lambda: sample.notes)
    process.send_signal(received)
    assert process.wait(20) == 0
    assert sample.notes == ["begin", "end"]


def test_the_start_names_what_the_app_says_is_in_use_and_what_came_from_the_file(sample, command):
    sample.write("""
        def in_use() -> str:
            return f"colour {os.environ['COLOUR']}"
    """)
    values = {"COLOUR": "red", "PORT": "1", "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
    (sample.folder / "local.settings.json").write_text(json.dumps({"Values": values}))
    process, _ = command.serve(PORT="0", AzureWebJobsStorage=None)
    assert [process.stdout.readline() for _ in range(3)] == [
        "colour red\n",
        "from local.settings.json: COLOUR\n",
        "left in local.settings.json, set it in the environment if you mean it: AzureWebJobsStorage\n",
    ]


def test_a_wrong_setting_of_the_file_is_refused_with_the_name_of_the_file(sample, command):
    sample.write(ONCE)
    (sample.folder / "local.settings.json").write_text('{"Values": {"MARKET": "moon"}}')
    code, out, err = command.run(MARKET=None)
    assert (code, out) == (2, "")
    complaint, whence = err.splitlines()
    assert complaint.startswith("MARKET is 'moon'")
    assert whence == "local.settings.json gives MARKET"


def test_an_error_that_the_app_raises_on_purpose_is_one_line_and_another_has_its_trace(sample, command):
    sample.write("""
        class ArbitrageError(Exception):
            pass

        class NoVenueAnswered(ArbitrageError):
            pass

        @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
        def first(timer) -> None:
            raise NoVenueAnswered("no network\\ncheck it") if os.environ["KIND"] == "told" else KeyError("x")
    """)
    for kind, more, lines in (("told", (), 2), ("told", ("--verbose",), None), ("bug", (), None)):
        code, _, err = command.run("--once", "--once-timers", "first", *more, KIND=kind)
        assert code == 1
        assert ("Traceback" in err) == (lines is None)
        if lines:
            logged, ended = err.split("\n", 1)
            assert re.fullmatch(r"\S+ ERROR first failed after \d+ ms: no network; check it", logged)
            assert ended == "first failed: no network\ncheck it\n"


def test_the_link_to_the_page_is_printed_only_if_the_app_has_it(sample, command):
    page = """
        @app.route(route="dashboard", auth_level=func.AuthLevel.ANONYMOUS)
        def dashboard(req) -> str:
            return ""
    """
    sample.write(page)
    process, lines = command.serve(LOCALHOST_FUNCTION_KEY="k")
    assert "function key in the environment (LOCALHOST_FUNCTION_KEY)" in lines[1]
    address = lines[1].split()[3].rstrip(",")
    assert process.stdout.readline() == f"dashboard: {address}/api/dashboard#key=k\n"


def test_the_simulator_dies_with_a_killed_parent(sample, command):
    sample.write(ONCE)
    (sample.folder / "simulator.py").write_text(STAND_IN)
    process, _ = command.serve(MARKET="simulated")
    simulator = int((sample.folder / "simulator.pid").read_text())
    assert psutil.pid_exists(simulator)
    process.kill()
    _wait(lambda: not psutil.pid_exists(simulator) or psutil.Process(simulator).status() == "zombie")


def test_an_orchestration_killed_in_the_middle_goes_on_after_a_restart(sample, command):
    sample.write("""
        @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
        @app.durable_client_input(client_name="client")
        async def begin(timer, client) -> None:
            if not await client.get_status("one"):
                await client.start_new("chain", "one")
                await asyncio.sleep(60)

        @app.orchestration_trigger(context_name="context")
        def chain(context):
            results = yield context.task_all([context.call_activity("quick", n) for n in range(3)])
            slow = yield context.call_activity("slow", sum(results))
            return slow

        @app.activity_trigger(input_name="number")
        def quick(number: int) -> int:
            note(f"quick {number}")
            return number

        @app.activity_trigger(input_name="total")
        def slow(total: int) -> int:
            note(f"slow {total}")
            time.sleep(float(os.environ.get("SLOW_S", "0")))
            note("slow done")
            return total

        @app.queue_trigger(arg_name="msg", queue_name="unused", connection="c")
        def unused(msg) -> None: pass
    """)
    data_dir = str(sample.data_dir)
    process = command._launch("--once", "--once-timers", "begin", DATA_DIR=data_dir, SLOW_S="60")
    _wait(lambda: "slow 3" in sample.notes)
    process.kill()
    process.wait()
    assert "slow done" not in sample.notes
    code, _, err = command.run("--once", "--once-timers", "begin", DATA_DIR=data_dir)
    assert code == 0, err
    assert sorted(sample.notes) == ["quick 0", "quick 1", "quick 2", "slow 3", "slow 3", "slow done"]

    async def output():
        async with sample.host() as host:
            return host._instances.get("one")["output"]

    assert asyncio.run(output()) == "3"


def test_a_message_under_way_when_the_process_was_killed_comes_again(sample, command):
    sample.write(
        dedent("""
        @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
        @app.queue_output(arg_name="out", queue_name="work", connection="c")
        def begin(timer, out: func.Out[str]) -> None:
            if not LOG.exists():
                out.set("message")

        @app.queue_trigger(arg_name="msg", queue_name="work", connection="c")
        def work(msg: func.QueueMessage) -> None:
            note(f"attempt {msg.dequeue_count}")
            if msg.dequeue_count == 1:
                time.sleep(60)
        """)
    )
    data_dir = str(sample.data_dir)
    process = command._launch("--once", "--once-timers", "begin", DATA_DIR=data_dir)
    _wait(lambda: sample.notes)
    process.kill()
    process.wait()
    assert command.run("--once", "--once-timers", "begin", DATA_DIR=data_dir)[0] == 0
    assert sample.notes == ["attempt 1", "attempt 2"]
