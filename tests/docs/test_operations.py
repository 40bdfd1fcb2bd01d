"""docs/operations.md says what to do about every alarm, wherever it is raised, and about none that is not there."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
import yaml

from shared.domain.alarms import AlarmLimits, Health, holding
from tests.docs.documents import ROOT, anchors

DOCUMENT = ROOT / "docs/operations.md"
TABLE = re.findall(
    r"(?m)^\| \[(.+?)\]\(#(.+?)\) \|(.*?)\|(.*?)\|(.*?)\|$", DOCUMENT.read_text(encoding="utf-8")
)
WATCHDOG, AZURE, PROMETHEUS = 2, 3, 4


def told(column):
    """The section of each alarm of a column of the table."""
    return {name: row[0] for row in TABLE for name in re.findall(r"`(.+?)`", row[column])}


def test_every_section_of_the_table_is_there_under_its_name():
    assert TABLE
    for section, anchor, *_ in TABLE:
        assert section.lower().replace(" ", "-") == anchor
        assert anchor in anchors(DOCUMENT)


def test_every_section_about_an_alarm_stands_in_the_table():
    alarms = DOCUMENT.read_text(encoding="utf-8").split("## Alarms of the watchdog")[1].split("\n## ")[0]
    sections = re.findall(r"(?m)^### (.+)$", alarms)
    assert [row[0] for row in TABLE if row[0] != "Alarms of the watchdog"] == sections


def test_every_alarm_of_the_watchdog_is_explained():
    limits = AlarmLimits(ai_tokens=10)
    trouble = Health(
        now_ms=10**9,
        started_ms=0,
        scan_every_ms=1,
        venues_down={"kraken": (0, "no answer")},
        oldest_load_ms=0,
        loads_poisoned=1,
        profit_today=-limits.daily_loss,
        drawdown=limits.drawdown,
        kill_switch="x",
        ai_tokens=10,
    )
    assert holding(replace(trouble, drawdown=Decimal(0)), limits) != holding(trouble, limits)
    assert {alarm.name.partition(":")[0] for alarm in holding(trouble, limits)} == set(told(WATCHDOG))


def test_every_alert_of_azure_monitor_names_its_section():
    text = (ROOT / "infra/terraform/alerts.tf").read_text(encoding="utf-8")
    queries = dict(re.findall(r'(?m)^    ([\w-]+) += \{.*title = "([^"]+)" \}', text))
    metrics = dict(re.findall(r'(?ms)^    ([\w-]+) = \{\n[^}]*?title +=\s"([^"]+)"\n    \}', text))
    health = dict(
        re.findall(r'alert-\$\{local\.base\}-(\w+)".*?operations\.md, ([^."$]+)\."', text, re.DOTALL)
    )
    assert queries.keys() == {path.stem for path in ROOT.glob("infra/kusto/alarms/*.kql")}
    assert len(metrics) == len(re.findall(r"(?m)^ +metric +=", text))
    assert {**queries, **metrics, **health} == told(AZURE)


def test_every_alert_of_prometheus_names_its_section():
    rules = yaml.safe_load((ROOT / "infra/prometheus/alerts.yml").read_text(encoding="utf-8"))["groups"][0][
        "rules"
    ]
    named = {rule["alert"]: rule["annotations"]["runbook"] for rule in rules}
    assert named == {name: f"docs/operations.md, {section}" for name, section in told(PROMETHEUS).items()}


@pytest.mark.parametrize(
    "path", ["infra/prometheus/alerts.yml", "infra/kusto/alarms/budget.kql", "infra/kusto/alarms/losses.kql"]
)
def test_no_alert_repeats_a_limit_that_is_a_setting(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    expressions = [line for line in text.splitlines() if re.search(r"profit|drawdown|cost", line)]
    assert [line for line in expressions if re.search(r"[<>] *-?\d", line)] == []
