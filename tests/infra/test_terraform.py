"""Terraform: form, provider schema, references, mocked plans and policy, each check seen to fail."""

from __future__ import annotations

import json
import platform
import re
from pathlib import Path

import pytest

FOLDER = "infra/terraform"
ALARMS = "infra/kusto/alarms"
UNSET = {"TF_CLI_CONFIG_FILE": ""}
SCHEMA = "schemas/azurerm-5.2.0.json"


@pytest.fixture(scope="session")
def terraform(tool, reference, run, tmp_path_factory):
    """Runs Terraform; in azurerm's place stands a provider that knows its schema and nothing else."""
    binary, python, schema = tool("terraform"), tool("python"), reference(SCHEMA)
    if run(python, "-c", "import cryptography, grpc").returncode:
        pytest.skip("grpcio and cryptography are missing: see requirements-infra.txt")
    home = tmp_path_factory.mktemp("terraform")
    system = "linux_arm64" if platform.machine() in {"arm64", "aarch64"} else "linux_amd64"
    mirror = home / "mirror"
    version = mirror / "registry.terraform.io/hashicorp/azurerm/5.2.0"
    provider = version / system / "terraform-provider-azurerm_v5.2.0"
    provider.parent.mkdir(parents=True)
    provider.write_text(f'#!/bin/sh\nexec "{python}" "{Path(__file__).with_name("schema_provider.py")}"\n')
    provider.chmod(0o755)
    settings = home / "terraform.rc"
    settings.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{mirror}" }}\n}}\n')
    env = {
        "TF_CLI_CONFIG_FILE": str(settings),
        "TF_DATA_DIR": str(home / "data"),
        "AZURERM_SCHEMA": str(schema),
        "CHECKPOINT_DISABLE": "1",
    }

    def command(folder, *arguments):
        made = run(binary, "init", "-backend=false", "-input=false", "-no-color", cwd=folder, env=env)
        assert made.returncode == 0, made.stdout + made.stderr
        return run(binary, *arguments, cwd=folder, env=env)

    return command


@pytest.fixture
def folder(a_copy):
    """A copy of the configuration with the queries that it reads."""
    a_copy(ALARMS)
    return a_copy(FOLDER)


def test_files_are_in_terraforms_own_form(tool, run):
    result = run(tool("terraform"), "fmt", "-check", "-recursive", "-diff", FOLDER, env=UNSET)
    assert result.returncode == 0, result.stdout


def test_an_untidy_file_is_seen(tool, run, folder, plant):
    plant(folder / "main.tf", "  name     = ", "  name = ")
    result = run(tool("terraform"), "fmt", "-check", "-recursive", folder, env=UNSET)
    assert "main.tf" in result.stdout


def test_every_resource_fits_the_schema_of_the_provider(tool, reference, run):
    result = run(tool("python"), reference("tools/tf_schema_check.py"), reference(SCHEMA), FOLDER)
    assert result.returncode == 0, result.stdout


def test_a_misspelt_argument_is_seen(tool, reference, run, folder, plant):
    plant(folder / "storage.tf", "shared_access_key_enabled", "shared_access_keys_enabled")
    result = run(tool("python"), reference("tools/tf_schema_check.py"), reference(SCHEMA), folder)
    assert result.returncode == 1
    assert "did you mean 'shared_access_key_enabled'" in result.stdout


def test_references_and_types_are_valid(terraform, folder):
    result = terraform(folder, "validate", "-no-color")
    assert result.returncode == 0, result.stderr


def test_a_reference_to_nothing_is_seen(terraform, folder, plant):
    plant(folder / "outputs.tf", "azurerm_key_vault.main.name", "azurerm_key_vault.main.named")
    result = terraform(folder, "validate", "-no-color")
    assert result.returncode == 1
    assert 'no argument, nested block, or exported attribute named "named"' in " ".join(result.stderr.split())


HEALTH = "    http2_enabled                          = true\n    minimum_tls_version"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "function_app.tf",
            HEALTH,
            '    health_check_path = "/api/health"\n' + HEALTH,
            "site_config.health_check_path needs site_config.health_check_eviction_time_in_min",
        ),
        ("key_vault.tf", "  value_wo_version = 1\n", "", "value_wo needs value_wo_version"),
        ("containers.tf", '"Http"', '"http"', "http_get.scheme cannot be 'http'"),
        (
            "containers.tf",
            "dns_name_label      = var.private_networking ? null : ",
            "dns_name_label      = ",
            "subnet_ids and dns_name_label exclude each other",
        ),
        ("alerts.tf", 'every = "PT5M"', 'every = "PT7M"', "evaluation_frequency cannot be 'PT7M'"),
        (
            "storage.tf",
            'name                     = "st',
            'name                     = "storage',
            "form [a-z0-9]",
        ),
    ],
)
def test_what_only_the_providers_source_asks_for_is_seen(terraform, folder, plant, file, old, new, said):
    plant(folder / file, old, new)
    runs = ["-filter=tests/defaults.tftest.hcl", "-filter=tests/hosting.tftest.hcl"]
    result = terraform(folder, "test", "-no-color", *runs)
    assert result.returncode == 1
    assert said in " ".join((result.stdout + result.stderr).replace("│", " ").split())


