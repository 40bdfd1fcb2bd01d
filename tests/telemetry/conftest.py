"""A receiver on loopback that keeps what the real exporters send."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.telemetry import kusto

ROOT = Path(__file__).resolve().parents[2]
FUNCTION_KEY = "the-function-key"
SCANS_AT_MOST = 8


class Receiver:
    """Application Insights' ingestion, an OTLP receiver or a webhook; answers with `status`."""

    def __init__(self):
        self.requests = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver.requests.append((self.path, dict(self.headers), body))
                answer = b'{"itemsReceived":1,"itemsAccepted":1,"errors":[]}'
                self.send_response(receiver.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self.connection = (
            f"InstrumentationKey=00000000-0000-4000-8000-000000000001;IngestionEndpoint={self.address}/"
        )
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def paths(self):
        return {path for path, _, _ in self.requests}

    def envelopes(self, base_type=None):
        """What Application Insights received, of one base type or all."""
        found = [
            envelope
            for path, _, body in self.requests
            if path == "/v2.1/track"
            for envelope in (json.loads(line) for line in _items(body))
        ]
        return [e for e in found if base_type in (None, e["data"]["baseType"])]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def _items(body):
    return [json.dumps(item) for item in json.loads(body)]


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def promtool():
    """Prometheus' own checker; skips by name where it is absent."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("needs promtool: install the package prometheus")
    return found


@pytest.fixture(scope="session")
def kusto_complaints():
    """What the Kusto language service says of every query of the repository, and of some with a mistake."""
    planted = {query: query for query in kusto.PLANTED}
    return kusto.diagnose({**kusto.files(), **kusto.panels(), **kusto.documented(), **planted})


def localhost_environment(folder, **more):
    """The environment of a `python -m localhost` over simulated venues that keeps its data in a folder."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **plain,
        "MARKET": "simulated",
        "SEED": "1",
        "DATA_DIR": str(folder),
        "LOCALHOST_FUNCTION_KEY": FUNCTION_KEY,
        **more,
    }


def run_once(environment):
    """A scan through function_app.py with its workflow and loads; what it wrote to the log."""
    run = subprocess.run(
        [sys.executable, "-m", "localhost", "--once"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stderr


@pytest.fixture(scope="session")
def scanned(tmp_path_factory):
    """Scans until one of them traded: (folder of their data, receiver of their telemetry, their log).

    The simulated market follows the clock, so that now and then a scan finds nothing.
    """
    receiver = Receiver()
    folder = tmp_path_factory.mktemp("scanned") / "data"
    environment = localhost_environment(
        folder,
        AZURE_APPLICATION_INSIGHTS_CONNECTION_STRING=receiver.connection,
        LOG_FORMAT="json",
        MIN_PROFIT="0",
    )
    log = ""
    for _ in range(SCANS_AT_MOST):
        log += run_once(environment)
        if any(
            event["data"]["baseData"]["name"].endswith("_simulated")
            for event in receiver.envelopes("EventData")
        ):
            break
    yield folder, receiver, log
    receiver.close()
