"""What the infrastructure sets is what the product reads, by the table in shared/settings.py."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
import yaml

from shared import settings
from shared.adapters.parquet.compaction import RETENTION_DAYS
from shared.domain.market import VENUE_IDS

READ = {
    field.metadata["name"]: field for field in dataclasses.fields(settings.Settings) if field.metadata
} | dict.fromkeys(settings.FALLBACKS.values())

SECRET = {name for name, field in READ.items() if field and field.metadata["secret"]}

# What the Functions host, its Python worker and the telemetry libraries read.
PLATFORM = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "AzureFunctionsWebHost__hostid",
    "AzureWebJobsSecretStorageType",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__credential",
    "FUNCTIONS_WORKER_RUNTIME",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "PYTHON_ENABLE_OPENTELEMETRY",
    "WEBSITE_HOSTNAME",
}

NOT_ON_AZURE = {
    "SIMULATOR_URL": "there are no simulated venues",
    "DATA_DIR": "the package is read-only",
    "AZURE_STORAGE_CONNECTION_STRING": "storage is reached with the identity",
    "AZURE_APPLICATION_INSIGHTS_CONNECTION_STRING": "the host reads APPLICATIONINSIGHTS_CONNECTION_STRING",
    "OPENAI_API_KEY": "it lies in the key vault",
}


def terraform_names(root, local):
    """The names that a map or list of infra/terraform/settings.tf holds."""
    text = (root / "infra/terraform/settings.tf").read_text(encoding="utf-8")
    body = re.search(rf"(?ms)^  {local}\s+= (.*?)(?=^  \w+ +=|^}})", text)[1]
    found = re.findall(r'(?m)"([A-Z][A-Z0-9_]+)"|\b([A-Za-z]\w+) += ', body)
    return {quoted or plain for quoted, plain in found}


def written(root):
    """Name and value of each setting outside Terraform, by file."""
    compose = yaml.safe_load((root / "docker-compose.yml").read_text(encoding="utf-8"))
    configmap = yaml.safe_load((root / "infra/kubernetes/base/configmap.yaml").read_text(encoding="utf-8"))
    example = json.loads((root / "local.settings.example.json").read_text(encoding="utf-8"))
    files = {
        "docker-compose.yml": compose["services"]["functions"]["environment"],
        "configmap.yaml": configmap["data"],
        "local.settings.example.json": example["Values"],
    }
    for overlay in ("dev", "prod"):
        lines = (root / f"infra/kubernetes/overlays/{overlay}/azure.env").read_text(encoding="utf-8").split()
        files[f"{overlay}/azure.env"] = dict(line.split("=", 1) for line in lines)
    return files


def test_terraform_can_set_everything_that_the_product_reads(root):
    product, free, secret = (
        terraform_names(root, part) for part in ("product_settings", "free_settings", "secret_settings")
    )
    names = {name for name, field in READ.items() if field}
    assert product | free | secret == names - NOT_ON_AZURE.keys()
    assert not free & (product | secret)


def test_terraform_takes_no_secret_as_a_plain_setting(root):
    assert not terraform_names(root, "free_settings") & SECRET


def test_terraform_sets_nothing_that_nobody_reads(root):
    for part in ("platform_settings", "storage_settings", "container_settings"):
        assert terraform_names(root, part) - {"FUNCTIONS_WORKER_RUNTIME"} <= READ.keys() | PLATFORM


def test_a_function_app_gets_all_of_it_one_by_an_argument_and_the_others_as_settings(root):
    text = (root / "infra/terraform/function_app.tf").read_text(encoding="utf-8")
    apps = re.findall(r'(?ms)^resource "azurerm_(?:linux_)?function_app.*?^}', text)
    assert len(apps) == 2
    for app in apps:
        assert "local.function_settings," in app
        assert "application_insights_connection_string = azurerm_application_insights.main" in app
    settings_file = (root / "infra/terraform/settings.tf").read_text(encoding="utf-8")
    body = re.search(r"(?ms)^  function_settings = merge\((.*?)^  \)", settings_file)[1]
    assert re.findall(r"local\.(\w+)", body) == ["product_settings", "platform_settings", "secret_settings"]
    assert re.findall(r'if name != "(\w+)"', body) == ["APPLICATIONINSIGHTS_CONNECTION_STRING"]


def test_files_set_nothing_that_nobody_reads(root):
    for file, values in written(root).items():
        assert values.keys() <= READ.keys() | PLATFORM, file


def test_values_in_files_can_be_read(root):
    for file, values in written(root).items():
        plain = {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value)) for name, value in values.items()}
        assert settings.read(plain), file


@pytest.mark.parametrize("file", ["docker-compose.yml", "configmap.yaml", "local.settings.example.json"])
def test_every_timer_has_its_schedule(root, file):
    wanted = set(re.findall(r'schedule="%(\w+)%"', (root / "function_app.py").read_text(encoding="utf-8")))
    assert len(wanted) == 4
    assert wanted <= written(root)[file].keys()


def test_the_pods_get_what_terraform_hands_out_for_them(root):
    text = (root / "infra/terraform/settings.tf").read_text(encoding="utf-8")
    fixed = set(yaml.safe_load((root / "infra/kubernetes/base/configmap.yaml").read_text())["data"])
    handed = terraform_names(root, "product_settings") - {"AZURE_OPENAI_ENDPOINT"}
    handed |= {
        name for name in terraform_names(root, "platform_settings") if name.startswith("APPLICATIONINSIGHTS_")
    }
    handed |= {"AzureWebJobsStorage__accountName"}
    assert "kubernetes_settings" in text
    for overlay in ("dev", "prod"):
        assert written(root)[f"{overlay}/azure.env"].keys() == handed - fixed


def test_the_lake_rules_know_every_dataset_that_ages_and_no_other(root):
    text = (root / "infra/terraform/storage.tf").read_text(encoding="utf-8")
    ruled = set(re.findall(r'"lake/live/(\w+)/"', text))
    assert ruled == RETENTION_DAYS.keys()


def test_a_setting_that_nobody_reads_would_be_seen(root):
    planted = written(root)["docker-compose.yml"] | {"MIN_PROFITS": "1"}
    assert not planted.keys() <= READ.keys() | PLATFORM


def test_the_secrets_of_the_vault_are_of_the_venues_that_are_scanned(root):
    text = (root / "infra/terraform/key_vault.tf").read_text(encoding="utf-8")
    assert set(json.loads(re.search(r"venues = (\[.*?\])", text)[1])) == set(VENUE_IDS)
