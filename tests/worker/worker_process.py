"""Runs one app in Microsoft's Python worker runtime and serves the host's requests, a line of JSON each.

A worker process holds one app, so a test starts this file once for each.
"""

import asyncio
import base64
import json
import os
import sys
from types import SimpleNamespace

from azure_functions_runtime import handle_event

from tests.worker.worker_messages import ParameterBinding, RpcHttp, StatusResult, TypedData, protos

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def typed(kind, value):
    """TypedData of a kind and its JSON form."""
    if kind == "http":
        body = value.pop("body")
        return TypedData(http=RpcHttp(**value, body=TypedData(bytes=base64.b64decode(body))))
    return TypedData(**{kind: value})


def plain(data):
    """The JSON form of TypedData, or None."""
    if data is None:
        return None
    if data.kind == "http":
        body = plain(data.http.body)
        return {
            "status": int(data.http.status_code),
            "headers": data.http.headers,
            "body": body and body["value"],
        }
    value = getattr(data, data.kind)
    return {"kind": data.kind, "value": value.decode() if isinstance(value, bytes) else value}


def told(result):
    """An outcome: None where all went well, else what was raised."""
    return None if result.status == StatusResult.Success else result.exception.message


async def start(directory):
    """Index the app; its functions by name, or why it cannot be."""
    sys.path.insert(0, directory)
    request = SimpleNamespace(
        worker_init_request=SimpleNamespace(capabilities={}, function_app_directory=directory)
    )
    properties = {"host": "127.0.0.1", "protos": protos}
    answer = await handle_event.worker_init_request(SimpleNamespace(request=request, properties=properties))
    if answer.result.status != StatusResult.Success:
        return {}, told(answer.result)
    metadata = await handle_event.functions_metadata_request(None)
    return {each.name: each for each in metadata.function_metadata_results}, None


async def invoke(functions, asked):
    """Invoke a function with the host's bindings; what it returned, set and raised."""
    function_id = functions[asked["function"]].function_id
    load = SimpleNamespace(function_load_request=SimpleNamespace(function_id=function_id))
    await handle_event.function_load_request(SimpleNamespace(request=load))
    invocation = SimpleNamespace(
        invocation_id=asked["id"],
        function_id=function_id,
        input_data=[ParameterBinding(name, typed(*given)) for name, given in asked["inputs"].items()],
        trigger_metadata={name: typed(*given) for name, given in asked["metadata"].items()},
        trace_context=SimpleNamespace(trace_parent=TRACEPARENT, trace_state="", attributes={}),
        retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
    )
    request = SimpleNamespace(request=SimpleNamespace(invocation_request=invocation))
    answer = await handle_event.invocation_request(request)
    return {
        "error": told(answer.result),
        "returned": plain(getattr(answer, "return_value", None)),
        "outputs": {each.name: plain(each.data) for each in getattr(answer, "output_data", ())},
    }


async def serve(directory, answers):
    """Answer the host's requests until it hangs up."""

    def answer(value):
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    functions, error = await start(directory)
    answer(
        {
            "error": error,
            "functions": {
                name: [json.loads(raw) for raw in each.raw_bindings] for name, each in functions.items()
            },
        }
    )
    requests = asyncio.StreamReader(limit=2**26)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(requests), sys.stdin
    )
    while line := await requests.readline():
        answer(await invoke(functions, json.loads(line)))


if __name__ == "__main__":
    # What the app prints must not come between the answers.
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    asyncio.run(serve(sys.argv[1], channel))
