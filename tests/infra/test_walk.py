"""The documents from their first command to their last, as a reader types them, with recorders for the cloud."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.docs.documents import blocks
from tests.infra.recorders import put_recorders, recorded

ANSWERS = {
    "'az account show'*": "echo 00000000-0000-0000-0000-000000000001",
    "'az ad signed-in-user'*": "echo 00000000-0000-0000-0000-000000000002",
    "'az functionapp show'*'properties.defaultHostName || defaultHostName'*": "echo app.example",
    "'az containerapp show'*latestReadyRevisionName*": "echo false",
    "*' output -raw hosting'": "echo flex",
    "*' output -raw app_url'": "echo https://app.example",
    "*' output -raw '*": 'for last in "$@"; do :; done; echo "tf0$last" | tr -d _',
    "*' output -json '*": """echo '{"AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000003"}'""",
    "'az '*' --output tsv'": "echo a-value",
    "'curl '*durabletask*": "echo '[]'",
    "'curl '*ipify*": "echo 203.0.113.7",
    "'curl '*/api/scan": """echo '{"scan_id": "s", "venues": [], "opportunities": []}'""",
    "'docker save'*": "echo an image",
    "'docker load'*": "cat > /dev/null",
    "'docker inspect'*": "echo registry.azurecr.io/arbitrage@sha256:0",
    "'az storage blob download'*": """while [ "$1" != --file ]; do shift; done
    echo '{"masterKey": {"value": "m-key"}, "functionKeys": [{"name": "default", "value": "a-key"}]}' > "$2\"""",
    "'kubectl create secret'*": "echo 'kind: Secret'",
    "'kubectl apply -f -'*": "cat > /dev/null",
    "'make package'*": "mkdir -p dist; : > dist/package.zip",
}
"""What the recorders answer, by pattern of the call; the first that fits counts."""

WRONG_WORDS = 2
READ = "az login|The subscription of .* doesn't exist|DOCKER_COMMAND_ERROR"
"""How the Azure CLI ends when it could read a command: for lack of an account or of Docker, not for its words."""

TOLD = {"APP": "00000000-0000-0000-0000-000000000004"}
"""What the document tells its reader to look up in the portal."""

OTHER_HOSTS = """
infra/deploy/release.sh group app dist/package.zip consumption storage
infra/deploy/release_image.sh group app image.tar.gz arbitrage:1.0.1 container_apps registry.azurecr.io
infra/deploy/release_image.sh group app image.tar.gz arbitrage:1.0.1 container_instances registry.azurecr.io
infra/deploy/keep_release.sh storage dist/package.zip 1.0.1
infra/deploy/keep_image.sh registry.azurecr.io arbitrage:1.0.1
infra/deploy/roll_back.sh group app flex storage
infra/deploy/roll_back.sh group app consumption storage
infra/deploy/roll_back.sh group app container_apps storage registry.azurecr.io
infra/deploy/roll_back.sh group app container_instances storage registry.azurecr.io
PATH=$PWD/.venv/bin:$PATH infra/deploy/integration.sh group app https://app.example sql.example arbitrage id \\
  container_apps storage host
"""
"""The scripts as the pipeline calls them where the app is hosted otherwise."""

DAILY = ("operations", "security")
"""The documents whose commands are typed once the app runs."""


@pytest.fixture(scope="module")
def walk(root, tmp_path_factory):
    """The result of the walk through docs/deploy.md, every call that it made, as words, and where."""
    return walked(root, tmp_path_factory.mktemp("walk"), [*typed(root, "deploy"), OTHER_HOSTS])


@pytest.fixture(scope="module", params=DAILY)
def daily(request, root, tmp_path_factory):
    """The same of a document of daily work."""
    return walked(root, tmp_path_factory.mktemp(request.param), typed(root, request.param))


def typed(root, name):
    """The blocks of commands of a document."""
    return blocks(root / f"docs/{name}.md")


def walked(root, folder, commands):
    """A walk through blocks of commands: its result, every call that left the machine, and the repository's copy."""
    for name in ("bash", "jq", "openssl"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is absent")
    copy, calls, tools = folder / "repository", folder / "calls", folder / "bin"
    shutil.copytree(
        root / "infra", copy / "infra", ignore=shutil.ignore_patterns(".terraform", "__pycache__")
    )
    shutil.copytree(root / "tests/integration", copy / "tests/integration")
    for name in ("requirements.txt", "requirements-dev.txt"):
        shutil.copy(root / name, copy)
    names = ("az", "curl", "docker", "kubectl", "terraform", "make", "sleep")
    put_recorders([*(tools / name for name in names), copy / ".venv/bin/python"], ANSWERS.items())
    script = folder / "walk.sh"
    script.write_text("\n".join(["set -euo pipefail", *commands]))
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(folder), "CALLS": str(calls), **TOLD}
    result = subprocess.run(
        [shutil.which("bash"), str(script)],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return result, recorded(calls), copy


def test_a_reader_gets_from_the_first_command_to_the_last(walk):
    result, calls, _ = walk
    assert result.returncode == 0, result.stderr
    assert {"az", "curl", "docker", "kubectl", "terraform", "make", "python"} == {
        call[0] for call in calls if call[0] != "sleep"
    }


def test_no_value_that_a_command_takes_is_empty(walk):
    assert [call for call in walk[1] if "" in call] == []


def test_the_commands_of_daily_work_run_from_the_first_to_the_last(daily):
    result, calls, _ = daily
    assert result.returncode == 0, result.stderr
    assert {"az", "terraform"} <= {call[0] for call in calls}
    assert [call for call in calls if "" in call] == []


def distinct(calls):
    """One call of each kind: the command and its options, whatever their values."""
    kinds = {}
    for call in calls:
        kinds.setdefault(tuple(word for word in call if not re.search(r"[^\w-]|\d", word)), call)
    return list(kinds.values())


@pytest.fixture(scope="module")
def azure(tool, tmp_path_factory):
    """Hands words to the real Azure CLI, which is logged in nowhere: 2 when it cannot read them."""
    program = tool("az")
    settings = tmp_path_factory.mktemp("azure")
    environment = {"AZURE_CONFIG_DIR": str(settings), "AZURE_CORE_COLLECT_TELEMETRY": "no"}

    def read(call):
        return subprocess.run(
            [program, *call[1:]],
            env={**os.environ, **environment},
            cwd=settings,
            capture_output=True,
            text=True,
            check=False,
        )

    return read


def unread(azure, calls):
    """The calls of the Azure CLI that it could not read, with what it says."""
    asked = distinct(call for call in calls if call[0] == "az" and call[1] != "login")
    assert len(asked) > 5
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(azure, asked))
    return [
        f"{' '.join(call)}: {result.stderr}"
        for call, result in zip(asked, results, strict=True)
        if result.returncode == WRONG_WORDS or not re.search(READ, result.stderr)
    ]


def test_the_azure_cli_can_read_every_command_that_it_gets(walk, azure):
    assert unread(azure, walk[1]) == []


def test_the_azure_cli_can_read_every_command_of_daily_work(daily, azure):
    assert unread(azure, daily[1]) == []


def test_an_option_that_the_azure_cli_does_not_have_is_seen(azure):
    assert azure(("az", "group", "create", "--nam", "a", "--locaton", "b")).returncode == 2
