"""What doctor finds out about each service, and what it advises where one does not work."""

import asyncio
import sqlite3
import time
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.credentials import AccessToken

from shared import composition, diagnosis, settings
from shared.adapters.environment import EnvironmentSecrets
from shared.adapters.key_vault import KeyVaultSecrets
from shared.adapters.lazy import LazyWarehouse
from shared.adapters.sql import SqlWarehouse

NOBODY = "http://127.0.0.1:9"
KEY = "sk-that-no-line-may-hold"


@pytest.fixture
async def open_desk(monkeypatch, tmp_path):
    opened = []

    def open_one(**changes):
        given = {"MARKET": "simulated", "SIMULATOR_URL": NOBODY, "VENUES": "binance", **changes}
        for name, value in {**given, "DATA_DIR": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        opened.append(composition.build(settings.read()))
        return opened[-1]

    yield open_one
    for desk in opened:
        await composition.close(desk)


async def examined(desk, secrets=None):
    services = composition.services(settings.read())
    found = await diagnosis.examine(desk, services, secrets or EnvironmentSecrets())
    return {each.service: each for each in found}


class Models:
    """A server of which only the list of models is asked."""

    def __init__(self, status, wait_s=0):
        self.status = status
        self.wait_s = wait_s
        self.asked = []

    async def __aenter__(self):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._server = TestServer(app, host="127.0.0.1")
        await self._server.start_server(shutdown_timeout=0)
        return str(self._server.make_url("/v1"))

    async def __aexit__(self, *error):
        await self._server.close()

    async def _answer(self, request):
        self.asked.append((request.method, request.path))
        await asyncio.sleep(self.wait_s)
        return web.json_response({"object": "list", "data": []}, status=self.status)


@pytest.mark.parametrize(
    ("status", "healthy", "says"),
    [(200, True, "takes the credential"), (401, False, "set the key again"), (404, False, "said 404")],
)
async def test_a_model_is_reached_without_a_question(open_desk, status, healthy, says):
    models = Models(status)
    async with models as url:
        desk = open_desk(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=url)
        found = (await examined(desk))["analyst"]
        await composition.close(desk)
    assert (found.healthy, found.finished) == (healthy, True)
    assert says in found.says
    assert KEY not in found.says
    assert models.asked == [("GET", "/v1/models")]


async def test_a_service_that_never_answers_is_given_up_after_its_limit(open_desk, monkeypatch):
    monkeypatch.setattr(diagnosis, "LIMIT_S", 0.5)
    async with Models(200, wait_s=30) as url:
        desk = open_desk(OPENAI_API_KEY=KEY, OPENAI_BASE_URL=url, AI_TIMEOUT_MS="20000")
        started = time.monotonic()
        found = (await examined(desk))["analyst"]
        assert time.monotonic() - started < 15
        await composition.close(desk)
    assert (found.healthy, found.finished) == (False, False)
    assert "no answer within 0.5 s; check its address" in found.says


async def test_a_database_that_waits_for_its_migration_fails_with_the_command_to_run(open_desk, tmp_path):
    path = tmp_path / "server.db"
    warehouse = LazyWarehouse(lambda: SqlWarehouse(path), embedded=False)
    desk = replace(open_desk(), warehouse=warehouse)
    found = (await examined(desk))["warehouse"]
    assert not found.healthy
    assert "pending migrations: schema-" in found.says
    assert "run `python -m shared migrate`" in found.says
    await warehouse.migrate()
    found = (await examined(desk))["warehouse"]
    assert found.healthy
    assert "a probe was written, read and rolled back" in found.says
    await warehouse.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT * FROM load_ledger").fetchall() == []
    connection.close()


async def test_secrets_are_told_by_name_and_never_by_value(open_desk, monkeypatch):
    monkeypatch.setenv("BINANCE_API_KEY", KEY)
    found = (await examined(open_desk()))["secrets"]
    assert found.healthy
    assert "present: binance-api-key;" in found.says
    assert "missing, and not needed for public data: binance-api-secret, openai-api-key" in found.says
    assert KEY not in found.says


async def test_a_vault_that_cannot_be_reached_fails_with_its_address(open_desk):
    class Credential:
        def get_token(self, *_scopes, **_options):
            return AccessToken("token", int(time.time()) + 3600)

    vault = KeyVaultSecrets("https://127.0.0.1:9", credential=Credential(), retry_total=0)
    found = (await examined(open_desk(), vault))["secrets"]
    await vault.close()
    assert not found.healthy
    assert "https://127.0.0.1:9 cannot be reached" in found.says


async def test_the_webhook_is_not_called(open_desk):
    models = Models(200)
    async with models as url:
        desk = open_desk(ALERT_WEBHOOK_URL=url)
        found = (await examined(desk))["alarms"]
    assert found.says.endswith("; not called")
    assert models.asked == []


def test_the_desk_is_named_by_its_stores_and_never_by_what_opens_them(monkeypatch):
    given = {
        "MARKET": "live",
        "AZURE_STORAGE_ACCOUNT_NAME": "starbitrage",
        "AZURE_DATALAKE_ACCOUNT_NAME": "lkarbitrage",
        "AZURE_SQL_CONNECTION_STRING": f"Server=tcp:sql.example,1433;Database=arbitrage;UID=a;PWD={KEY}",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert diagnosis.place(composition.services(settings.read())) == (
        "desk of the live market; lake: Azure Storage by lkarbitrage; state: Azure Storage by starbitrage; "
        "warehouse: Azure SQL, tcp:sql.example,1433/arbitrage"
    )
