"""The Grafana dashboards: complete, up to date, and every query right for the source it asks."""

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import sqlfluff
import yaml

from shared.web import prometheus
from tests.telemetry import kusto
from tests.telemetry.stored import NOON, batch, make_stores, row

FOLDER = kusto.ROOT / "infra" / "grafana"
DASHBOARDS = {
    str(path.relative_to(FOLDER / "dashboards")): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((FOLDER / "dashboards").rglob("*.json"))
}
PANELS = {
    f"{name}: {panel['title']}": panel for name, board in DASHBOARDS.items() for panel in board["panels"]
}


def of(source):
    """Panels of one source by name."""
    return {name: panel for name, panel in PANELS.items() if name.startswith(f"{source}/")}


def targets(source, field):
    """A field of each panel's query, by the panel's name."""
    return {name: panel["targets"][0][field] for name, panel in of(source).items()}


def test_the_dashboards_are_what_their_source_makes():
    run = subprocess.run(
        [sys.executable, str(FOLDER / "build.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_each_source_shows_each_topic():
    topics = ("exchanges", "health", "opportunities", "profit")
    sources = ("azure-monitor", "prometheus", "warehouse")
    assert list(DASHBOARDS) == [f"{source}/{topic}.json" for source in sources for topic in topics]
    assert len({board["uid"] for board in DASHBOARDS.values()}) == len(DASHBOARDS)


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_has_unit_description_and_a_meaning_of_no_data(name):
    panel = PANELS[name]
    assert panel["fieldConfig"]["defaults"]["unit"]
    says, _, empty = panel["description"].partition("\n\nNo data: ")
    assert says.endswith(".")
    assert empty.endswith(".")
    assert panel["fieldConfig"]["defaults"]["noValue"] == empty


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_stand_side_by_side_inside_the_grid(name):
    cells = set()
    for panel in DASHBOARDS[name]["panels"]:
        grid = panel["gridPos"]
        assert grid["x"] + grid["w"] <= 24
        covered = {
            (x, y)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & covered
        cells |= covered


def test_every_source_of_a_panel_is_provisioned():
    sources = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "arbitrage.yml").read_text())[
        "datasources"
    ]
    provisioned = {(source["type"], source["uid"]) for source in sources}
    used = {
        (part["datasource"]["type"], part["datasource"]["uid"])
        for panel in PANELS.values()
        for part in (panel, *panel["targets"])
    }
    assert used == provisioned


def test_dashboards_are_provisioned_from_where_they_are_mounted():
    (provider,) = yaml.safe_load((FOLDER / "provisioning" / "dashboards" / "arbitrage.yml").read_text())[
        "providers"
    ]
    compose = yaml.safe_load((kusto.ROOT / "docker-compose.yml").read_text())
    mounts = compose["services"]["grafana"]["volumes"]
    assert f"./infra/grafana/dashboards:{provider['options']['path']}:ro" in mounts


@pytest.mark.parametrize("name", of("azure-monitor"))
def test_a_kusto_query_parses_binds_and_asks_for_what_is_sent(kusto_complaints, name):
    logs = PANELS[name]["targets"][0]["azureLogAnalytics"]
    assert kusto_complaints[name] == []
    assert kusto.unknown_signals(logs["query"]) == []
    assert (logs["resultFormat"] == "time_series") == (
        "by bin(timestamp" in logs["query"] or "timestamp = bin" in logs["query"]
    )
    assert logs["resultFormat"] == "table" or "order by timestamp asc" in logs["query"]


@pytest.fixture(scope="module")
def azure_schema():
    path = Path(
        os.environ.get("SHARED_DIR", kusto.ROOT.parent / "shared"),
        "schemas",
        "grafana-azuremonitor-query.json",
    )
    if not path.exists():
        pytest.skip(f"needs {path.name} in the folder that SHARED_DIR names")
    return jsonschema.Draft7Validator(json.loads(path.read_text()))


def azure_queries():
    """Every Azure Monitor query object of the dashboards, those of variables too."""
    for name, panel in of("azure-monitor").items():
        yield name, panel["targets"][0]
    for name, board in DASHBOARDS.items():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                yield f"{name}: ${variable['name']}", variable["query"]


@pytest.mark.parametrize(
    ("name", "query"), list(azure_queries()), ids=lambda part: part if isinstance(part, str) else ""
)
def test_an_azure_monitor_query_fits_grafanas_schema(azure_schema, name, query):
    assert [error.message for error in azure_schema.iter_errors(query)] == []


def test_a_query_with_a_wrong_field_would_not_fit(azure_schema):
    (query, *_) = [panel["targets"][0] for panel in of("azure-monitor").values()]
    assert list(azure_schema.iter_errors(query | {"azureLogAnalytic": {}}))
    assert list(azure_schema.iter_errors(query | {"azureLogAnalytics": {"resultFormat": "timeseries"}}))


@pytest.fixture
async def families(tmp_path):
    """Sample names and labels of the exposition."""
    desk = await make_stores(tmp_path)
    found = {}
    for family in prometheus.families(await prometheus.read_stored(desk)):
        labels = getattr(family, "_labelnames", ())
        suffixes = {"counter": ("_total",), "summary": ("_sum", "_count"), "histogram": ("_bucket",)}
        for suffix in suffixes.get(family.type, ("",)):
            found[family.name + suffix] = {*labels, *(("le",) if family.type == "histogram" else ())}
    await desk.warehouse.close()
    return found


async def test_a_prometheus_query_asks_for_metrics_and_labels_that_exist(families):
    for name, expression in targets("prometheus", "expr").items():
        asked = re.findall(r"(arbitrage_\w+)\{(.*?)\}", expression)
        assert asked, name
        used = set(re.findall(r"by \((.*?)\)", expression))
        legend = set(re.findall(r"\{\{(\w+)\}\}", PANELS[name]["targets"][0]["legendFormat"]))
        for metric, matchers in asked:
            labels = set(re.findall(r"(\w+)!?=", matchers))
            assert "market" in labels, name
            grouped = {label.strip() for group in used for label in group.split(",")}
            assert labels | grouped | legend <= families[metric], (name, metric)


def test_a_prometheus_query_parses(promtool, tmp_path):
    rules = [
        {"record": "panel:number", "labels": {"panel": str(number)}, "expr": _without_macros(expression)}
        for number, expression in enumerate(targets("prometheus", "expr").values())
    ]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    run = subprocess.run([promtool, "check", "rules", path], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{len(rules)} rules found" in run.stdout


def _without_macros(expression):
    for macro, value in (("$__rate_interval", "1m"), ("$__range", "1d"), ("$market", "live")):
        expression = expression.replace(macro, value)
    return expression


SQLITE = {
    r"\$__timeFilter\((\w+)\)": r"\1 BETWEEN '2026-01-01' AND '2027-01-01'",
    r"\$__timeGroup\((\w+), '\w+'\)": r"substr(\1, 1, 13)",
    r"TOP \(\d+\) ": "",
    r"\$market": "simulated",
}
T_SQL = {
    r"\$__timeFilter\((\w+)\)": r"\1 BETWEEN '2026-01-01T00:00:00Z' AND '2027-01-01T00:00:00Z'",
    r"\$__timeGroup\((\w+), '\w+'\)": r"FLOOR(DATEDIFF(second, '1970-01-01', \1) / 300) * 300",
    r"\$market": "simulated",
}


def written_for(dialect, sql):
    for macro, form in dialect.items():
        sql = re.sub(macro, form, sql)
    assert "$" not in sql
    return sql


@pytest.fixture
async def past(tmp_path):
    """A warehouse in which every panel has something to show."""
    desk = await make_stores(tmp_path, every_ms=1000)
    more = batch(99, NOON)
    ended = row("lifetimes", scan_id="scan-99", path="p", lifetime_ms=15_000)
    failed = {"scan_id": "scan-99", "venue": "bybit", "status": "timeout"}
    await desk.warehouse.load("simulated/scans/99", more | {"lifetimes": [ended]})
    await desk.warehouse.load("simulated/scans/100", {"venue_health": [row("venue_health", **failed)]})
    await desk.warehouse.close()
    return tmp_path / "warehouse.db"


async def test_a_sql_query_finds_what_is_in_the_tables(past):
    with sqlite3.connect(past) as connection:
        for name, sql in targets("warehouse", "rawSql").items():
            cursor = connection.execute(written_for(SQLITE, sql))
            rows = cursor.fetchall()
            columns = [column[0] for column in cursor.description]
            assert rows, name
            assert any(value is not None for value in rows[0][1:]), name
            if PANELS[name]["targets"][0]["format"] == "time_series":
                assert columns[0] == "time", name
                assert {"metric"} >= {
                    c for c, v in zip(columns[1:], rows[0][1:], strict=True) if isinstance(v, str)
                }
    connection.close()


@pytest.mark.parametrize("name", of("warehouse"))
def test_a_sql_query_is_t_sql(name):
    sql = written_for(T_SQL, PANELS[name]["targets"][0]["rawSql"])
    assert sqlfluff.parse(f"{sql};\n", dialect="tsql")


def test_a_planted_mistake_in_sql_would_be_found(past):
    with pytest.raises(sqlfluff.api.APIParsingError):
        sqlfluff.parse("SELEC TOP (10) time FROM trades;\n", dialect="tsql")
    with sqlite3.connect(past) as connection, pytest.raises(sqlite3.OperationalError, match="no such column"):
        connection.execute("SELECT realized_profit FROM trades")
    connection.close()
