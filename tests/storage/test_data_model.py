"""The page on the data model says what the definition says."""

import ast
import re
from pathlib import Path

import pytest

from shared.adapters.parquet import RETENTION_DAYS
from shared.adapters.parquet.quotes import SCHEMA
from shared.adapters.sql.views import VIEWS
from shared.ports import STATE_VALUE_BYTES
from shared.records import TABLES
from shared.records.totals import TOTALS

PAGE = (Path(__file__).parents[2] / "docs" / "data-model.md").read_text("utf-8")
SOURCES = {**TABLES, TOTALS.name: TOTALS, **VIEWS}


def section(name):
    (found,) = re.findall(rf"^### {name}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return found


@pytest.mark.parametrize("name", SOURCES)
def test_every_column_is_told_with_kind_unit_and_source(name):
    source, text = SOURCES[name], section(name)
    assert source.meaning in text
    told = [line for line in text.splitlines() if line.startswith("| `")]
    for column, line in zip(source.columns, told, strict=True):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        kind = f"text({column.size})" if column.kind == "text" and not column.choices else column.kind.value
        assert cells[0] == f"`{column.name}`"
        assert cells[1] == kind + ("" if column.required else ", or null")
        assert cells[2] == column.unit
        assert cells[3].startswith(column.source)
        assert all(f"`{choice}`" in cells[3] for choice in column.choices)


@pytest.mark.parametrize("name", [*TABLES, TOTALS.name])
def test_keys_and_indexes_are_told(name):
    source, text = SOURCES[name], section(name)
    assert f"Key: {', '.join(f'`{column}`' for column in source.key)}." in text
    for index in source.indexes:
        assert ", ".join(f"`{column}`" for column in index) in text


def test_no_table_or_view_is_told_that_is_not_there():
    told = set(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)) - {"Compaction"}
    assert told == set(SOURCES)


def test_every_column_of_the_quotes_is_told():
    (table,) = re.findall(r"^\| column of `quotes` .*?(?=\n\n)", PAGE, re.MULTILINE | re.DOTALL)
    told = [name for line in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split("|")[1])]
    assert sorted(told) == sorted(SCHEMA.names)


def test_limits_and_retention_are_the_real_ones():
    assert f"{STATE_VALUE_BYTES:,} bytes" in PAGE
    for dataset, days in RETENTION_DAYS.items():
        lines = [line for line in PAGE.splitlines() if line.startswith(f"| `{{market}}/{dataset}/")]
        assert lines
        assert all(f"{days} days" in line for line in lines), dataset


def test_its_example_is_python():
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        ast.parse(code)
