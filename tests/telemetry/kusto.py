"""Kusto queries parsed and bound against Application Insights' tables, with the language service from npm."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from shared.signals import EVENTS, METRICS, SPANS

ROOT = Path(__file__).resolve().parents[2]
CHECKER = ROOT / "tests" / "tools" / "kql_check.js"

_COMMON = (
    "timestamp:datetime, customDimensions:dynamic, customMeasurements:dynamic, operation_Name:string, "
    "operation_Id:string, operation_ParentId:string, cloud_RoleName:string, cloud_RoleInstance:string, "
    "itemCount:int"
)
_CALL = "id:string, name:string, success:string, resultCode:string, duration:real"
TABLES = {
    table: f"({_COMMON}, {columns})"
    for table, columns in {
        "customEvents": "name:string",
        "customMetrics": (
            "name:string, value:real, valueCount:int, valueSum:real, valueMin:real, valueMax:real, "
            "valueStdDev:real"
        ),
        "requests": _CALL,
        "dependencies": f"{_CALL}, target:string, type:string, data:string",
        "exceptions": "type:string, outerMessage:string, problemId:string, severityLevel:int",
        "traces": "message:string, severityLevel:int",
    }.items()
}

SENT_WITH_EVERYTHING = {"market"}
SENT_BY_THE_HOST = {"load_sql_poison", "scan_timer"}


def files():
    """The query files by their path."""
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "infra").rglob("*.kql"))
    }


def panels():
    """The queries of the dashboards by dashboard and panel, for one market."""
    folder = ROOT / "infra" / "grafana" / "dashboards"
    return {
        f"{path.relative_to(folder)}: {panel['title']}": target["azureLogAnalytics"]["query"].replace(
            "$market", "live"
        )
        for path in sorted(folder.rglob("*.json"))
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
        for target in panel["targets"]
        if "azureLogAnalytics" in target
    }


def documented():
    """The queries of the documentation by document and number."""
    return {
        f"docs/{path.name}: {number}": query
        for path in sorted((ROOT / "docs").glob("*.md"))
        for number, query in enumerate(
            re.findall(r"```kusto\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL), start=1
        )
    }


PLANTED = {
    "customEvents | project nmae": "KS142",
    "customEvent | count": "KS204",
    "customMetrics | where timestamp > valueSum": "KS106",
    "customMetrics | summarise count()": "KS",
}
"""Queries with a mistake, and the beginning of the complaint about it."""


def node_modules():
    """The folder of the language service; skips by name where it or Node is absent."""
    named = os.environ.get("NODE_TOOLS")
    folders = [Path(named), Path(named, "node_modules")] if named else []
    for folder in (*folders, ROOT / "tests" / "tools" / "node_modules"):
        if (folder / "@kusto" / "language-service-next").is_dir() and shutil.which("node"):
            return folder
    pytest.skip("needs Node and @kusto/language-service-next: npm install --prefix tests/tools")


def diagnose(queries):
    """Complaints of the language service by query name; an empty list is a good query."""
    run = subprocess.run(
        [shutil.which("node"), CHECKER, node_modules()],
        input=json.dumps({"tables": TABLES, "queries": queries}),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(run.stdout)


def unknown_signals(query):
    """What a query names that the product does not send: metrics, events, labels and attributes."""
    query = re.sub(r"//.*", "", query)
    problems = []
    if re.search(r"\b(?:avg|min|max|percentile\w*|stdev)\(value\b", query):
        problems.append("aggregates `value` of a pre-aggregated metric")
    known = {**METRICS, **EVENTS}
    asked = [n for group in re.findall(r'\bname (?:==|in) (\(.*?\)|".*?")', query) for n in _texts(group)]
    problems += [f"{name} is never sent" for name in asked if name not in {*known, *SPANS, *SENT_BY_THE_HOST}]
    fields = set(SENT_WITH_EVERYTHING)
    for name in asked:
        fields |= set(METRICS[name].labels if name in METRICS else getattr(known.get(name), "attributes", ()))
    if not asked:
        fields |= {attribute for event in EVENTS.values() for attribute in event.attributes}
    used = re.findall(r"customDimensions\.(\w+)", query)
    return problems + [f"customDimensions has no {field}" for field in used if field not in fields]


def _texts(group):
    return re.findall(r'"([^"]+)"', group)
