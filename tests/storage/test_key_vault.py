"""The real SecretClient against a local HTTPS server that speaks Key Vault's protocol."""

import ipaddress
import logging
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import pytest
from azure.core.credentials import AccessToken
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.adapters.key_vault import KeyVaultSecrets
from shared.errors import MissingSecret

VALUE = "the-value-that-no-log-may-hold"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "cert.pem"
    path.write_bytes(
        built.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


class Vault(BaseHTTPRequestHandler):
    """Answers 401 with a challenge until a token comes, then from the server's `secrets`."""

    def do_GET(self):
        if "Authorization" not in self.headers:
            challenge = (
                'Bearer authorization="https://login.example/tenant", resource="https://vault.azure.net"'
            )
            self.answer(401, {}, challenge)
            return
        name = self.path.split("?")[0].strip("/").split("/")[1]
        self.server.asked.append(name)
        status = self.server.failure
        found = self.server.secrets.get(name)
        if status:
            self.answer(status, {"error": {"code": "Forbidden", "message": f"no {VALUE} for you"}})
        elif found is None:
            self.answer(404, {"error": {"code": "SecretNotFound", "message": f"{name} was not found"}})
        else:
            where = f"https://127.0.0.1:{self.server.server_port}/secrets/{name}/1"
            self.answer(200, {"id": where, "value": found, "attributes": {"enabled": True}})

    def answer(self, status, body, challenge=None):
        data = orjson.dumps(body)
        self.send_response(status)
        if challenge:
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def vault(certificate):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vault)
    server.secrets = {"binance-api-key": VALUE, "bybit-api-key": "unset", "kraken-api-key": ""}
    server.asked, server.failure = [], None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Token:
    """A credential that always has a token."""

    def get_token(self, *_scopes, **_options):
        return AccessToken("a-token", 2**31)


@pytest.fixture
async def open_secrets(vault, certificate):
    opened = []

    def open_them(lifetime_s):
        opened.append(
            KeyVaultSecrets(
                f"https://127.0.0.1:{vault.server_port}",
                lifetime_s=lifetime_s,
                credential=Token(),
                connection_verify=str(certificate),
                verify_challenge_resource=False,
                retry_total=0,
            )
        )
        return opened[-1]

    yield open_them
    for each in opened:
        await each.close()


async def test_a_secret_is_read_once_in_its_lifetime(vault, open_secrets):
    secrets = open_secrets(600)
    assert [await secrets.get("binance-api-key") for _ in range(3)] == [VALUE] * 3
    assert vault.asked == ["binance-api-key"]


async def test_a_rotated_secret_is_seen_after_its_lifetime(vault, open_secrets):
    secrets = open_secrets(0)
    assert await secrets.get("binance-api-key") == VALUE
    vault.secrets["binance-api-key"] = "rotated"
    assert await secrets.get("binance-api-key") == "rotated"


async def test_a_secret_that_nobody_set_is_none(vault, open_secrets):
    secrets = open_secrets(600)
    for name in ("gateio-api-key", "bybit-api-key", "kraken-api-key"):
        assert await secrets.get(name) is None
        assert await secrets.get(name) is None
    assert vault.asked == ["gateio-api-key", "bybit-api-key", "kraken-api-key"]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_secret_that_may_not_be_read_is_reported_by_name_and_never_by_value(
    vault, open_secrets, status
):
    secrets = open_secrets(0)
    await secrets.get("binance-api-key")
    vault.failure = status
    with pytest.raises(
        MissingSecret, match=r"secret binance-api-key: may not be read .* Key Vault Secrets User"
    ) as error:
        await secrets.get("binance-api-key")
    assert VALUE not in str(error.value)
    vault.failure = None
    assert await secrets.get("binance-api-key") == VALUE


async def test_the_last_value_stays_in_use_while_the_vault_is_down(vault, open_secrets):
    secrets = open_secrets(0)
    assert await secrets.get("binance-api-key") == VALUE
    vault.failure = 503
    assert await secrets.get("binance-api-key") == VALUE
    with pytest.raises(MissingSecret, match=r"secret gateio-api-key: .* cannot be reached"):
        await secrets.get("gateio-api-key")


async def test_no_value_reaches_a_log(vault, open_secrets, caplog):
    caplog.set_level(logging.DEBUG)
    secrets = open_secrets(0)
    assert await secrets.get("binance-api-key") == VALUE
    vault.failure = 403
    with pytest.raises(MissingSecret):
        await secrets.get("binance-api-key")
    assert caplog.records
    assert VALUE not in caplog.text
    assert VALUE not in repr(vars(secrets))
