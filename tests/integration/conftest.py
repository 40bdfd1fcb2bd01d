"""What the integration tests run against: INTEGRATION_URL, else the functions on this machine over simulated venues.

Deployed: INTEGRATION_URL, INTEGRATION_KEY (a function key), INTEGRATION_SQL (a connection string) and
INTEGRATION_INSIGHTS_APP_ID. Here: PACKAGE names the zip to start from, else the working tree is started.
"""

from __future__ import annotations

import gzip
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.sql.connection import make_engine

ROOT = Path(__file__).parents[2]
READY_S = 90


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Deployment:
    """An app in service: where it is, its key, its database, and the names of a scan's spans in its telemetry."""

    url: str
    key: str
    sql: str | Path
    spans_of: Callable[[str], set[str]]

    def ask(
        self, path: str, body: Any = None, key: str | None = "its own", raw: bytes | None = None
    ) -> Reply:
        """Send a request; a body makes it a POST."""
        address = path if path.startswith("http") else f"{self.url}{path}"
        headers = {"x-functions-key": self.key if key == "its own" else key} if key else {}
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
        request = urllib.request.Request(address, data, headers)  # noqa: S310 - the app's own address
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - as above
                return Reply(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.read())

    def count(self, table: str, scan_id: str) -> int:
        """Rows of a scan in a table of the database."""
        engine = make_engine(self.sql, None)
        try:
            with engine.connect() as connection:
                query = f"SELECT COUNT(*) FROM {table} WHERE scan_id = ?"
                return connection.exec_driver_sql(query, (scan_id,)).scalar_one()
        finally:
            engine.dispose()


def eventually(look: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first answer that is worth something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.5)
    pytest.fail(f"{what}: not within {seconds:.0f} s")


class Ingestion:
    """Application Insights' ingestion endpoint on loopback."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        items = self.items

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if self.path.startswith("/v2.1/track"):
                    items.extend(json.loads(body))
                answer = b'{"itemsReceived":1,"itemsAccepted":1,"errors":[]}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans_of(self, scan_id: str) -> set[str]:
        """Names of requests and dependencies of the operations that told of the scan."""
        told = [item for item in self.items if scan_id in json.dumps(item["data"])]
        operations = {item["tags"].get("ai.operation.id") for item in told} - {None}
        return {
            item["data"]["baseData"]["name"]
            for item in self.items
            if item["data"]["baseType"] in {"RequestData", "RemoteDependencyData"}
            and item["tags"].get("ai.operation.id") in operations
        }


def insights_spans_of(app_id: str) -> Callable[[str], set[str]]:
    """The same, asked of Application Insights with the login of this machine."""
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - against Azure only

    query = (ROOT / "infra/kusto/trace-of-a-scan.kql").read_text(encoding="utf-8")
    credential = DefaultAzureCredential()

    def spans_of(scan_id: str) -> set[str]:
        token = credential.get_token("https://api.applicationinsights.io/.default").token
        request = urllib.request.Request(
            f"https://api.applicationinsights.io/v1/apps/{app_id}/query",
            json.dumps({"query": query.replace("the scan's id", scan_id), "timespan": "PT2H"}).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - https, as written above
            table = json.load(answer)["tables"][0]
        columns = [column["name"] for column in table["columns"]]
        rows = [dict(zip(columns, row, strict=True)) for row in table["rows"]]
        return {row["name"] for row in rows if row["item"] in {"request", "dependency"}}

    return spans_of


@pytest.fixture(scope="session")
def deployment(tmp_path_factory):
    url = os.environ.get("INTEGRATION_URL")
    if url:
        yield Deployment(
            url.rstrip("/"),
            os.environ["INTEGRATION_KEY"],
            os.environ["INTEGRATION_SQL"],
            insights_spans_of(os.environ["INTEGRATION_INSIGHTS_APP_ID"]),
        )
        return
    yield from on_this_machine(tmp_path_factory)


def on_this_machine(tmp_path_factory):
    app, python, paths = ROOT, [sys.executable], [ROOT]
    if package := os.environ.get("PACKAGE"):
        app = tmp_path_factory.mktemp("package")
        with zipfile.ZipFile(package) as opened:
            opened.extractall(app)
        # The interpreter without any library of its own: what the package lacks is missed.
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        python = [f"{sys.base_prefix}/bin/{version}", "-S"]
        paths = [app / ".python_packages/lib/site-packages", ROOT]
    data, ingestion, key = tmp_path_factory.mktemp("data"), Ingestion(), secrets.token_urlsafe(16)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "OPENAI_"))},
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "LOCALHOST_FUNCTION_KEY": key,
        "MARKET": "simulated",
        "DATA_DIR": str(data),
        "SCAN_SCHEDULE": "*/10 * * * * *",
        "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=00000000-0000-4000-8000-000000000001;"
        f"IngestionEndpoint=http://127.0.0.1:{ingestion.server.server_port}/",
    }
    log = (data / "log").open("w+")
    command = [*python, "-m", "localhost", "--port", str(port), "--app", str(app / "function_app.py")]
    process = subprocess.Popen(command, cwd=app, env=env, stdout=log, stderr=log)
    made = Deployment(f"http://127.0.0.1:{port}", key, data / "warehouse.db", ingestion.spans_of)

    def healthy():
        if process.poll() is not None:
            pytest.fail(f"the functions ended:\n{(data / 'log').read_text()[-4000:]}")
        try:
            return made.ask("/api/health", key=None).status == 200
        except urllib.error.URLError:
            return False  # the port does not listen yet

    try:
        eventually(healthy, READY_S, "health")
        yield made
    finally:
        process.terminate()
        process.wait(30)
        log.close()
        ingestion.server.shutdown()
        ingestion.server.server_close()


@pytest.fixture(scope="session")
def within():
    """Waits until something is there: within(seconds, what, look)."""
    return lambda seconds, what, look: eventually(look, seconds, what)


@pytest.fixture(scope="session")
def scan(deployment):
    """A manual scan as its caller sees it; over simulated venues one that found something, for it comes and goes."""

    def once():
        reply = deployment.ask("/api/scan", body={})
        assert reply.status in {200, 409}, reply.body
        if reply.status == 409:
            return None
        found = reply.json()
        return found if found["opportunities"] or found["market"] == "live" else None

    return eventually(once, 150, "a manual scan with an opportunity")
