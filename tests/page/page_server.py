"""The page and the product's own answers to it on loopback, over a stored desk."""

import json
from contextlib import asynccontextmanager

from aiohttp import web

from shared.web import endpoints

KEY = "a-function-key"


class StoredServer:
    """The page and its answers over a stored desk, with the key checked as the host does.

    `requests` are the paths that were asked and `sent` the scans; `scan` is what a manual one then has found.
    """

    def __init__(self, desk):
        self._desk = desk
        self._runner = None
        self.port = 0
        self.requests = []
        self.sent = []
        self.scan = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/api/dashboard"

    async def start(self):
        app = web.Application()
        app.add_routes([web.route("*", "/{path:.*}", self._handle)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self):
        await self._runner.cleanup()

    async def _desk_promise(self):
        return self._desk

    async def _handle(self, request):
        path = request.match_info["path"].removeprefix("api/")
        self.requests.append(path)
        if path != "dashboard" and request.headers.get("x-functions-key") != KEY:
            return web.Response(status=401)
        answer = await self._answer(request, path)
        return web.Response(
            status=answer.status, body=answer.body, content_type=answer.content_type, headers=answer.headers
        )

    async def _answer(self, request, path):
        if path == "dashboard":
            return endpoints.dashboard()
        if path == "kill-switch" and request.method == "POST":
            return await endpoints.turn_kill_switch(self._desk_promise, await request.read())
        if path == "scan":
            body = await request.read()
            self.sent.append(json.loads(body))
            if self.scan:
                return endpoints.found(self.scan, None)
            answer, _ = await endpoints.scan(self._desk_promise, body)
            return answer
        params = dict(request.query)
        asked = {"trades": endpoints.trades, "opportunities": endpoints.opportunities}
        if path in asked:
            return await asked[path](self._desk_promise, params)
        return await endpoints.overview(self._desk_promise)


@asynccontextmanager
async def served(desk):
    server = StoredServer(desk)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
