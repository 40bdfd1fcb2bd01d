"""A local server that speaks the Responses API, well or badly, and bills what it does."""

import asyncio
import json

from aiohttp import web
from aiohttp.test_utils import TestServer

GOOD = {
    "verdict": "approve",
    "confidence": 0.8,
    "risk_factors": [],
    "explanation": "A fresh, proven edge; nothing speaks against it.",
    "evidence": ["edge.net", "books.age"],
}


class ResponsesServer:
    """Each request is answered by the next of `script`, and by `otherwise` when it is empty.

    A behaviour takes the decoded request and the bill for it and gives a web.Response, or raises.
    """

    def __init__(self):
        self.script = []
        self.otherwise = answer(GOOD)
        self.requests = []
        self.headers = []
        self.billed_tokens = 0
        self.base_url = ""

    async def __aenter__(self):
        app = web.Application()
        app.router.add_post("/{prefix:.*}responses", self._respond)
        self._server = TestServer(app, host="127.0.0.1")
        await self._server.start_server()
        self.base_url = str(self._server.make_url("/v1"))
        self.root_url = str(self._server.make_url("/")).rstrip("/")
        return self

    async def __aexit__(self, *error):
        await self._server.close()

    async def _respond(self, request):
        raw = await request.read()
        body = json.loads(raw)
        self.requests.append({"path": request.path, **body})
        self.headers.append(dict(request.headers))
        behaviour = self.script.pop(0) if self.script else self.otherwise
        return await behaviour(self, request, body, len(raw))

    def bill(self, raw_bytes, output_tokens=300):
        usage = {"input_tokens": raw_bytes // 4, "output_tokens": output_tokens}
        self.billed_tokens += sum(usage.values())
        return {
            **usage,
            "total_tokens": sum(usage.values()),
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": output_tokens // 2},
        }

    def reply(self, body, raw_bytes, content, status="completed", output_tokens=300, **more):
        return {
            "id": "resp_1",
            "object": "response",
            "created_at": 1,
            "model": body["model"],
            "status": status,
            "output": [
                {"id": "rs_1", "type": "reasoning", "summary": []},
                {
                    "id": "msg_1",
                    "type": "message",
                    "role": "assistant",
                    "status": "completed",
                    "content": content,
                },
            ],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": self.bill(raw_bytes, output_tokens),
            **more,
        }


def said(text):
    return [{"type": "output_text", "text": text, "annotations": []}]


def answer(given, output_tokens=300):
    """A well-formed reply whose text is this answer: an object, or a text of its own."""

    async def behave(server, _request, body, raw_bytes):
        text = given if isinstance(given, str) else json.dumps(given)
        return web.json_response(server.reply(body, raw_bytes, said(text), output_tokens=output_tokens))

    return behave


def answered_by(judge):
    """A reply by a model that sees what was sent: `judge` takes the decoded facts by id."""

    async def behave(server, _request, body, raw_bytes):
        facts = {row["id"]: row["value"] for row in json.loads(body["input"])["facts"]}
        return web.json_response(server.reply(body, raw_bytes, said(json.dumps(judge(facts)))))

    return behave


async def refusal(server, _request, body, raw_bytes):
    content = [{"type": "refusal", "refusal": "I cannot help with trading."}]
    return web.json_response(server.reply(body, raw_bytes, content))


def incomplete(reason):
    """An answer that ends in the middle of its JSON."""

    async def behave(server, _request, body, raw_bytes):
        reply = server.reply(
            body,
            raw_bytes,
            said('{"verdict": "approve", "confi'),
            status="incomplete",
            output_tokens=body["max_output_tokens"],
            incomplete_details={"reason": reason},
        )
        return web.json_response(reply)

    return behave


async def model_failure(server, _request, body, raw_bytes):
    error = {"code": "server_error", "message": "the model crashed"}
    return web.json_response(server.reply(body, raw_bytes, [], status="failed", error=error))


def status(code, **headers):
    """An error as the API words it; it quotes a key, as some do."""

    async def behave(_server, request, _body, _raw_bytes):
        quoted = request.headers.get("Authorization", "")
        error = {"error": {"message": f"not with {quoted}", "type": "x", "code": "x", "param": None}}
        return web.json_response(error, status=code, headers=headers)

    return behave


def body(data, content_type="application/json"):
    """A reply with status 200 that is nothing like one."""

    async def behave(server, _request, _body, raw_bytes):
        server.bill(raw_bytes)
        return web.Response(body=data, content_type=content_type)

    return behave


async def bad_gzip(server, _request, _body, raw_bytes):
    server.bill(raw_bytes)
    response = web.Response(body=b"not gzip", content_type="application/json")
    response.headers["Content-Encoding"] = "gzip"
    return response


async def cut_off(server, request, _body, raw_bytes):
    """The connection ends in the middle of the reply."""
    server.bill(raw_bytes)
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "5000"})
    await response.prepare(request)
    await response.write(b'{"id": "resp_1", "output": [')
    request.transport.close()
    return response


async def silence(server, _request, _body, raw_bytes):
    """No answer for longer than any test waits; it is billed all the same."""
    server.bill(raw_bytes)
    await asyncio.sleep(30)


async def drip(server, request, _body, raw_bytes):
    """A byte now and then: each one renews a time limit between bytes, the answer never comes."""
    server.bill(raw_bytes)
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.02)
