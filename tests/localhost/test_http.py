"""HTTP functions: routes, keys, bodies, and the answers of the Functions host."""

import asyncio
import json
import stat

import pytest

ROUTES = """
    @app.route(route="open", auth_level=func.AuthLevel.ANONYMOUS)
    def anonymous(req: func.HttpRequest) -> str:
        return "open"

    @app.route(route="secret", methods=["GET"])
    def secret(req: func.HttpRequest) -> str:
        return "secret"

    @app.route(route="master", auth_level=func.AuthLevel.ADMIN)
    def master(req: func.HttpRequest) -> str:
        return "master"

    @app.route(route="scans/{id}")
    def scan(req: func.HttpRequest) -> func.HttpResponse:
        text = f"scan {req.route_params['id']}"
        return func.HttpResponse(text, status_code=202, headers={"X-Kind": "scan"})

    @app.route(route="scans/latest")
    def latest(req: func.HttpRequest) -> str:
        return "latest"

    @app.route(route="files/{*path}")
    def files(req: func.HttpRequest) -> str:
        return req.route_params["path"]

    @app.route(route="pages/{number?}")
    def pages(req: func.HttpRequest) -> str:
        return req.route_params.get("number", "first")

    @app.route(route="echo", methods=["POST"])
    def echo(req: func.HttpRequest) -> func.HttpResponse:
        seen = {"json": req.get_json(), "params": dict(req.params), "header": req.headers["x-given"]}
        return func.HttpResponse(json.dumps(seen), mimetype="application/json")

    @app.route(route="breaks")
    def breaks(req: func.HttpRequest) -> str:
        raise RuntimeError("secret detail")

    @app.route(route="nothing")
    def nothing(req: func.HttpRequest):
        return None

    @app.route(route="context")
    async def context(req: func.HttpRequest, context: func.Context) -> str:
        return f"{context.function_name} {context.trace_context.trace_parent}"
"""


async def _text(caller, path, method="GET", **options):
    response = await caller.request(method, path, **options)
    return response.status, await response.text()


async def test_keys_are_asked_for_by_level_in_header_or_query(sample, running):
    sample.write(ROUTES)
    async with running() as (host, caller):
        assert await _text(caller, "/api/open", key=False) == (200, "open")
        assert await _text(caller, "/api/secret", key=False) == (401, "")
        assert await _text(caller, "/api/secret", key="wrong") == (401, "")
        assert await _text(caller, "/api/secret") == (200, "secret")
        by_query = {"code": host.function_key}
        assert await _text(caller, "/api/secret", key=False, params=by_query) == (200, "secret")
        assert await _text(caller, "/api/master") == (401, "")
        assert await _text(caller, "/api/master", key=host.keys.master) == (200, "master")
        assert await _text(caller, "/api/secret", key=host.keys.master) == (200, "secret")


async def test_the_generated_key_is_kept_in_a_file_of_the_owner_alone(sample, running):
    sample.write(ROUTES)
    async with running() as (host, _):
        first = host.function_key
    file = sample.data_dir / "host-keys.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["function"] == first
    async with running() as (host, _):
        assert host.function_key == first


async def test_the_function_key_of_the_environment_wins(sample, running, monkeypatch):
    monkeypatch.setenv("LOCALHOST_FUNCTION_KEY", "given")
    sample.write(ROUTES)
    async with running() as (_, caller):
        assert await _text(caller, "/api/secret", key="given") == (200, "secret")
    assert "given" not in (sample.data_dir / "host-keys.json").read_text()


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/scans/17", (202, "scan 17")),
        ("/api/scans/a%2Fb%20c", (202, "scan a/b c")),
        ("/api/scans/latest", (200, "latest")),
        ("/API/Scans/latest", (200, "latest")),
        ("/api/files/a/b/c.txt", (200, "a/b/c.txt")),
        ("/api/pages", (200, "first")),
        ("/api/pages/2", (200, "2")),
        ("/api/nowhere", (404, "")),
        ("/api/scans/1/2", (404, "")),
        ("/secret", (404, "")),
        ("/", (404, "")),
    ],
)
async def test_routes_match_as_on_the_host(sample, running, path, answer):
    sample.write(ROUTES)
    async with running() as (_, caller):
        assert await _text(caller, path) == answer


async def test_a_method_that_no_function_takes_is_not_found(sample, running):
    sample.write(ROUTES)
    async with running() as (_, caller):
        assert await _text(caller, "/api/secret", "POST") == (404, "")


