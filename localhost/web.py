"""The HTTP server: route templates, methods, keys, and the answers the Functions host gives."""

import logging
import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import azure.functions as func
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from azure.functions.http import HttpRequestConverter, HttpResponseConverter
from azure.functions.meta import Datum
from multidict import CIMultiDict

from localhost.durable_http import DurableEndpoints
from localhost.errors import StartError
from localhost.indexing import Function
from localhost.invocation import Invoker
from localhost.keys import Keys

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
BODY_LIMIT_BYTES = 100 * 1024 * 1024
_SHUTDOWN_S = 2.0
_CALLERS_FAULT = (HttpProcessingError, web.RequestPayloadError, ConnectionError)
"""What the server meets when a caller sends no HTTP, or leaves before the end."""


def _in_one_line(record: logging.LogRecord) -> bool:
    """Tell a caller's fault by its kind: the traceback is of the server's own parts, the text may hold a key."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, _CALLERS_FAULT):
        record.msg, record.args, record.exc_info = (
            "could not read a request: %s",
            (type(error).__name__,),
            None,
        )
        record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
    return True


_server_log = logging.getLogger(f"{__name__}.server")
_server_log.addFilter(_in_one_line)


@dataclass(frozen=True, slots=True)
class Route:
    """An HTTP function under its route template; literal segments win over parameters."""

    function: Function
    segments: tuple[str, ...]
    methods: tuple[str, ...]
    level: str

    def match(self, path: list[str]) -> dict[str, str] | None:
        """Return the route parameters if the path fits, else None."""
        parameters: dict[str, str] = {}
        for index, segment in enumerate(self.segments):
            name = segment.strip("{}*?")
            if segment.startswith("{*"):
                return parameters | {name: "/".join(path[index:])}
            if index >= len(path):
                return parameters if segment.endswith("?}") else None
            if segment.startswith("{"):
                parameters[name] = path[index]
            elif segment.lower() != path[index].lower():
                return None
        return parameters if len(path) <= len(self.segments) else None


def route_of(function: Function) -> Route:
    """Read the route of an HTTP function.

    Raises:
        StartError: the template uses constraints, defaults or several parameters in a segment.
    """
    properties = function.trigger.properties
    template = str(properties.get("route") or function.name).strip("/")
    segments = tuple(template.split("/"))
    for segment in segments:
        inner = segment[1:-1] if segment[:1] == "{" and segment[-1:] == "}" else segment
        if any(character in inner for character in "{}:="):
            raise StartError(
                f"function {function.name}: the route segment {segment!r} is not supported; "
                "use text, {name}, {name?} or {*name} and check the value in the function"
            )
    return Route(
        function=function,
        segments=segments,
        methods=tuple(str(method).upper() for method in properties.get("methods") or ()),
        level=str(properties.get("authLevel") or "function").lower(),
    )


class WebServer:
    """Serves the app's HTTP functions and the Durable endpoints on loopback."""

    def __init__(
        self, routes: list[Route], prefix: str, keys: Keys, invoker: Invoker, durable: DurableEndpoints
    ) -> None:
        self._routes = sorted(
            routes, key=lambda route: [segment.startswith("{") for segment in route.segments]
        )
        self._prefix = [part for part in prefix.split("/") if part]
        self._keys = keys
        self._invoker = invoker
        application = web.Application(client_max_size=BODY_LIMIT_BYTES)
        durable.add_routes(application.router)
        application.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(
            application, access_log=None, logger=_server_log, shutdown_timeout=_SHUTDOWN_S
        )

    async def start(self, port: int) -> int:
        """Listen; port 0 takes a free one.

        Returns:
            The port.

        Raises:
            StartError: the port is taken or not allowed.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise StartError(
                f"port {port} cannot be used ({os.strerror(error.errno or 0)}); stop what uses it or set PORT"
            ) from error
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening and close the connections."""
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = [unquote(part) for part in request.rel_url.raw_path.strip("/").split("/")]
        if [part.lower() for part in path[: len(self._prefix)]] != [part.lower() for part in self._prefix]:
            return web.Response(status=404)
        for route in self._routes:
            parameters = route.match(path[len(self._prefix) :])
            if parameters is not None and (not route.methods or request.method in route.methods):
                presented = request.headers.get("x-functions-key") or request.query.get("code", "")
                if not self._keys.open_function(route.level, presented):
                    return web.Response(status=401)
                if self._invoker.closing:
                    return web.Response(status=503)
                return await self._invoke(route.function, request, parameters)
        return web.Response(status=404)

    async def _invoke(
        self, function: Function, request: web.Request, parameters: dict[str, str]
    ) -> web.StreamResponse:
        try:
            url, body = str(request.url), await request.read()
        except (ValueError, *_CALLERS_FAULT):  # ValueError: a Host that is none
            return web.Response(status=400)
        parts = {
            "method": Datum(request.method, "string"),
            "url": Datum(url, "string"),
            "headers": _strings(request.headers.items()),
            "query": _strings(request.query.items()),
            "params": _strings(parameters.items()),
            "body": Datum(body, "bytes"),
        }
        try:
            result = await self._invoker.run(
                function,
                {
                    function.trigger.name: HttpRequestConverter.decode(
                        Datum(parts, "http"), trigger_metadata=None
                    )
                },
                traceparent=request.headers.get("traceparent"),
            )
        except Exception:  # noqa: BLE001 - the invoker has logged it; the caller learns no more than the host tells
            return web.Response(status=500)
        return _response(function, result)


def _strings(pairs: Any) -> dict[str, Datum]:
    """Return the pairs as the host passes them: repeated names joined by a comma."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return {name: Datum(value, "string") for name, value in joined.items()}


def _response(function: Function, result: Any) -> web.Response:
    if result is None:
        return web.Response(status=204)
    if not isinstance(result, (str, func.HttpResponse)):
        log.error(
            "%s returned %s; an HTTP function returns HttpResponse or text", function.name, type(result)
        )
        return web.Response(status=500)
    datum = HttpResponseConverter.encode(result, expected_type=None)
    if datum.type == "string":
        return web.Response(text=datum.value)
    headers: CIMultiDict[str] = CIMultiDict(
        (name, value.value) for name, value in datum.value["headers"].items()
    )
    for cookies in datum.value["cookies"] or ():
        for morsel in cookies.values():
            headers.add("Set-Cookie", morsel.OutputString())
    return web.Response(
        status=int(datum.value["status_code"].value), body=datum.value["body"].value, headers=headers
    )
