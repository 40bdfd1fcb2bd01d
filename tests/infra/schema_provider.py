"""A Terraform provider that only knows azurerm's schema: `validate` and mocked `test` run offline with it.

It speaks plugin protocol 5 (HashiCorp's tfplugin5.proto over go-plugin) with hand-encoded messages: it hands
out the schema, holds resources to the rules beside it, and answers nothing else. Terraform runs it, with
AZURERM_SCHEMA naming the schema file.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent import futures
from pathlib import Path
from typing import Any

import azurerm_rules
import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NESTING = {"single": 1, "list": 2, "set": 3, "map": 4, "group": 5}
COOKIE = ("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2")


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes | str) -> bytes:
    """One protobuf field; zero, false and empty are left out, as proto3 does."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value if value else b""
    return varint(number << 3) + varint(int(value)) if value else b""


def attribute(name: str, given: dict[str, Any]) -> bytes:
    flags = b"".join(
        field(number, bool(given.get(flag)))
        for number, flag in ((4, "required"), (5, "optional"), (6, "computed"), (7, "sensitive"))
    )
    write_only = field(10, given.get("write_only", name.endswith("_wo")))
    return field(1, name) + field(2, json.dumps(given["type"])) + flags + write_only


def block(given: dict[str, Any]) -> bytes:
    attributes = b"".join(
        field(2, attribute(name, value)) for name, value in sorted(given["attributes"].items())
    )
    nested = b"".join(
        field(3, nested_block(name, value)) for name, value in sorted(given["block_types"].items())
    )
    return attributes + nested


def nested_block(name: str, given: dict[str, Any]) -> bytes:
    limits = field(4, given.get("min_items", 0)) + field(5, given.get("max_items", 0))
    inner = block(given["block"])
    # An empty block is a message of no bytes, which has to be present all the same.
    present = varint(2 << 3 | 2) + varint(len(inner)) + inner
    return field(1, name) + present + field(3, NESTING[given["nesting_mode"]]) + limits


def read_field(message: bytes, number: int) -> bytes:
    """The bytes of a field, which is not repeated; empty where it is left out."""
    at, found = 0, b""
    while at < len(message):
        tag, at = read_varint(message, at)
        value, at = read_varint(message, at)
        if tag & 7 == 2:  # bytes; what else these messages hold are varints
            if tag >> 3 == number:
                found = message[at : at + value]
            at += value
    return found


def read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (message[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if message[at - 1] < 128:
            return value, at


def validation(request: bytes) -> bytes:
    """The errors of a resource, one diagnostic each."""
    config = azurerm_rules.unpack(read_field(read_field(request, 2), 1))
    said = azurerm_rules.broken(read_field(request, 1).decode(), config)
    return b"".join(field(1, field(1, 1) + field(2, one)) for one in said)


def schema_response(document: dict[str, Any]) -> bytes:
    def schema(given: dict[str, Any]) -> bytes:
        return field(2, block(given))

    out = field(1, schema(document["provider_block"]))
    for number, kind in ((2, "resource_schemas"), (3, "data_source_schemas")):
        for name, given in sorted(document[kind].items()):
            out += field(number, field(1, name) + field(2, schema(given)))
    return out


class Service(grpc.GenericRpcHandler):
    """Answers by method; the valid config of a request is, field by field, the answer to it."""

    def __init__(self, schema: bytes, stop: threading.Event) -> None:
        self.stop = stop
        self.answers: dict[str, Callable[[bytes], bytes]] = {
            "/tfplugin5.Provider/GetSchema": lambda _: schema,
            "/tfplugin5.Provider/PrepareProviderConfig": lambda config: config,
            "/tfplugin5.Provider/ValidateResourceTypeConfig": validation,
            "/tfplugin5.Provider/ValidateDataSourceConfig": lambda _: b"",
            "/tfplugin5.Provider/Stop": lambda _: b"",
            "/plugin.GRPCController/Shutdown": self.shut_down,
        }

    def shut_down(self, _: bytes) -> bytes:
        self.stop.set()
        return b""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        answer = self.answers.get(details.method)
        return answer and grpc.unary_unary_rpc_method_handler(lambda request, _: answer(request))


def certificate() -> tuple[bytes, bytes, bytes]:
    """Key and certificate (PEM) of this process, and the certificate (DER) as the handshake hands it over."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (
        pem_key,
        made.public_bytes(serialization.Encoding.PEM),
        made.public_bytes(serialization.Encoding.DER),
    )


def main() -> int:
    if os.environ.get(COOKIE[0]) != COOKIE[1]:
        sys.stderr.write("This is a Terraform provider: Terraform runs it.\n")
        return 2
    document = json.loads(Path(os.environ["AZURERM_SCHEMA"]).read_text(encoding="utf-8"))
    stop = threading.Event()
    key, pem, der = certificate()
    with tempfile.TemporaryDirectory() as folder:
        address = f"{folder}/provider.sock"
        server = grpc.server(
            futures.ThreadPoolExecutor(4), handlers=[Service(schema_response(document), stop)]
        )
        server.add_secure_port(f"unix:{address}", grpc.ssl_server_credentials([(key, pem)]))
        server.start()
        shown = base64.b64encode(der).decode().rstrip("=")
        sys.stdout.write(f"1|5|unix|{address}|grpc|{shown}\n")
        sys.stdout.flush()
        stop.wait()
        server.stop(1).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
