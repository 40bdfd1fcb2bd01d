"""The pipeline: its schema, and that everything it names is there."""

from __future__ import annotations

import os
import re
import shutil

import pytest
import yaml

MAIN = "azure-pipelines.yml"
TEMPLATES = "infra/pipelines"


@pytest.fixture(scope="session")
def check(reference, run, root):
    """Runs the language service of Azure Pipelines over files."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is absent: azure-pipelines-language-service needs it")
    modules = os.environ.get("NODE_PATH") or str(root / "tests/tools/node_modules")
    if not os.path.isdir(f"{modules}/azure-pipelines-language-service"):  # noqa: PTH112 - a string from the environment
        pytest.skip("azure-pipelines-language-service is absent: npm install --prefix tests/tools")
    checker = reference("tools/pipelines_check.js")
    return lambda *files: run(node, checker, *files, env={"NODE_PATH": modules})


def files(root):
    return [root / MAIN, *sorted((root / TEMPLATES).glob("*.yml"))]


def texts(root):
    return {path.name: path.read_text(encoding="utf-8") for path in files(root)}


def walk(node):
    """Every mapping of a document."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def test_pipelines_fit_their_schema(check, root):
    result = check(*files(root))
    assert result.returncode == 0, result.stdout


def test_a_misspelt_task_input_is_seen(check, a_copy, plant):
    file = a_copy(MAIN)
    plant(file, "testResultsFiles: results.xml", "testResultFiles: results.xml")
    assert "testResultFiles" in check(file).stdout


def test_templates_exist_and_get_the_parameters_they_take(root):
    for path in files(root):
        for node in walk(yaml.safe_load(path.read_text(encoding="utf-8"))):
            if "template" not in node:
                continue
            used = path.parent / node["template"]
            assert used.is_file(), f"{path.name}: {node['template']}"
            taken = {
                one["name"]: one
                for one in yaml.safe_load(used.read_text(encoding="utf-8")).get("parameters", [])
            }
            given = node.get("parameters", {}).keys()
            assert given <= taken.keys(), f"{path.name}: {node['template']}"
            assert {name for name, one in taken.items() if "default" not in one} <= given


def test_stages_wait_for_stages_that_exist(root):
    environment = texts(root)["environment.yml"]
    stages = {"Build", "Package"} | {
        name.replace("${{ parameters.environment }}", where)
        for name in re.findall(r"(?m)- stage: (.*)$", environment)
        for where in ("dev", "prod")
    }
    waited = set(re.findall(r"(?m)^\s+(?:dependsOn|after): ([\w.${} ]+?)$", "\n".join(texts(root).values())))
    named = {name for name in waited if "parameters" not in name}
    assert named - {"Integration"} <= stages


def test_outputs_that_are_read_are_put_out(root):
    outputs = set(re.findall(r'(?m)^output "(\w+)"', (root / "infra/terraform/outputs.tf").read_text()))
    read = {name for text in texts(root).values() for name in re.findall(r"\btf\.(\w+)", text)}
    assert read <= outputs


def test_scripts_are_there_and_get_as_many_arguments_as_they_take(root):
    named = texts(root)["environment.yml"] + texts(root)["roll_back.yml"]
    calls = re.findall(r"(infra/deploy/\w+\.sh)((?: \"[^\"]*\"| [\w./-]+)*)", named)
    assert len(calls) >= 7
    for script, arguments in calls:
        path = root / script
        assert os.access(path, os.X_OK), script
        usage = re.search(rf"{script} ([A-Z][A-Z_:.a-z ]*)(?:\[(.*)\])?", path.read_text(encoding="utf-8"))
        least, most = len(usage[1].split()), len(usage[1].split()) + len((usage[2] or "").split())
        assert least <= len(re.findall(r'"[^"]*"|\S+', arguments)) <= most, script


@pytest.fixture(scope="session")
def stages(root):
    """The stages of one environment, by the end of their names."""
    document = yaml.safe_load(texts(root)["environment.yml"])
    return {stage["stage"].rpartition("_")[2]: stage for stage in document["stages"]}


def templates(steps):
    return [step["template"] for step in steps if "template" in step]


def test_a_deploy_that_fails_rolls_back(stages):
    strategy = stages["Deploy"]["jobs"][0]["strategy"]["runOnce"]
    hook = strategy.get("on") or strategy[True]  # YAML 1.1 reads the word as a truth value
    assert templates(hook["failure"]["steps"]) == ["roll_back.yml"]


def test_a_release_that_was_not_verified_rolls_back_and_nothing_else_does(stages):
    jobs = {job["job"]: job for job in stages["Verify"]["jobs"]}
    assert templates(jobs["RollBack"]["steps"]) == ["roll_back.yml"]
    assert jobs["RollBack"]["dependsOn"] == "Integration"
    assert jobs["RollBack"]["condition"] == "in(dependencies.Integration.result, 'Failed', 'Canceled')"


def test_keeping_a_release_can_fail_without_rolling_it_back(stages):
    jobs = {job["job"]: job for job in stages["Verify"]["jobs"]}
    kept = {name for name, job in jobs.items() if "infra/deploy/keep_" in str(job)}
    assert kept == {"Keep"}
    assert jobs["Keep"]["dependsOn"] == "Integration"
    assert "condition" not in jobs["Keep"]


def test_every_hosting_that_is_deployed_to_is_rolled_back(root):
    deployed = {"flex", "consumption", "container_apps", "container_instances"}
    condition = re.search(r"condition: (.*)", texts(root)["roll_back.yml"])[1]
    assert set(re.findall(r"'(\w+)'", condition)) == deployed
    script = (root / "infra/deploy/roll_back.sh").read_text(encoding="utf-8")
    assert set(re.findall(r"\w+", " ".join(re.findall(r"(?m)^  ([a-z_ |]+)\)$", script)))) == deployed


def test_a_login_outlasts_the_token_it_was_made_with(root):
    task = yaml.safe_load(texts(root)["azure.yml"])["steps"][0]
    assert task["inputs"]["keepAzSessionActive"] is True


def test_nothing_secret_is_stored(root):
    for name, text in texts(root).items():
        assert not re.search(r"(?i)password|clientsecret|connectionstring|\bgroup:", text), name


def test_production_waits_for_development_and_a_person(root):
    text = texts(root)[MAIN]
    assert "after: dev_Verify" in text
    assert (
        "environment: arbitrage-${{ parameters.environment }}-infrastructure"
        in texts(root)["environment.yml"]
    )


def test_every_python_that_the_product_supports_is_tested(root):
    versions = set(re.findall(r'python: "(3\.\d+)"', texts(root)[MAIN]))
    variables = (root / "infra/terraform/variables.tf").read_text(encoding="utf-8")
    allowed = re.search(r"condition\s+= contains\(\[([^]]*)\], var.python_version\)", variables)
    assert versions == set(re.findall(r"3\.\d+", allowed[1]))
