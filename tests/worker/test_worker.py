"""Every function runs in Microsoft's own worker runtime with the bindings that the host sends it."""

import importlib.util
import json

import pytest

from tests.worker.conftest import ROOT, blob_of, worker_with
from tests.worker.worker_host import CALLED

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        importlib.util.find_spec("azure_functions_runtime") is None,
        reason="azure-functions-runtime is absent: pip install --ignore-requires-python --no-deps "
        "azure-functions-runtime==1.3.0",
    ),
]


async def test_every_function_of_the_app_ran_and_none_failed(ran):
    answers = ran.worker.answers
    assert {name for name, given in answers.items() if not given} == set()
    assert {name: each["error"] for name, given in answers.items() for each in given if each["error"]} == {}


async def test_every_http_function_answered_with_success(ran):
    http = {name for name, bindings in ran.worker.functions.items() if bindings[0]["type"] == "httpTrigger"}
    statuses = {name: ran.worker.answers[name][-1]["returned"]["status"] for name in http}
    assert statuses == {name: 202 if name == "reload_http" else 200 for name in http}


async def test_the_triggers_are_those_of_the_design(ran):
    triggers = {name: {binding["type"] for binding in found} for name, found in ran.worker.functions.items()}
    assert {name for name, types in triggers.items() if "timerTrigger" in types} == {
        "scan_timer",
        "refresh_markets_timer",
        "compact_timer",
        "watchdog_timer",
    }
    assert {name for name, types in triggers.items() if "queueTrigger" in types} == {
        "load_sql",
        "load_sql_poison",
    }
    assert {name for name, types in triggers.items() if "activityTrigger" in types} == {
        "analyze",
        "execute",
        "record",
    }


async def test_only_health_and_the_page_need_no_key(ran):
    levels = {
        name: found[0]["authLevel"]
        for name, found in ran.worker.functions.items()
        if found[0]["type"] == "httpTrigger"
    }
    assert {name for name, level in levels.items() if level == "ANONYMOUS"} == {
        "health_http",
        "dashboard_http",
    }
    assert set(levels.values()) == {"ANONYMOUS", "FUNCTION"}


async def test_a_scan_is_answered_queued_and_orchestrated(ran):
    answer = json.loads(ran.scan["returned"]["body"])
    assert answer["orchestration"] == {
        "id": ran.scan_id,
        "statusQueryGetUri": f"{CALLED}/instances/{ran.scan_id}?code=x",
    }
    assert ran.scan_id in blob_of(ran.scan)
    ids = [found["id"] for found in answer["opportunities"]]
    assert [trade["opportunity_id"] for trade in ran.orchestrated["trades"]] == ids
    assert [verdict["opportunity_id"] for verdict in ran.orchestrated["verdicts"]] == ids


async def test_the_loaded_rows_come_back_from_the_api(ran):
    (answer,) = ran.worker.answers["trades_http"]
    trades = json.loads(answer["returned"]["body"])["items"]
    assert {trade["trade_id"] for trade in trades} == {trade["id"] for trade in ran.orchestrated["trades"]}


async def test_a_message_that_names_no_blob_goes_to_the_poison_queue(ran):
    assert ran.refused["outputs"]["poison"] == {"kind": "string", "value": "no JSON"}


async def test_reload_queues_the_blobs_as_a_list_of_messages(ran):
    messages = ran.reloaded["outputs"]["loads"]
    assert messages["kind"] == "json"
    assert [json.loads(message)["blob"] for message in json.loads(messages["value"])] == [blob_of(ran.scan)]


async def test_old_histories_are_purged_before_a_time(ran):
    (purge,) = ran.durable.purges
    assert set(purge) >= {"createdTimeFrom", "createdTimeTo"}


MISTAKES = {
    "a parameter of another name than its binding": (
        "async def execute(given: dict)",
        "async def execute(work: dict)",
        "execute",
    ),
    "an output that is no Out": ("loads: Messages, client", "loads: str, client", "loads"),
    "an output of a builtin generic": (
        "loads: Messages, client",
        "loads: func.Out[list[str]], client",
        "list[str]",
    ),
    "an input of another trigger's type": (
        "async def refresh_markets_timer(timer: func.TimerRequest)",
        "async def refresh_markets_timer(timer: func.QueueMessage)",
        "timer",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_the_worker_refuses_an_app_with(mistake, tmp_path):
    right, wrong, named = MISTAKES[mistake]
    source = (ROOT / "function_app.py").read_text()
    assert source.count(right) == 1
    (tmp_path / "function_app.py").write_text(source.replace(right, wrong))
    async with worker_with(tmp_path) as worker:
        assert "FunctionLoadError" in worker.error
        assert named in worker.error


async def test_a_function_that_returns_what_its_binding_cannot_carry_fails(tmp_path):
    source = (ROOT / "function_app.py").read_text()
    right = "return reply(endpoints.dashboard())"
    assert source.count(right) == 1
    (tmp_path / "function_app.py").write_text(source.replace(right, "return endpoints.dashboard()"))
    async with worker_with(tmp_path) as worker:
        assert worker.error is None
        answer = await worker.http("dashboard_http", "GET", "dashboard")
        assert "unsupported type" in answer["error"]


async def test_on_azure_without_its_services_the_app_starts_and_health_names_them():
    async with worker_with(ROOT, {"WEBSITE_INSTANCE_ID": "0", "AZURE_CLIENT_ID": ""}) as worker:
        assert worker.error is None
        answer = await worker.http("health_http", "GET", "health")
        told = json.loads(answer["returned"]["body"])
        assert (answer["returned"]["status"], told["status"]) == (503, "unhealthy")
        assert [line.split()[0] for line in told["missing"]] == [
            "AZURE_STORAGE_ACCOUNT_NAME",
            "AZURE_SQL_CONNECTION_STRING",
        ]