async def test_a_function_sees_body_query_and_headers_and_sets_its_own(sample, running):
    sample.write(ROUTES)
    async with running() as (_, caller):
        response = await caller.request(
            "POST", "/api/echo?a=1&b=2", headers={"X-Given": "yes"}, json={"text": "ü"}
        )
        assert response.headers["Content-Type"] == "application/json"
        assert await response.json() == {
            "json": {"text": "ü"},
            "params": {"a": "1", "b": "2"},
            "header": "yes",
        }
        response = await caller.request("GET", "/api/scans/1")
        assert response.headers["X-Kind"] == "scan"


async def test_a_failing_function_answers_500_without_its_detail_and_logs_it(sample, running, caplog):
    sample.write(ROUTES)
    async with running() as (_, caller):
        assert await _text(caller, "/api/breaks") == (500, "")
    assert "secret detail" in caplog.text
    assert "Traceback" in caplog.text


async def test_a_function_without_a_result_answers_204(sample, running):
    sample.write(ROUTES)
    async with running() as (_, caller):
        assert await _text(caller, "/api/nothing") == (204, "")


async def test_a_body_above_the_limit_is_refused(sample, running, monkeypatch):
    monkeypatch.setattr("localhost.web.BODY_LIMIT_BYTES", 1000)
    sample.write(ROUTES)
    async with running() as (_, caller):
        status, _ = await _text(caller, "/api/echo", "POST", data=b"x" * 1001, headers={"X-Given": ""})
    assert status == 413


async def test_the_context_continues_the_callers_trace(sample, running):
    sample.write(ROUTES)
    trace = "0af7651916cd43dd8448eb211c80319c"
    async with running() as (_, caller):
        _, text = await _text(
            caller, "/api/context", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
        )
    name, traceparent = text.split(" ")
    assert name == "context"
    assert traceparent.split("-")[1] == trace
    assert traceparent.split("-")[2] != "b7ad6b7169203331"


async def test_the_route_prefix_comes_from_host_json(sample, running):
    sample.write(ROUTES, {"extensions": {"http": {"routePrefix": ""}}})
    async with running() as (_, caller):
        assert await _text(caller, "/open", key=False) == (200, "open")
        assert (await _text(caller, "/api/open", key=False))[0] == 404


async def _sent(host, *lines, body=b""):
    """Send these lines and this body as a request with the function key; return the status of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(host.base_url.rpartition(":")[2]))
    known = {name.partition(b":")[0].lower() for name in lines[1:]}
    usual = {b"host": b"x", b"x-functions-key": host.function_key.encode(), b"connection": b"close"}
    lines += tuple(name + b": " + value for name, value in usual.items() if name not in known)
    writer.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1])


async def test_a_key_that_is_no_text_opens_nothing(sample, running, caplog):
    sample.write(ROUTES)
    async with running() as (host, _):
        assert await _sent(host, b"GET /api/secret HTTP/1.1") == 200
        assert await _sent(host, b"GET /api/secret HTTP/1.1", b"x-functions-key: \xff") == 401
        assert await _sent(host, b"GET /api/secret?code=%FF HTTP/1.1", b"x-functions-key:") == 401
        links = b"GET /runtime/webhooks/durabletask/instances?code=%ED%A0%80 HTTP/1.1"
        assert await _sent(host, links) == 401
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ((b"GET /api/open HTTP/1.1", b"X-Long: " + b"a" * 9000), "LineTooLong"),
        ((b"POST /api/open HTTP/1.1", b"Content-Length: x"), "BadHttpMessage"),
        ((b"GET /api/secret?code=KEY&x=\xff HTTP/1.1",), "InvalidURLError"),
        (
            (b"GET /api/secret HTTP/1.1", b"Content-Encoding: gzip", b"Content-Length: 20"),
            "RequestPayloadError",
        ),
    ],
)
async def test_what_is_no_http_is_logged_in_a_line_that_repeats_nothing(sample, running, caplog, lines, kind):
    sample.write(ROUTES)
    async with running() as (host, caller):
        assert await _sent(host, *lines, body=b"no gzip, but 20 long") == 400
        assert await _text(caller, "/api/secret") == (200, "secret")
    (told,) = [record for record in caplog.records if record.name.startswith("localhost.web")]
    assert (told.levelname, told.getMessage()) == ("WARNING", f"could not read a request: {kind}")
    assert told.exc_info is None


async def test_a_host_that_is_none_is_the_callers_fault(sample, running, caplog):
    sample.write(ROUTES)
    async with running() as (host, _):
        assert await _sent(host, b"GET /api/secret HTTP/1.1", b"Host: x:y") == 400
    assert "Traceback" not in caplog.text
