"""The Durable HTTP endpoints: what the client in the app calls, and the links it hands out.

The same paths are served twice: for the client under a secret of this process, and as webhooks that ask for
the durabletask key. Only start, status, terminate and purge exist; the rest answers 501 by name.
"""

import json
import logging
import secrets
import sqlite3
import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import web

from localhost.clock import from_iso
from localhost.durable import InstanceRunsError, TaskHub, UnknownOrchestratorError
from localhost.instances import RUNNING_STATES, Instances
from localhost.keys import Keys

log = logging.getLogger(__name__)

_WEBHOOK = "/runtime/webhooks/durabletask"
_OPERATIONS = {
    "sendEventPostUri": "raiseEvent/{eventName}?",
    "terminatePostUri": "terminate?reason={text}&",
    "rewindPostUri": "rewind?reason={text}&",
    "restartPostUri": "restart?",
    "suspendPostUri": "suspend?reason={text}&",
    "resumePostUri": "resume?reason={text}&",
}
_STATUS_RETRY_S = 5


class DurableEndpoints:
    """Serves one task hub over HTTP."""

    def __init__(self, hub: TaskHub, instances: Instances, keys: Keys, task_hub_name: str) -> None:
        self._hub = hub
        self._instances = instances
        self._keys = keys
        self._task_hub_name = task_hub_name
        self._rpc_path = f"/runtime/rpc/{secrets.token_urlsafe(24)}"

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve the client's and the webhook's paths."""
        router.add_route("*", self._rpc_path + "/{tail:.*}", self._handle)
        router.add_route("*", _WEBHOOK + "/{tail:.*}", self._handle_webhook)

    def client_binding(self, base_url: str) -> str:
        """Return the JSON that a durable client input binding carries."""
        base, key = base_url + _WEBHOOK, f"code={self._keys.durabletask}"
        query = f"taskHub={self._task_hub_name}&connection=Storage&{key}"
        create = f"{base}/orchestrators/{{functionName}}[/{{instanceId}}]?{key}"
        instance = f"{base}/instances/INSTANCEID"
        return json.dumps(
            {
                "taskHubName": self._task_hub_name,
                "creationUrls": {
                    "createNewInstancePostUri": create,
                    "createAndWaitOnNewInstancePostUri": (
                        f"{create}&timeout={{timeoutInSeconds}}&pollingInterval={{intervalInSeconds}}"
                    ),
                },
                "managementUrls": {
                    "id": "INSTANCEID",
                    "statusQueryGetUri": f"{instance}?{query}",
                    "purgeHistoryDeleteUri": f"{instance}?{query}",
                    **{name: f"{instance}/{path}{query}" for name, path in _OPERATIONS.items()},
                },
                "baseUrl": base,
                "requiredQueryStringParameters": key,
                "rpcBaseUrl": f"{base_url}{self._rpc_path}/",
            }
        )

    async def _handle_webhook(self, request: web.Request) -> web.Response:
        if not self._keys.open_durable(request.query.get("code", "")):
            return web.Response(status=401)
        return await self._handle(request)

    async def _handle(self, request: web.Request) -> web.Response:  # noqa: PLR0911 - a table of operations
        match (request.method, *[part for part in request.match_info["tail"].split("/") if part]):
            case ("POST", "orchestrators", name):
                return await self._start(request, name, uuid.uuid4().hex)
            case ("POST", "orchestrators", name, instance_id):
                return await self._start(request, name, instance_id)
            case ("GET", "instances"):
                return _json([self._status(row, request) for row in self._selected(request)])
            case ("GET", "instances", instance_id):
                return self._get_status(request, instance_id)
            case ("DELETE", "instances"):
                return self._purge_selected(request)
            case ("DELETE", "instances", instance_id):
                return self._purge(instance_id)
            case ("POST", "instances", instance_id, "terminate"):
                return self._terminate(instance_id, request.query.get("reason", ""))
            case _:
                what = f"{request.method} {request.match_info['tail']}"
                log.error("the Durable operation %s is not supported by this development runner", what)
                return _json({"Message": f"this development runner does not support {what}"}, 501)

    async def _start(self, request: web.Request, name: str, instance_id: str) -> web.Response:
        body = await request.text()
        try:
            json.loads(body or "null")
            self._hub.start_new(name, instance_id, body or None, request.headers.get("traceparent"))
        except (ValueError, UnknownOrchestratorError) as error:
            return _json({"Message": str(error), "ExceptionMessage": str(error)}, 400)
        except InstanceRunsError as error:
            return _json({"Message": str(error)}, 409)
        binding = json.loads(self.client_binding(str(request.url.origin())))
        links = {
            key: url.replace("INSTANCEID", instance_id) for key, url in binding["managementUrls"].items()
        }
        return _json(links, 202, {"Location": links["statusQueryGetUri"], "Retry-After": "10"})

    def _get_status(self, request: web.Request, instance_id: str) -> web.Response:
        row = self._instances.get(instance_id)
        if row is None:
            return web.Response(status=404)
        status = self._status(row, request)
        if row["status"] in RUNNING_STATES:
            headers = {"Location": str(request.url), "Retry-After": str(_STATUS_RETRY_S)}
            return _json(status, 202, headers)
        wants_500 = request.query.get("returnInternalServerErrorOnFailure", "").lower() == "true"
        return _json(status, 500 if wants_500 and row["status"] == "Failed" else 200)

    def _status(self, row: sqlite3.Row, request: web.Request) -> dict[str, Any]:
        shows_input = request.query.get("showInput", "true").lower() != "false"
        status = {
            "name": row["name"],
            "instanceId": row["id"],
            "runtimeStatus": row["status"],
            "input": _parsed(row["input"]) if shows_input else None,
            "customStatus": _parsed(row["custom_status"]),
            "output": _parsed(row["output"]),
            "createdTime": row["created_at"],
            "lastUpdatedTime": row["updated_at"],
        }
        if request.query.get("showHistory", "").lower() == "true":
            status["historyEvents"] = self._instances.history(row["id"])
        return status

    def _selected(self, request: web.Request) -> list[sqlite3.Row]:
        query = request.query
        states = [state for value in query.getall("runtimeStatus", []) for state in value.split(",")]
        try:
            earliest, latest = (
                from_iso(query[name]) if name in query else None
                for name in ("createdTimeFrom", "createdTimeTo")
            )
        except ValueError as error:
            raise web.HTTPBadRequest(text=f"{error}; write times as 2026-01-31T12:00:00Z") from error
        matches: list[Callable[[sqlite3.Row], bool]] = [
            lambda row: not states or row["status"] in states,
            lambda row: earliest is None or from_iso(row["created_at"]) >= earliest,
            lambda row: latest is None or from_iso(row["created_at"]) <= latest,
            lambda row: str(row["id"]).startswith(query.get("instanceIdPrefix", "")),
        ]
        return [row for row in self._instances.all() if all(match(row) for match in matches)]

    def _purge_selected(self, request: web.Request) -> web.Response:
        if "createdTimeFrom" not in request.query:
            return _json("Please provide value for 'createdTimeFrom' parameter.", 400)
        finished = [row["id"] for row in self._selected(request) if row["status"] not in RUNNING_STATES]
        for instance_id in finished:
            self._instances.purge(instance_id)
        return _json({"instancesDeleted": len(finished)}) if finished else web.Response(status=404)

    def _purge(self, instance_id: str) -> web.Response:
        row = self._instances.get(instance_id)
        if row is None:
            return web.Response(status=404)
        if row["status"] in RUNNING_STATES:
            return _json(
                f"Only orchestrations in a terminal state can be purged; this one is {row['status']}", 412
            )
        self._instances.purge(instance_id)
        return _json({"instancesDeleted": 1})

    def _terminate(self, instance_id: str, reason: str) -> web.Response:
        row = self._instances.get(instance_id)
        if row is None:
            return web.Response(status=404)
        if row["status"] not in RUNNING_STATES:
            return web.Response(status=410)
        self._instances.terminate(instance_id, reason)
        return web.Response(status=202)


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(content, status=status, headers=headers)


def _parsed(text: str | None) -> Any:
    return None if text is None else json.loads(text)
