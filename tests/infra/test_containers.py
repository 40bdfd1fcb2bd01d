"""Dockerfile and compose file: form, schema, and what they promise, each check seen to fail."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import pytest
import yaml
from jsonschema import Draft202012Validator


@pytest.fixture(scope="session")
def compose(root):
    return yaml.safe_load((root / "docker-compose.yml").read_text(encoding="utf-8"))


def compose_problems(reference, document):
    schema = json.loads(reference("schemas/compose-spec.json").read_text(encoding="utf-8"))
    return [error.message for error in Draft202012Validator(schema).iter_errors(document)]


def test_the_dockerfile_passes_hadolint(tool, run):
    result = run(tool("hadolint"), "Dockerfile")
    assert result.returncode == 0, result.stdout


def test_a_careless_dockerfile_is_seen(tool, run, a_copy, plant):
    file = a_copy("Dockerfile")
    plant(file, "WORKDIR /source\nCOPY requirements.txt", "RUN cd /source\nCOPY requirements.txt")
    assert "DL3003" in run(tool("hadolint"), file).stdout


def test_the_image_runs_as_nobody_of_importance(root):
    stages = re.split(r"(?m)^FROM ", (root / "Dockerfile").read_text(encoding="utf-8"))[2:]
    served = {stage.split(" AS ")[1].split()[0]: stage for stage in stages}
    for name in ("test", "venues", "app"):
        assert re.findall(r"(?m)^USER (\S+)", served[name])[-1] == "10001", name
    assert "HEALTHCHECK" in served["app"]


def test_the_image_holds_no_tests_and_no_tools(root):
    text = (root / "Dockerfile").read_text(encoding="utf-8")
    build = text[text.index(" AS build") : text.index(" AS test")]
    copied = set(re.findall(r"(?m)^COPY (.*) \S+$", build))
    assert copied == {"requirements.lock", "infra/package", "function_app.py host.json", "shared"}


def test_everything_the_dockerfile_copies_reaches_the_builder(root):
    text = (root / "Dockerfile").read_text(encoding="utf-8")
    let_in = set(re.findall(r"(?m)^!(\S+)$", (root / ".dockerignore").read_text(encoding="utf-8")))
    for line in re.findall(r"(?m)^COPY (?!--from)(?:--\S+ )?(.*) \S+$", text):
        for source in line.split():
            assert source == "." or source.split("/")[0] in let_in, source


def test_compose_fits_its_schema(reference, compose):
    assert compose_problems(reference, compose) == []


def test_a_misspelt_compose_key_is_seen(reference, compose):
    services = compose["services"] | {"grafana": compose["services"]["grafana"] | {"depend_on": []}}
    assert compose_problems(reference, compose | {"services": services})


def test_ports_are_open_on_loopback_only(compose):
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_password_has_a_default(root, compose):
    assert not re.search(r"\$\{\w*(?:PASSWORD|KEY)\w*:-[^}]", (root / "docker-compose.yml").read_text())
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|KEY", key):
                assert re.fullmatch(r"\$\{\w+:(\?[^}]*|-)\}", value), f"{name}: {key}"


def test_every_service_is_watched_or_waits_for_one_that_is(compose, root):
    text = (root / "Dockerfile").read_text(encoding="utf-8")
    for name, service in compose["services"].items():
        target = service.get("build", {}).get("target")
        built_in = bool(target) and "HEALTHCHECK" in text.split(f" AS {target}\n")[1].split("\nFROM ")[0]
        watched = "healthcheck" in service or built_in
        assert watched or name in {"collector", "migrate"}, name


def test_every_file_that_compose_mounts_is_there(compose, root):
    mounts = [mount for service in compose["services"].values() for mount in service.get("volumes", [])]
    for mount in mounts:
        source = mount.split(":")[0]
        if source.startswith("./"):
            assert (root / source).exists(), source
        else:
            assert source in compose["volumes"], source


def test_the_collector_hands_on_what_it_receives(root):
    config = yaml.safe_load((root / "infra/otel/collector.yaml").read_text(encoding="utf-8"))
    for name, pipeline in config["service"]["pipelines"].items():
        for part in ("receivers", "processors", "exporters"):
            assert set(pipeline[part]) <= config[part].keys(), name
    assert set(config["service"]["extensions"]) == config["extensions"].keys()
    used = {one for pipeline in config["service"]["pipelines"].values() for one in pipeline["exporters"]}
    assert used == config["exporters"].keys()


LACKING = {
    "az",
    "chromium",
    "curl",
    "docker",
    "git",
    "jq",
    "kubectl",
    "make",
    "node",
    "openssl",
    "promtool",
    "terraform",
}
"""Programs that tests use where they are, and that the image need not have."""


def let_into_the_image(root, path):
    """Whether .dockerignore lets a file into the builder: the last rule that fits it or a folder above it counts."""
    folders = [path, *PurePosixPath(path).parents]
    decision = True
    for line in (root / ".dockerignore").read_text(encoding="utf-8").splitlines():
        rule = line.removeprefix("!").removeprefix("**/")
        anywhere = "**/" in line
        fits = any(
            fnmatchcase(folder.name if anywhere else str(folder), rule)
            for folder in map(PurePosixPath, folders[:-1])
        )
        if rule and not line.startswith("#") and fits:
            decision = line.startswith("!")
    return decision


@pytest.fixture(scope="module")
def tracked(root):
    """The files of the repository, but what only the machine that builds it runs."""
    if shutil.which("git") is None or not (root / ".git").exists():
        pytest.skip("git or its history is absent")
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [path for path in listed if not path.startswith(".ci/") and (root / path).is_file()]


def test_every_file_that_tests_may_read_reaches_the_test_image(root, tracked):
    assert len(tracked) > 200
    assert [path for path in tracked if not let_into_the_image(root, path)] == []


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "infra/terraform/terraform.tfstate",
        "infra/terraform/plan.bin",
        ".git/config",
        "local.settings.json",
    ],
)
def test_nothing_secret_reaches_an_image(root, path):
    assert not let_into_the_image(root, path)


def test_documents_and_infrastructure_pass_in_what_the_test_image_holds(root, tracked, tmp_path):
    """What the image lacks is skipped by name there, and nothing fails for lack of a file."""
    copy = tmp_path / "source"
    for path in filter(lambda path: let_into_the_image(root, path), tracked):
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / path, copy / path)
    tools = tmp_path / "bin"
    tools.mkdir()
    for program in Path("/usr/bin").iterdir():
        if program.name not in LACKING:
            (tools / program.name).symlink_to(program)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/docs", "tests/infra"],
        cwd=copy,
        env={"PATH": str(tools), "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert re.search(r"\d+ passed", ran.stdout)


def test_the_host_answers_as_whoever_called_and_tells_the_collector_in_its_own_words(root):
    app = (root / "Dockerfile").read_text(encoding="utf-8").split(" AS app\n")[1]
    settings = dict(re.findall(r"(\w+)=(\S+)", re.search(r"(?s)ENV (.*?[^\\])\n(?!    )", app)[1]))
    assert settings["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] == "true"
    assert settings["OTEL_EXPORTER_OTLP_PROTOCOL"] == "http/protobuf"
    receivers = yaml.safe_load((root / "infra/otel/collector.yaml").read_text(encoding="utf-8"))["receivers"]
    told = (root / "docker-compose.yml").read_text(encoding="utf-8")
    assert f"http://{receivers['otlp']['protocols']['http']['endpoint']}" in told


def test_grafana_gets_every_variable_that_its_data_sources_name(root, compose):
    text = (root / "infra/grafana/provisioning/datasources/arbitrage.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"(?m)^ +\w+: \$(\w+)$", text))
    given = compose["services"]["grafana"]["environment"]
    assert "SQL_ENCRYPT" in named
    assert named <= given.keys()
    assert given["SQL_ENCRYPT"] == "false", "the certificate of compose's SQL Server cannot be checked"


def test_the_document_names_the_compose_that_the_file_needs(root, compose):
    assert any("content" in config for config in compose["configs"].values())
    assert "Compose 2.23.1 or newer" in (root / "docs/deploy.md").read_text(encoding="utf-8")


def test_no_command_of_the_document_works_on_the_state_of_another_environment(root):
    text = (root / "docs/deploy.md").read_text(encoding="utf-8")
    state, seen = None, set()
    for line in re.findall(r"(?m)^ *(terraform (?:init|plan|apply|destroy) .*)$", text):
        named = re.search(r"-var environment=(\w+)", line) or re.search(r"-var-file=env/(\w+)\.tfvars", line)
        if line.startswith("terraform init"):
            opened = re.search(r"-backend-config=key=(\w+)\.tfstate", line)
            state = (opened or re.search(r"env/(\w+)\.backend\.hcl", line))[1]
        elif named:
            assert named[1] == state, line
            seen.add(state)
    assert {"dev", "prod", "aca", "aks"} <= seen
