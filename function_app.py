"""The table of triggers: every function binds one step to the host, and nothing else happens here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List  # noqa: UP035 - see Messages

import azure.durable_functions as df
import azure.functions as func

from shared import composition, diagnosis, loading, settings, steps, upkeep, workflow
from shared.scans import ScanRequest
from shared.web import endpoints

if TYPE_CHECKING:
    from collections.abc import Generator

    from shared.web.answers import Answer

STORAGE = "AzureWebJobsStorage"
LOADS = "sql-load"
POISON = "sql-load-poison"
Messages = func.Out[List[str]]  # noqa: UP006 - the platform's worker reads no generics but those of typing
ENDED_BADLY = (
    df.OrchestrationRuntimeStatus.Failed,
    df.OrchestrationRuntimeStatus.Terminated,
    df.OrchestrationRuntimeStatus.Canceled,
)
RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=2000, max_number_of_attempts=3)

composition.check_settings()
app = df.DFApp(http_auth_level=func.AuthLevel.FUNCTION)


def in_use() -> str:
    """What a host on a developer's machine says when it starts: each service in use, without secrets."""
    return diagnosis.in_use(composition.services(settings.read()))


def reply(answer: Answer) -> func.HttpResponse:
    """An answer in the host's form."""
    return func.HttpResponse(
        answer.body, status_code=answer.status, mimetype=answer.content_type, headers=answer.headers
    )


async def start(client: df.DurableOrchestrationClient, work: dict[str, Any]) -> None:
    """Start a scan's workflow unless it runs or is done: `start_new` would silently replace it."""
    status = await client.get_status(work["scan_id"])
    state = status.runtime_status if status else None
    if state in {None, *ENDED_BADLY}:
        await client.start_new(workflow.NAME, work["scan_id"], work)


@app.timer_trigger(arg_name="timer", schedule="%SCAN_SCHEDULE%")
@app.queue_output(arg_name="loads", queue_name=LOADS, connection=STORAGE)
@app.durable_client_input(client_name="client")
async def scan_timer(timer: func.TimerRequest, loads: func.Out[str], client: Any) -> None:
    scan = await steps.scan(await composition.desk(), ScanRequest("timer"))
    if scan.opportunities:
        await start(client, scan.work())
    loads.set(scan.load_message())


@app.timer_trigger(arg_name="timer", schedule="%MARKETS_SCHEDULE%")
async def refresh_markets_timer(timer: func.TimerRequest) -> None:
    await steps.refresh_markets(await composition.desk())


@app.timer_trigger(arg_name="timer", schedule="%COMPACT_SCHEDULE%")
@app.durable_client_input(client_name="client")
async def compact_timer(timer: func.TimerRequest, client: Any) -> None:
    desk = await composition.desk()
    await upkeep.compact(desk)
    await client.purge_instance_history_by(**upkeep.old_workflows(desk))


@app.timer_trigger(arg_name="timer", schedule="%WATCHDOG_SCHEDULE%")
@app.queue_output(arg_name="loads", queue_name=LOADS, connection=STORAGE)
@app.durable_client_input(client_name="client")
async def watchdog_timer(timer: func.TimerRequest, loads: Messages, client: Any) -> None:
    left = await upkeep.watch(await composition.desk())
    for work in left.workflows:
        await start(client, work)
    loads.set(left.load_messages)


@app.route("scan", methods=["POST"])
@app.queue_output(arg_name="loads", queue_name=LOADS, connection=STORAGE)
@app.durable_client_input(client_name="client")
async def scan_http(req: func.HttpRequest, loads: func.Out[str], client: Any) -> func.HttpResponse:
    answer, scan = await endpoints.scan(composition.desk, req.get_body())
    if scan is None:
        return reply(answer)
    links = None
    if scan.opportunities:
        await start(client, scan.work())
        status = client.get_client_response_links(req, scan.scan_id)["statusQueryGetUri"]
        links = {"id": scan.scan_id, "statusQueryGetUri": status}
    loads.set(scan.load_message())
    return reply(endpoints.found(scan, links))


@app.route("scans/{id}", methods=["GET"])
async def scan_status_http(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await endpoints.scan_status(composition.desk, req.route_params["id"]))


@app.orchestration_trigger(context_name="context")
def trade_workflow(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    return (yield from workflow.trade_workflow(context, RETRY))


@app.activity_trigger(input_name="given")
async def analyze(given: dict) -> dict:  # type: ignore[type-arg] # the worker reads the plain class
    return await steps.analyze(await composition.desk(), given)


@app.activity_trigger(input_name="given")
async def execute(given: dict) -> dict:  # type: ignore[type-arg] # the worker reads the plain class
    return await steps.execute(await composition.desk(), given)


@app.activity_trigger(input_name="given")
@app.queue_output(arg_name="loads", queue_name=LOADS, connection=STORAGE)
async def record(given: dict, loads: func.Out[str]) -> list:  # type: ignore[type-arg] # the worker reads the plain class
    recorded = await steps.record(await composition.desk(), given)
    loads.set(recorded.load_message())
    return recorded.trades


@app.queue_trigger(arg_name="message", queue_name=LOADS, connection=STORAGE)
@app.queue_output(arg_name="poison", queue_name=POISON, connection=STORAGE)
async def load_sql(message: func.QueueMessage, poison: func.Out[str]) -> None:
    text = message.get_body().decode()
    if not await loading.load(await composition.desk(), text):
        poison.set(text)


@app.queue_trigger(arg_name="message", queue_name=POISON, connection=STORAGE)
async def load_sql_poison(message: func.QueueMessage) -> None:
    await loading.keep_poisoned(await composition.desk(), message.get_body().decode())


@app.route("reload", methods=["POST"])
@app.queue_output(arg_name="loads", queue_name=LOADS, connection=STORAGE)
async def reload_http(req: func.HttpRequest, loads: Messages) -> func.HttpResponse:
    answer, messages = await endpoints.reload(composition.desk, req.get_body())
    loads.set(messages)
    return reply(answer)


@app.route("opportunities", methods=["GET"])
async def opportunities_http(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await endpoints.opportunities(composition.desk, req.params))


@app.route("trades", methods=["GET"])
async def trades_http(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await endpoints.trades(composition.desk, req.params))


@app.route("kill-switch", methods=["POST"])
async def kill_switch_http(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await endpoints.turn_kill_switch(composition.desk, req.get_body()))


@app.route("kill-switch", methods=["GET"])
async def kill_switch_status_http(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await endpoints.kill_switch(composition.desk))


@app.route("overview", methods=["GET"])
async def overview_http(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await endpoints.overview(composition.desk))


@app.route("metrics", methods=["GET"])
async def metrics_http(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await endpoints.metrics(composition.desk))


@app.route("dashboard", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def dashboard_http(req: func.HttpRequest) -> func.HttpResponse:
    return reply(endpoints.dashboard())


@app.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health_http(req: func.HttpRequest) -> func.HttpResponse:
    return reply(await endpoints.health(composition.desk))