NAMESPACES = {
    "application_insights": "microsoft.insights",
    "cognitive": "Microsoft.CognitiveServices",
    "consumption": "Microsoft.Consumption",
    "container_app": "Microsoft.App",
    "container_group": "Microsoft.ContainerInstance",
    "container_registry": "Microsoft.ContainerRegistry",
    "dashboard": "Microsoft.Dashboard",
    "federated_identity_credential": "Microsoft.ManagedIdentity",
    "function_app": "Microsoft.Web",
    "key_vault": "Microsoft.KeyVault",
    "linux_function_app": "Microsoft.Web",
    "log_analytics": "Microsoft.OperationalInsights",
    "monitor": "microsoft.insights",
    "mssql": "Microsoft.Sql",
    "network": "Microsoft.Network",
    "private": "Microsoft.Network",
    "service_plan": "Microsoft.Web",
    "storage": "Microsoft.Storage",
    "subnet": "Microsoft.Network",
    "user_assigned_identity": "Microsoft.ManagedIdentity",
    "virtual_network": "Microsoft.Network",
}
"""The resource provider of Azure behind each kind of resource, as Azure spells it: the letters count."""

ALWAYS_THERE = ("management_lock", "resource_group", "role_assignment")
"""What Azure Resource Manager does itself, in every subscription."""


def test_every_resource_provider_that_is_used_is_registered(root):
    text = "\n".join(path.read_text() for path in (root / FOLDER).glob("*.tf"))
    kinds = set(re.findall(r'(?m)^resource "azurerm_(\w+)"', text))
    used = {
        next(namespace for start, namespace in NAMESPACES.items() if kind.startswith(start))
        for kind in kinds
        if kind not in ALWAYS_THERE
    }
    listed = re.search(r"(?s)resource_providers_to_register = \[(.*?)\]", text)[1]
    # The rule that Application Insights makes for itself is the last one's.
    assert set(re.findall(r'"([\w.]+)"', listed)) == used | {"Microsoft.AlertsManagement"}


def test_mocked_plans_hold_what_is_promised(terraform, folder):
    result = terraform(folder, "test", "-no-color")
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"Success! \d+ passed, 0 failed\.", result.stdout)


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_environment_files_can_be_planned(terraform, folder, environment):
    (folder / "tests/environment.tftest.hcl").write_text(
        'mock_provider "azurerm" {\n  source = "./tests/mocks"\n}\n'
        'variables {\n  subscription_id = "00000000-0000-0000-0000-000000000000"\n}\n'
        'run "plan" {\n  command = plan\n}\n'
    )
    result = terraform(
        folder,
        "test",
        "-no-color",
        "-filter=tests/environment.tftest.hcl",
        f"-var-file=env/{environment}.tfvars",
    )
    assert result.returncode == 0, result.stdout
    assert "Warning" not in result.stdout + result.stderr, "a variable of the file is unknown"


def test_a_broken_promise_is_seen(terraform, folder, plant):
    plant(folder / "sql.tf", "azuread_authentication_only = true", "azuread_authentication_only = false")
    result = terraform(folder, "test", "-no-color", "-filter=tests/defaults.tftest.hcl")
    assert result.returncode == 1
    assert "The database knows Entra logins only." in result.stderr


def findings(run, tool, folder):
    """Checkov's failed and skipped checks, each as (check, resource)."""
    result = run(
        tool("checkov"), "-d", folder, "--framework", "terraform", "--skip-download", "--output", "json",
        env={"LOG_LEVEL": "CRITICAL"},
    )  # fmt: skip
    results = json.loads(result.stdout)["results"]
    return tuple(
        {(check["check_id"], re.sub(r"\[.*", "", check["resource"])) for check in results.get(kind, [])}
        for kind in ("failed_checks", "skipped_checks")
    )


def test_policy_holds_and_each_exception_is_needed(run, tool, folder):
    failed, excused = findings(run, tool, FOLDER)
    assert not failed
    for path in folder.glob("*.tf"):
        path.write_text(re.sub(r"(?m)^\s*#checkov:skip=.*\n", "", path.read_text()))
    would_fail, _ = findings(run, tool, folder)
    assert excused == would_fail


def test_each_policy_exception_gives_its_reason(root):
    for path in sorted((root / FOLDER).glob("*.tf")):
        for check, reason in re.findall(r"#checkov:skip=(\w+):?(.*)", path.read_text()):
            assert len(reason.split()) >= 4, f"{path.name}: {check} is excused without a reason"


def test_no_resource_but_azurerms_is_used(root):
    text = "\n".join(path.read_text() for path in (root / FOLDER).glob("*.tf"))
    kinds = set(re.findall(r'(?m)^(?:resource|data) "([a-z]+)_', text))
    assert kinds == {"azurerm", "terraform"}, "terraform_data is built in; every other kind needs a provider"


def test_nothing_reads_a_secret_back(root):
    text = "\n".join(path.read_text() for path in (root / FOLDER).glob("*.tf"))
    assert 'data "azurerm_key_vault_secret"' not in text
    assert not re.search(
        r"primary_access_key|primary_connection_string|admin_password|primary_shared_key", text
    )
    assert re.search(r"(?m)^  value_wo +=", text)
