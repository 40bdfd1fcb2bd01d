"""Orchestrations through the real Durable SDK: fan-out, retries, timers, restarts, and what is refused."""

import json

import pytest


async def test_an_orchestration_chains_activities_and_its_status_link_reaches_completed(sample, running):
    sample.write("""
        @app.orchestration_trigger(context_name="context")
        def double_twice(context):
            number = context.get_input()["number"]
            context.set_custom_status({"stage": "doubling"})
            first = yield context.call_activity("double", number)
            second = yield context.call_activity("double", first)
            return {"result": second}

        @app.activity_trigger(input_name="number")
        async def double(number: int) -> int:
            await asyncio.sleep(0.05)
            return 2 * number
    """)
    async with running() as (host, caller):
        links = await caller.start("double_twice", "one", {"number": 3})
        early = await caller.request("GET", links["statusQueryGetUri"], key=False)
        assert early.status == 202
        assert early.headers["Location"]
        await host.drain(20)
        done = await caller.request("GET", links["statusQueryGetUri"], key=False)
        status = await done.json()
    assert done.status == 200
    assert status["runtimeStatus"] == "Completed"
    assert status["output"] == {"result": 12}
    assert status["customStatus"] == {"stage": "doubling"}
    assert json.loads(status["input"]) == {"number": 3}
    assert status["createdTime"] <= status["lastUpdatedTime"]


async def test_a_fan_out_of_200_activities_runs_the_orchestrator_a_constant_number_of_times(sample, running):
    sample.write("""
        @app.orchestration_trigger(context_name="context")
        def wide(context):
            count = context.get_input()
            squares = yield context.task_all([context.call_activity("square", n) for n in range(count)])
            return sum(squares)

        @app.activity_trigger(input_name="number")
        def square(number: int) -> int:
            return number * number
    """)
    episodes = {}
    async with running() as (host, caller):
        for count in (20, 200):
            status = await caller.finished("wide", f"wide-{count}", count)
            assert status["output"] == sum(n * n for n in range(count))
            episodes[count] = host.episodes(f"wide-{count}")
    assert episodes[200] == episodes[20] == 2


RETRIES = """
    from datetime import timedelta

    retry = df.RetryOptions(first_retry_interval_in_milliseconds=20, max_number_of_attempts=3)

    @app.orchestration_trigger(context_name="context")
    def retried(context):
        results = yield context.task_all([
            context.call_activity_with_retry("flaky", retry, {"name": name, "failures": failures})
            for name, failures in context.get_input()
        ])
        last = yield context.call_activity("plain", "last")
        return [*results, last]

    @app.orchestration_trigger(context_name="context")
    def goes_on_after_a_failure(context):
        try:
            yield context.task_all([
                context.call_activity("fails", "now"),
                context.call_activity_with_retry("flaky", retry, {"name": "slow", "failures": 2}),
            ])
        except Exception as error:
            assert "now" in str(error)
        first = yield context.call_activity("plain", "first")
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=0.3))
        second = yield context.call_activity("plain", "second")
        return [first, second]

    attempts = {}

    @app.activity_trigger(input_name="task")
    def flaky(task: dict) -> str:
        attempts[task["name"]] = attempts.get(task["name"], 0) + 1
        note(f"{task['name']} {attempts[task['name']]}")
        if attempts[task["name"]] <= task["failures"]:
            raise ValueError(f"{task['name']} is not ready")
        return task["name"]

    @app.activity_trigger(input_name="text")
    def fails(text: str) -> str:
        raise RuntimeError(text)

    @app.activity_trigger(input_name="text")
    def plain(text: str) -> str:
        return text
"""


async def test_failing_activities_are_retried_and_every_result_finds_its_own_task(sample, running):
    sample.write(RETRIES)
    tasks = [["a", 0], ["b", 2], ["c", 1], ["d", 0], ["e", 2]]
    async with running() as (_, caller):
        status = await caller.finished("retried", "retries", tasks)
    assert status["output"] == ["a", "b", "c", "d", "e", "last"]
    assert sorted(sample.notes) == sorted(
        f"{name} {n + 1}" for name, fails in tasks for n in range(fails + 1)
    )


async def test_an_orchestration_fails_with_the_activitys_error_after_the_last_attempt(sample, running):
    sample.write(RETRIES)
    async with running() as (host, caller):
        status = await caller.finished("retried", "hopeless", [["x", 9]])
        assert "x is not ready" in host.failed_orchestrations()["hopeless"]
    assert status["runtimeStatus"] == "Failed"
    assert "x is not ready" in status["output"]
    assert sample.notes == ["x 1", "x 2", "x 3"]


async def test_ids_stay_right_when_code_goes_on_while_a_failed_fan_out_still_retries(sample, running):
    sample.write(RETRIES)
    async with running() as (_, caller):
        status = await caller.finished("goes_on_after_a_failure", "mixed")
    assert status["output"] == ["first", "second"]
    assert sample.notes == ["slow 1", "slow 2", "slow 3"]


