"""Queue functions: redelivery, the poison queue, output bindings after the return, and persistence."""

import asyncio
import base64
import json
import sqlite3

import pytest

APP = """
    @app.route(route="send", methods=["POST"])
    @app.queue_output(arg_name="out", queue_name="work", connection="AzureWebJobsStorage")
    @app.queue_output(arg_name="other", queue_name="unheard", connection="AzureWebJobsStorage")
    def send(req: func.HttpRequest, out: func.Out[list[str]], other: func.Out[str]) -> str:
        out.set(req.get_json())
        other.set("copy")
        if req.params.get("fail"):
            raise RuntimeError("after setting its output")
        return "sent"

    @app.route(route="forward", methods=["POST"])
    @app.queue_output(arg_name="out", queue_name="relay", connection="AzureWebJobsStorage")
    def forward(req: func.HttpRequest, out: func.Out[str]) -> None:
        out.set(req.get_body().decode())

    @app.queue_trigger(arg_name="msg", queue_name="work", connection="AzureWebJobsStorage")
    def work(msg: func.QueueMessage) -> None:
        body = msg.get_body().decode()
        note(f"{body} {msg.dequeue_count}")
        assert msg.id and msg.pop_receipt and msg.insertion_time <= msg.expiration_time
        if body == "bad" or (body == "flaky" and msg.dequeue_count < 3):
            raise ValueError(body)

    @app.queue_trigger(arg_name="msg", queue_name="relay", connection="AzureWebJobsStorage")
    @app.queue_output(arg_name="$return", queue_name="work", connection="AzureWebJobsStorage")
    async def relay(msg: func.QueueMessage) -> str:
        return msg.get_body().decode().upper()
"""


def _config(**queues):
    return {"extensions": {"queues": queues}}


async def _send(caller, *bodies, fail=False):
    path = "/api/send?fail=1" if fail else "/api/send"
    return (await caller.request("POST", path, json=list(bodies))).status


async def test_each_message_of_a_list_is_handled_once(sample, running):
    sample.write(APP)
    async with running() as (host, caller):
        assert await _send(caller, "a", "b", "ü") == 200
        await host.drain(10)
        assert host.queue_length("work") == 0
    assert sorted(sample.notes) == ["a 1", "b 1", "ü 1"]


async def test_outputs_are_sent_only_after_the_function_returned(sample, running):
    sample.write(APP)
    async with running() as (host, caller):
        assert await _send(caller, "lost", fail=True) == 500
        await host.drain(10)
        assert host.queue_length("unheard") == 0
        assert await _send(caller, "kept") == 200
        assert host.queue_length("unheard") == 1
        await host.drain(10)
    assert sample.notes == ["kept 1"]


async def test_a_failing_message_comes_again_until_it_succeeds(sample, running):
    sample.write(APP)
    async with running() as (host, caller):
        await _send(caller, "flaky")
        await host.drain(10)
        assert host.poisoned_messages() == []
    assert sample.notes == ["flaky 1", "flaky 2", "flaky 3"]


async def test_a_failed_message_stays_invisible_for_the_visibility_timeout(sample, running):
    sample.write(APP, _config(visibilityTimeout="00:00:01"))
    async with running() as (host, caller):
        await _send(caller, "flaky")
        with pytest.raises(TimeoutError, match="1 messages of work"):
            await host.drain(0.4)
        assert sample.notes == ["flaky 1"]
        await host.drain(10)
    assert sample.notes == ["flaky 1", "flaky 2", "flaky 3"]


async def test_a_message_that_always_fails_ends_in_the_poison_queue(sample, running):
    sample.write(APP, _config(maxDequeueCount=2))
    async with running() as (host, caller):
        await _send(caller, "bad", "good")
        await host.drain(10)
        assert host.queue_length("work") == 0
        assert host.queue_length("work-poison") == 1
        assert len(host.poisoned_messages()) == 1
    assert sorted(sample.notes) == ["bad 1", "bad 2", "good 1"]


async def test_a_message_that_the_app_itself_sends_to_a_poison_queue_counts(sample, running):
    sample.write("""
        @app.route(route="poison", methods=["POST"])
        @app.queue_output(arg_name="out", queue_name="work-poison", connection="AzureWebJobsStorage")
        def poison(req: func.HttpRequest, out: func.Out[str]) -> None:
            out.set("bad")
    """)
    async with running() as (host, caller):
        await caller.request("POST", "/api/poison")
        assert [message.split("/")[0] for message in host.poisoned_messages()] == ["work-poison"]


async def test_a_return_value_may_be_a_message(sample, running):
    sample.write(APP)
    async with running() as (host, caller):
        await caller.request("POST", "/api/forward", data="x")
        await host.drain(10)
    assert sample.notes == ["X 1"]


@pytest.mark.parametrize(
    ("encoding", "stored"), [("base64", base64.b64encode(b"copy").decode()), ("none", "copy")]
)
async def test_messages_are_stored_in_the_encoding_of_host_json(sample, running, encoding, stored):
    sample.write(APP, _config(messageEncoding=encoding))
    async with running() as (host, caller):
        await _send(caller, "a")
        await host.drain(10)
    assert sample.notes == ["a 1"]
    database = sqlite3.connect(sample.data_dir / "localhost.db")
    assert database.execute("SELECT body FROM messages WHERE queue = 'unheard'").fetchall() == [(stored,)]
    database.close()


async def test_messages_wait_for_the_next_start(sample):
    sample.write(APP)
    host = sample.host()
    await host.start()
    try:
        host._queues.send([("work", b"later")])
        await asyncio.sleep(0.05)
        assert sample.notes == []
    finally:
        await host.stop()
    async with sample.host() as again:
        await again.drain(10)
    assert sample.notes == ["later 1"]


async def test_no_more_than_a_batch_is_handled_at_a_time(sample, running):
    sample.write(
        """
        running = [0, 0]

        @app.route(route="send", methods=["POST"])
        @app.queue_output(arg_name="out", queue_name="work", connection="AzureWebJobsStorage")
        def send(req: func.HttpRequest, out: func.Out[list[str]]) -> None:
            out.set(req.get_json())

        @app.queue_trigger(arg_name="msg", queue_name="work", connection="AzureWebJobsStorage")
        async def work(msg: func.QueueMessage) -> None:
            running[0] += 1
            running[1] = max(running)
            await asyncio.sleep(0.05)
            running[0] -= 1

        @app.route(route="most")
        def most(req: func.HttpRequest) -> str:
            return str(running[1])
        """,
        _config(batchSize=3),
    )
    async with running() as (host, caller):
        await _send(caller, *"abcdefgh")
        await host.drain(10)
        response = await caller.request("GET", "/api/most")
        assert await response.text() == "3"


async def test_a_message_above_64_kib_fails_the_function_that_sends_it(sample, running, caplog):
    sample.write(APP)
    async with running() as (host, caller):
        assert await _send(caller, "small", "x" * 50_000) == 500
        assert host.queue_length("work") == 0
    assert "66668 bytes encoded, the limit is 65536" in caplog.text


async def test_a_message_that_cannot_be_decoded_is_poisoned(sample, running):
    sample.write(APP, _config(maxDequeueCount=1))
    async with running() as (host, caller):
        await _send(caller, "a")
        await host.drain(10)
        host._store.connection.execute(
            "UPDATE messages SET queue = 'work', body = '!' WHERE queue = 'unheard'"
        )
        host._queues.changed["work"].set()
        await host.drain(10)
        assert len(host.poisoned_messages()) == 1
    assert json.dumps(sample.notes) == '["a 1"]'
