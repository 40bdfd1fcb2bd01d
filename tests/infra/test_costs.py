"""What a month costs: the tables that docs/deploy.md shows, and the deployments that they are of."""

import dataclasses
import json
import re

import pytest

from benchmarks import cost_tables, monthly, prices
from benchmarks.costs import RECORDED
from shared.composition import interval_ms

DATABASES = {"Basic": prices.BASIC, "S0": prices.S0}


@pytest.fixture(scope="module")
def found():
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def text(root, name):
    return (root / "infra/terraform" / name).read_text(encoding="utf-8")


def variables(root, environment):
    """Values of Terraform's variables: defaults, and what the environment's file says instead."""
    given = dict(
        re.findall(r'(?ms)^variable "(\w+)" \{.*?^  default += ([^\n]+)$', text(root, "variables.tf"))
    )
    return given | dict(re.findall(r"(?m)^ *(\w+) += (.+)$", text(root, f"env/{environment}.tfvars")))


def between(source, start, end):
    return source.split(start, 1)[1].split(end, 1)[0]


@pytest.mark.parametrize("made", [monthly.DEV, monthly.PROD], ids=lambda made: made.name)
def test_a_deployment_is_what_its_variable_file_makes(root, made):
    given = variables(root, made.name)
    assert made.scan_every_s == interval_ms(given["scan"].strip('"')) / 1000
    assert made.memory_mb == int(given["instance_memory_mb"])
    assert made.database is DATABASES[given["sql_sku"].strip('"')]
    assert made.zones == (given["storage_replication"] == '"ZRS"')
    assert made.recordings_days == int(given["lake_delete_after_days"])
    assert made.cool_after_days == int(given["lake_cool_after_days"])
    assert made.log_daily_gb == float(given["log_daily_gb"])
    assert made.grafana == (given["grafana"] == "true")
    assert int(given["always_ready_scan"]) == 0
    assert given["hosting"] == '"flex"'


def test_the_alerts_and_the_web_test_are_terraforms(root):
    alerts = text(root, "alerts.tf")
    every = re.findall(r'every = "(\w+)"', between(alerts, "log_alerts = {", "\n  }"))
    assert set(every) == {"PT5M", "PT15M", "PT1H"}
    metrics = re.findall(r"(?m)^    [\w-]+ = \{", between(alerts, "metric_alerts = {", "\n  }\n}"))
    asked = between(text(root, "variables.tf"), 'variable "health_test"', "\n}")
    seconds = int(re.search(r"optional\(number, (\d+)\)", asked)[1])
    for made in (monthly.DEV, monthly.PROD):
        own = re.search(r"(?s)health_test = \{(.*?)\}", text(root, f"env/{made.name}.tfvars"))
        assert own is None or "every_seconds" not in own[1]
        places = re.findall(r'"(emea-[\w-]+)"', own[1] if own else asked)
        assert made.web_tests_an_hour == len(places) * 3600 / seconds
        assert (made.often, made.seldom) == (every.count("PT5M"), len(every) - every.count("PT5M"))
        assert made.metric_alerts == len(metrics) + 1


def test_what_is_restorable_and_polled_is_what_is_configured(root):
    lake = between(text(root, "storage.tf"), 'storage_account" "lake"', "\n}\n")
    assert re.search(r" delete_retention_policy \{\n +days = (\d+)", lake)[1] == str(monthly.RESTORABLE_DAYS)
    storage = json.loads((root / "host.json").read_text())["extensions"]["durableTask"]["storageProvider"]
    assert storage["maxQueuePollingInterval"] == f"00:00:{monthly.DURABLE_POLL_S:02}"
    assert 1 + storage["partitionCount"] == monthly.DURABLE_QUEUES


def test_the_document_shows_what_the_quantities_make(root, found):
    document = (root / "docs/deploy.md").read_text(encoding="utf-8")
    for table in cost_tables.told(found):
        assert table in document


def test_a_short_execution_is_billed_as_a_second_and_a_longer_one_in_tenths():
    assert [monthly.billed_s(seconds) for seconds in (0.01, 1.0, 1.01, 2.3)] == [1.0, 1.0, 1.1, 2.3]


def test_what_is_free_is_not_billed():
    assert prices.EXECUTION_TIME.of(100_000) == 0
    assert prices.EXECUTION_TIME.of(1_100_000) == pytest.approx(26)


def test_alerts_and_web_test_cost_what_their_number_says(found):
    used = monthly.month(found, monthly.DEV, 60)
    bill = monthly.bill(used, monthly.DEV)
    assert bill["log alerts"] == pytest.approx(2 * 1.5 + 7 * 0.5)
    assert bill["web test"] == pytest.approx(4 * 730 * 0.0005)


def test_a_busier_schedule_uses_more_and_fixed_items_stay(found):
    slow, fast = (monthly.bill(monthly.month(found, monthly.PROD, s), monthly.PROD) for s in (60, 15))
    rising = {item for item in slow if fast[item] > slow[item]}
    assert {"executions", "calls of the lake", "table calls"} < rising
    assert not {"database", "log alerts", "web test", "Managed Grafana, one user"} & rising


def test_half_a_gigabyte_costs_less_although_it_takes_longer(found):
    small = dataclasses.replace(monthly.DEV, memory_mb=512)
    large_month, small_month = (monthly.month(found, made, 30) for made in (monthly.DEV, small))
    assert large_month.gb_seconds / 4 < small_month.gb_seconds < large_month.gb_seconds


def test_without_workflows_a_month_is_cheaper(found):
    assert monthly.dollars(found, monthly.DEV, 60, trading=False) < monthly.dollars(found, monthly.DEV, 60)


def test_logs_end_at_the_daily_cap(found):
    tight = dataclasses.replace(monthly.PROD, log_daily_gb=0.01)
    assert monthly.month(found, tight, 15).log_gb == pytest.approx(0.01 * 365 / 12)