async def test_a_task_of_a_failed_fan_out_still_counts_in_a_later_one(sample, running):
    sample.write("""
        @app.orchestration_trigger(context_name="context")
        def carries_over(context):
            first, second = context.call_activity("fails", 0), context.call_activity("fails", 0.2)
            try:
                yield context.task_all([first, second])
            except Exception:
                note("first failed")
            try:
                yield context.task_all([second, context.call_activity("gate", None)])
            except Exception:
                return "second failed"

        @app.activity_trigger(input_name="delay")
        async def fails(delay: float) -> None:
            await asyncio.sleep(delay)
            raise RuntimeError("always")

        @app.activity_trigger(input_name="nothing")
        async def gate(nothing) -> None:
            while not LOG.with_name("open").exists():
                await asyncio.sleep(0.01)
    """)
    async with running() as (host, caller):
        links = await caller.start("carries_over", "one")
        response = await caller.answers(200, "GET", links["statusQueryGetUri"], key=False)
        assert (await response.json())["output"] == "second failed"
        (sample.folder / "open").touch()
        await host.drain(10)


async def test_an_orchestrator_that_waits_for_nothing_fails_instead_of_hanging(sample, running):
    sample.write("""
        @app.orchestration_trigger(context_name="context")
        def stuck(context):
            yield context.call_activity("echo", 1)
            yield None

        @app.activity_trigger(input_name="number")
        def echo(number: int) -> int:
            return number
    """)
    async with running() as (_, caller):
        status = await caller.finished("stuck", "stuck")
    assert status["runtimeStatus"] == "Failed"
    assert "no activity and no timer is under way" in status["output"]


async def test_nested_and_empty_fan_outs_complete(sample, running):
    sample.write("""
        @app.orchestration_trigger(context_name="context")
        def nested(context):
            nothing = yield context.task_all([])
            inner = context.task_all([context.call_activity("echo", n) for n in (1, 2)])
            results = yield context.task_all([inner, context.task_all([]), context.call_activity("echo", 3)])
            return [nothing, results]

        @app.activity_trigger(input_name="number")
        def echo(number: int) -> int:
            return number
    """)
    async with running() as (_, caller):
        status = await caller.finished("nested", "nested")
    # The SDK gives an empty task_all the value None.
    assert status["output"] == [None, [[1, 2], None, 3]]


async def test_a_timer_holds_the_orchestration_until_its_moment(sample, running):
    sample.write("""
        from datetime import timedelta

        @app.orchestration_trigger(context_name="context")
        def waits(context):
            before = context.current_utc_datetime
            yield context.create_timer(before + timedelta(seconds=0.4))
            return (context.current_utc_datetime - before).total_seconds()
    """)
    async with running() as (_, caller):
        status = await caller.finished("waits", "waits")
    assert status["output"] >= 0.4


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("yield context.wait_for_external_event('go')", "wait_for_external_event"),
        ("yield context.call_sub_orchestrator('other', None)", "call_sub_orchestrator"),
        ("yield context.task_any([context.call_activity('echo', 1)])", "task_any"),
        ("yield context.call_http('GET', 'http://localhost')", "call_http"),
        ("context.continue_as_new(None)", "continue_as_new"),
        ("yield context.task_all([context.wait_for_external_event('go')])", "wait_for_external_event"),
    ],
)
async def test_an_action_the_runner_does_not_know_fails_the_instance_by_name(
    sample, running, statement, named
):
    sample.write(f"""
        @app.orchestration_trigger(context_name="context")
        def other(context):
            yield context.call_activity("echo", 1)
            {statement}

        @app.activity_trigger(input_name="number")
        def echo(number: int) -> int:
            return number
    """)
    async with running() as (_, caller):
        status = await caller.finished("other", "refused")
    assert status["runtimeStatus"] == "Failed"
    assert f"uses {named}," in status["output"]


async def test_a_non_deterministic_orchestrator_fails_and_both_schedules_are_named(sample, running):
    sample.write("""
        runs = []

        @app.orchestration_trigger(context_name="context")
        def fickle(context):
            runs.append(1)
            yield context.call_activity("echo", len(runs))
            yield context.call_activity("echo", 0)

        @app.activity_trigger(input_name="number")
        def echo(number: int) -> int:
            return number
    """)
    async with running() as (_, caller):
        status = await caller.finished("fickle", "fickle")
    assert status["runtimeStatus"] == "Failed"
    assert "not deterministic" in status["output"]
    assert "activity 'echo' with input 1" in status["output"]
    assert "activity 'echo' with input 2" in status["output"]


async def test_an_unknown_activity_fails_the_orchestration_by_name(sample, running):
    sample.write("""
        @app.orchestration_trigger(context_name="context")
        def lost(context):
            yield context.call_activity("nowhere", 1)
    """)
    async with running() as (_, caller):
        status = await caller.finished("lost", "lost")
    assert "'nowhere' doesn't exist" in status["output"]


