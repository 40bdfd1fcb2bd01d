"""The messages between the Functions host and its Python worker, as strict as their protobuf definitions.

The worker runtime takes its message types from whoever starts it. These stand in for the generated ones: the
kinds of TypedData and the fields of RpcHttp accept what their definitions accept and nothing else.
"""

from enum import IntEnum
from types import SimpleNamespace

DATA_KINDS = {"string": str, "json": str, "bytes": bytes, "int": int, "double": float}


class TypedData:
    """A value of exactly one kind."""

    def __init__(self, **kind):
        ((self.kind, value),) = kind.items()
        if self.kind == "http":
            if not isinstance(value, RpcHttp):
                raise TypeError(f"http takes an RpcHttp, got {value!r}")
        elif type(value) is not DATA_KINDS[self.kind]:
            raise TypeError(f"{self.kind} takes {DATA_KINDS[self.kind].__name__}, got {value!r}")
        setattr(self, self.kind, value)

    def WhichOneof(self, _group):  # noqa: N802 - protobuf's own name
        return self.kind


class RpcHttp:
    """A request or a response of an HTTP function."""

    def __init__(
        self,
        *,
        method="",
        url="",
        headers=None,
        body=None,
        params=None,
        query=None,
        status_code="",
        cookies=None,
        enable_content_negotiation=False,
    ):
        for name, value in {"method": method, "url": url, "status_code": status_code}.items():
            if not isinstance(value, str):
                raise TypeError(f"{name} takes text, got {value!r}")
        for table in (headers, params, query):
            for name, value in (table or {}).items():
                if not isinstance(name, str) or not isinstance(value, str):
                    raise TypeError(f"headers and parameters take text, got {name!r}: {value!r}")
        self.method, self.url, self.status_code = method, url, status_code
        self.headers, self.params, self.query = headers or {}, params or {}, query or {}
        self.body, self.cookies = body, cookies
        self.enable_content_negotiation = enable_content_negotiation


class ParameterBinding:
    """A named value that goes into or comes out of a function."""

    def __init__(self, name, data):
        if not isinstance(data, TypedData):
            raise TypeError(f"binding {name} takes TypedData, got {data!r}")
        self.name, self.data = name, data

    def WhichOneof(self, _group):  # noqa: N802 - protobuf's own name
        return "data"


class _Direction(IntEnum):
    IN = 0
    OUT = 1
    INOUT = 2


class _Plain(SimpleNamespace):
    """A message whose fields nobody checks: the worker only reports with it."""


class BindingInfo(_Plain):
    """A binding as the worker reports it while indexing."""

    undefined = 0
    out = _Direction.OUT
    inout = _Direction.INOUT


class StatusResult(_Plain):
    """How something went."""

    Failure = 0
    Success = 1


protos = SimpleNamespace(
    BindingInfo=BindingInfo,
    ParameterBinding=ParameterBinding,
    RpcHttp=RpcHttp,
    StatusResult=StatusResult,
    TypedData=TypedData,
    **dict.fromkeys(
        (
            "FunctionLoadResponse",
            "FunctionMetadataResponse",
            "InvocationResponse",
            "RpcException",
            "RpcFunctionMetadata",
            "WorkerInitResponse",
            "WorkerMetadata",
        ),
        _Plain,
    ),
)
