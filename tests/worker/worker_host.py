"""The host's side: bindings as the Functions host sends them, and a Durable service that answers its client."""

import asyncio
import base64
import json
import os
import sys
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from localhost.instances import new_event
from localhost.replay import EventType, Replay

ROOT = Path(__file__).parents[2]
CALLED = "https://bot.example.net"
"""Where callers reach the app, which the host itself does not know behind an ingress."""


class Worker:
    """A worker process with one app."""

    def __init__(self, process, started):
        self._process = process
        self.error = started["error"]
        self.functions = started["functions"]
        self.answers = {name: [] for name in self.functions}

    async def invoke(self, function, inputs, metadata=None):
        asked = {"id": str(uuid.uuid4()), "function": function, "inputs": inputs, "metadata": metadata or {}}
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        answer = json.loads(await self._process.stdout.readline())
        self.answers[function].append(answer)
        return answer

    async def timer(self, function, **inputs):
        schedule = {
            "Last": "0001-01-01T00:00:00",
            "Next": "2026-11-22T12:00:00",
            "LastUpdated": "0001-01-01T00:00:00",
        }
        told = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": schedule, "IsPastDue": False}
        return await self.invoke(function, {"timer": ("json", json.dumps(told)), **inputs})

    async def http(self, function, method, path, *, body=None, route=None, query=None, **inputs):
        raw = b"" if body is None else json.dumps(body).encode()
        request = {
            "method": method,
            "url": f"{CALLED}/api/{path}",
            "headers": {"content-type": "application/json", "host": "bot.azurewebsites.net"},
            "params": route or {},
            "query": query or {},
            "body": base64.b64encode(raw).decode(),
        }
        return await self.invoke(function, {"req": ("http", request), **inputs})

    async def queue(self, function, text):
        def moment(days):
            return (
                "json",
                json.dumps((datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")),
            )

        metadata = {
            "Id": ("string", str(uuid.uuid4())),
            "PopReceipt": ("string", "AgAAAAMAAAAAAAAA"),
            "DequeueCount": ("json", "1"),
            "InsertionTime": moment(0),
            "ExpirationTime": moment(7),
            "NextVisibleTime": moment(0),
        }
        return await self.invoke(function, {"message": ("string", text)}, metadata)


@asynccontextmanager
async def worker_with(directory, environment=None):
    """Microsoft's worker with the app of a folder."""
    paths = os.pathsep.join([str(directory), str(ROOT)])
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.worker.worker_process",
        str(directory),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths, **(environment or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**26,
    )
    try:
        line = await process.stdout.readline()
        assert line, "the worker ended before it had indexed the app"
        yield Worker(process, json.loads(line))
    finally:
        process.stdin.close()
        await process.wait()


class DurableService:
    """The Durable extension's HTTP endpoints, as far as the app's client calls them."""

    def __init__(self):
        self.started = {}
        self.purges = []

    async def _get(self, request):
        instance = request.match_info["id"]
        if instance not in self.started:
            return web.Response(status=404)
        times = {"createdTime": "2026-11-22T12:00:00Z", "lastUpdatedTime": "2026-11-22T12:00:00Z"}
        return web.json_response({"instanceId": instance, "runtimeStatus": "Running", **times}, status=202)

    async def _start(self, request):
        name, instance = request.match_info["name"], request.match_info["id"]
        assert instance not in self.started, "start_new would silently replace a running instance"
        self.started[instance] = (name, await request.json())
        return web.json_response({"id": instance}, status=202)

    async def _purge(self, request):
        self.purges.append(dict(request.query))
        return web.json_response({"instancesDeleted": 0})

    @asynccontextmanager
    async def listening(self):
        app = web.Application()
        app.add_routes(
            [
                web.get("/rpc/instances/{id}", self._get),
                web.post("/rpc/orchestrators/{name}/{id}", self._start),
                web.delete("/rpc/instances/", self._purge),
            ]
        )
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    @property
    def client(self):
        """The binding string of a durable client."""
        instance = f"{self.url}/instances/INSTANCEID"
        return (
            "string",
            json.dumps(
                {
                    "taskHubName": "ArbitrageHub",
                    "creationUrls": {
                        "createNewInstancePostUri": f"{self.url}/orchestrators/{{functionName}}"
                    },
                    "managementUrls": {"id": "INSTANCEID", "statusQueryGetUri": f"{instance}?code=x"},
                    "baseUrl": self.url,
                    "requiredQueryStringParameters": "code=x",
                    "rpcBaseUrl": f"{self.url}/rpc/",
                }
            ),
        )


async def orchestrate(worker, instance, name, given):
    """Run an orchestration to its end, episode by episode, its activities in the worker too."""
    started = new_event(EventType.EXECUTION_STARTED, Name=name, Version="", Input=given)
    history = [new_event(EventType.ORCHESTRATOR_STARTED), started]
    known = set()
    while True:
        body = {
            "history": history,
            "input": given,
            "instanceId": instance,
            "isReplaying": len(history) > 2,
            "parentInstanceId": None,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 2,
            "longRunningTimerIntervalDuration": "3.00:00:00",
            "maximumShortTimerDuration": "6.00:00:00",
            "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
        }
        answer = await worker.invoke(name, {"context": ("string", json.dumps(body))})
        assert answer["error"] is None, answer["error"]
        state = json.loads(answer["returned"]["value"])
        if state["isDone"]:
            return state["output"]
        scheduled, _ = Replay([action for group in state["actions"] for action in group]).feed(history)
        new = [task for task in scheduled if task.id not in known]
        history += [new_event(EventType.TASK_SCHEDULED, task.id, Name=task.activity) for task in new]
        history += [new_event(EventType.ORCHESTRATOR_COMPLETED), new_event(EventType.ORCHESTRATOR_STARTED)]
        for task in new:
            done = await worker.invoke(task.activity, {"given": ("json", task.input)})
            assert done["error"] is None, done["error"]
            result = done["returned"]["value"]
            history.append(new_event(EventType.TASK_COMPLETED, TaskScheduledId=task.id, Result=result))
            known.add(task.id)
