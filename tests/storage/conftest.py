"""Stores for the contract suites: embedded ones, and Azure's SDKs against Azurite where it is installed."""

import os
import shutil
import socket
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from shared.adapters.azure_storage import BlobLake, TableState
from shared.adapters.embedded import FileLake, SqliteState

ROOT = Path(__file__).parents[2]
ACCOUNT = "devstoreaccount1"
# Azurite's published development key: it opens nothing but the emulator.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
READY_SECONDS = 30


def azurite_command():
    found = os.environ.get("AZURITE") or shutil.which("azurite")
    local = ROOT / "node_modules" / ".bin" / "azurite"
    return found or (str(local) if local.exists() else None)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def azurite():
    """Connection string of a running Azurite."""
    command = azurite_command()
    if command is None:
        pytest.skip("Azurite is not installed: npm install --no-save azurite@3.37.0, or set AZURITE")
    ports = {service: free_port() for service in ("blob", "queue", "table")}
    arguments = [f"--{service}Port={port}" for service, port in ports.items()]
    hosts = [f"--{service}Host=127.0.0.1" for service in ports]
    flags = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    process = subprocess.Popen(  # noqa: S603 - the emulator under test
        [command, *flags, *arguments, *hosts],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not all(answers(port) for port in ports.values()):
            assert process.poll() is None, "Azurite ended"
            assert time.monotonic() < deadline, "Azurite does not answer"
            time.sleep(0.05)
        endpoints = ";".join(
            f"{service.title()}Endpoint=http://127.0.0.1:{port}/{ACCOUNT}" for service, port in ports.items()
        )
        yield f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};{endpoints};"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(params=["files", "azurite"])
async def lake(request, tmp_path):
    if request.param == "files":
        yield FileLake(tmp_path / "lake")
        return
    store = BlobLake(
        connection_string=request.getfixturevalue("azurite"), container=f"lake-{uuid.uuid4().hex[:12]}"
    )
    yield store
    await store.close()


@pytest.fixture(params=["sqlite", "azurite"])
async def open_state(request, tmp_path):
    """Opens the same state again and again, as other instances would."""
    opened = []
    if request.param == "sqlite":

        def open_one():
            return SqliteState(tmp_path / "state.db")
    else:
        connection, table = request.getfixturevalue("azurite"), f"state{uuid.uuid4().hex[:12]}"

        def open_one():
            return TableState(connection_string=connection, table=table)

    def open_and_keep():
        opened.append(open_one())
        return opened[-1]

    yield open_and_keep
    for store in opened:
        await store.close()


@pytest.fixture
def state(open_state):
    return open_state()