CLIENT = """
    @app.orchestration_trigger(context_name="context")
    def gate(context):
        result = yield context.call_activity("wait", context.get_input())
        return result

    @app.activity_trigger(input_name="name")
    async def wait(name: str) -> str:
        note(name)
        while not LOG.with_name(name).exists():
            await asyncio.sleep(0.01)
        return name

    @app.route(route="client/{operation}/{id}", methods=["POST"])
    @app.durable_client_input(client_name="client")
    async def operate(req: func.HttpRequest, client) -> str:
        id = req.route_params["id"]
        match req.route_params["operation"]:
            case "status":
                status = await client.get_status(id)
                return json.dumps([bool(status), status.runtime_status and status.runtime_status.name])
            case "terminate":
                return json.dumps(await client.terminate(id, "enough"))
            case "purge":
                return json.dumps((await client.purge_instance_history(id)).instances_deleted)
            case "completed":
                found = await client.get_status_by(runtime_status=[df.OrchestrationRuntimeStatus.Completed])
                return json.dumps([status.instance_id for status in found])
            case "raise":
                await client.raise_event(id, "go", 1)
            case "start":
                return await client.start_new("nobody", id)
"""


async def _operate(caller, operation, instance_id):
    response = await caller.request("POST", f"/api/client/{operation}/{instance_id}")
    return json.loads(await response.text()) if response.status == 200 else response.status


async def test_the_real_client_reads_terminates_lists_and_purges(sample, running):
    sample.write(CLIENT)
    (sample.folder / "open").touch()
    async with running() as (host, caller):
        assert await _operate(caller, "status", "absent") == [False, None]
        await caller.start("gate", "stuck", "shut")
        assert await _operate(caller, "status", "stuck") in ([True, "Pending"], [True, "Running"])
        links = await caller.start("gate", "done", "open")
        await caller.answers(200, "GET", links["statusQueryGetUri"], key=False)
        assert await _operate(caller, "status", "done") == [True, "Completed"]
        await _operate(caller, "terminate", "stuck")
        assert await _operate(caller, "status", "stuck") == [True, "Terminated"]
        (sample.folder / "shut").touch()
        await host.drain(10)
        assert await _operate(caller, "completed", "-") == ["done"]
        assert await _operate(caller, "purge", "done") == 1
        assert await _operate(caller, "status", "done") == [False, None]
        assert await _operate(caller, "status", "stuck") == [True, "Terminated"]


async def test_what_the_client_may_not_do_here_is_refused_by_name(sample, running, caplog):
    sample.write(CLIENT)
    async with running() as (_, caller):
        assert await _operate(caller, "raise", "any") == 500
        assert "raiseEvent/go is not supported" in caplog.text
        assert await _operate(caller, "start", "any") == 500
        assert "The function 'nobody' doesn't exist" in caplog.text


@pytest.mark.parametrize(("states", "replaced"), [("NonRunningStates", False), ("AnyState", True)])
async def test_a_running_instance_is_replaced_only_where_host_json_says_so(
    sample, running, until, states, replaced
):
    sample.write(CLIENT, {"extensions": {"durableTask": {"overridableExistingInstanceStates": states}}})
    async with running() as (host, caller):
        await caller.start("gate", "same", "first")
        await until(lambda: sample.notes == ["first"])
        again = await caller.request("POST", "/api/start/gate/same", json="second")
        (sample.folder / "first").touch()
        (sample.folder / "second").touch()
        await host.drain(10)
        link = (await caller.finished("gate", "other", "first"))["runtimeStatus"]
        response = await caller.request("POST", "/api/client/status/same")
        assert json.loads(await response.text()) == [True, "Completed"]
    assert again.status == (202 if replaced else 500)
    assert link == "Completed"
    assert ("second" in sample.notes) is replaced


async def test_a_finished_instance_is_silently_replaced(sample, running):
    sample.write(CLIENT)
    (sample.folder / "first").touch()
    (sample.folder / "second").touch()
    async with running() as (_, caller):
        assert (await caller.finished("gate", "same", "first"))["output"] == "first"
        assert (await caller.finished("gate", "same", "second"))["output"] == "second"


async def test_links_need_the_durable_key_and_the_function_key_does_not_open_them(sample, running):
    sample.write(CLIENT)
    async with running() as (host, caller):
        (sample.folder / "open").touch()
        await caller.finished("gate", "one", "open")
        path = "/runtime/webhooks/durabletask/instances/one"
        for code in ("", "wrong", host.function_key):
            assert (await caller.request("GET", path, params={"code": code}, key=False)).status == 401


async def test_an_activity_may_send_messages_and_return_a_value(sample, running):
    sample.write("""
        @app.orchestration_trigger(context_name="context")
        def sends(context):
            result = yield context.call_activity("produce", "x")
            return result

        @app.activity_trigger(input_name="name")
        @app.queue_output(arg_name="out", queue_name="work", connection="AzureWebJobsStorage")
        def produce(name: str, out: func.Out[str], context: func.Context) -> str:
            out.set(f"message of {name}")
            return context.trace_context.trace_parent

        @app.queue_trigger(arg_name="msg", queue_name="work", connection="AzureWebJobsStorage")
        def consume(msg: func.QueueMessage) -> None:
            note(msg.get_body().decode())
    """)
    async with running() as (_, caller):
        status = await caller.finished("sends", "sends")
    assert sample.notes == ["message of x"]
    assert status["output"].startswith("00-")
