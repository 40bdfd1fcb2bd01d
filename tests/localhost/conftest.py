"""Sample apps, written from their source beside a test, and hosts that run them."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import dedent

import aiohttp
import pytest

from localhost import Host

HEADER = """
import asyncio, json, logging, os, threading, time
from pathlib import Path
import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)
LOG = Path(__file__).with_name("log.txt")

def note(text):
    with LOG.open("a") as file:
        file.write(f"{text}\\n")

@app.route(route="start/{name}/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client) -> func.HttpResponse:
    body = req.get_body()
    given = json.loads(body) if body else None
    started = await client.start_new(req.route_params["name"], req.route_params["id"], given)
    return client.create_check_status_response(req, started)
"""


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            # The SDK announces its stricter typing once per process, whichever test comes first.
            item.add_marker(pytest.mark.filterwarnings("ignore:azure.functions df_loads was called"))


class SampleApp:
    """A function app in a folder of its own, with what it wrote down."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "function_app.py"
        self.data_dir = folder / "data"

    def write(self, source, host_json=None):
        self.path.write_text(HEADER + dedent(source))
        (self.folder / "host.json").write_text(json.dumps(host_json or {}))
        return self

    @property
    def notes(self):
        log = self.folder / "log.txt"
        return log.read_text().split("\n")[:-1] if log.exists() else []

    def host(self, **options):
        return Host(self.path, self.data_dir, **options)


@pytest.fixture
def sample(tmp_path):
    folder = tmp_path / "app"
    folder.mkdir()
    yield SampleApp(folder)
    sys.modules.pop("function_app", None)
    if str(folder) in sys.path:
        sys.path.remove(str(folder))


class Caller:
    """An HTTP client that presents the host's function key."""

    def __init__(self, host, session):
        self._host = host
        self._session = session

    async def request(self, method, path, *, key=True, headers=None, **options):
        headers = dict(headers or {})
        if key:
            headers["x-functions-key"] = self._host.function_key if key is True else key
        url = path if path.startswith("http") else self._host.base_url + path
        async with self._session.request(method, url, headers=headers, **options) as response:
            await response.read()
            return response

    async def start(self, orchestrator, instance_id, given=None):
        response = await self.request("POST", f"/api/start/{orchestrator}/{instance_id}", json=given)
        assert response.status == 202, await response.text()
        return json.loads(await response.text())

    async def answers(self, status, method, path, **options):
        """Ask again and again until the answer has this status; return that answer."""
        async with asyncio.timeout(20):
            while True:
                response = await self.request(method, path, **options)
                if response.status == status:
                    return response
                await asyncio.sleep(0.02)

    async def finished(self, orchestrator, instance_id, given=None, timeout_s=20):
        """Start an orchestration, wait until it is done and return its status."""
        links = await self.start(orchestrator, instance_id, given)
        await self._host.drain(timeout_s)
        response = await self.request("GET", links["statusQueryGetUri"], key=False)
        assert response.status == 200
        return await response.json()


@pytest.fixture
def until():
    """Wait for a condition: `await until(lambda: ...)`."""

    async def wait(condition, timeout_s=20.0):
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110 - files and counters set no event
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def running(sample):
    """Run the sample app: `async with running() as (host, caller)`."""

    @asynccontextmanager
    async def run(**options):
        async with sample.host(**options) as host, aiohttp.ClientSession() as session:
            yield host, Caller(host, session)

    return run
