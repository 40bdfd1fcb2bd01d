"""One definition serves SQLite and Azure SQL: the migrations are held to what SQLAlchemy compiles from it."""

import re
from datetime import datetime
from decimal import Decimal

import pytest
import sqlfluff
from sqlalchemy import create_engine, inspect
from sqlalchemy.dialects import mssql
from sqlalchemy.schema import CreateIndex, CreateTable

from shared.adapters.sql import loading, reading
from shared.adapters.sql.migrations import MIGRATIONS, batches, migration_files
from shared.adapters.sql.schema import METADATA, SQL_TABLES
from shared.adapters.sql.views import VIEWS
from shared.errors import PermanentLoadError
from shared.records import TABLES, Kind

DIALECT = mssql.dialect()
DIALECT.server_version_info = (16, 0)  # as an engine learns it from Azure SQL when it connects
DIALECT._setup_version_attributes()
SCRIPTS = {path.name: path.read_text("utf-8") for _, path in migration_files()}
EVERYTHING = "\n".join(SCRIPTS.values())


def squeezed(sql):
    text = re.sub(r"--[^\n]*", " ", sql).replace("dbo.", "").replace("NUMERIC", "DECIMAL")
    text = text.replace(" WITH (DATA_COMPRESSION = PAGE)", "")
    return re.sub(r"\s*([(),])\s*", r"\1", " ".join(text.split()).rstrip(";"))


def parts(create_table):
    """The columns and constraints between the outer brackets of a CREATE TABLE."""
    body = squeezed(create_table).partition("(")[2].removesuffix(")")
    found, depth, start = [], 0, 0
    for index, character in enumerate(body + ","):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            found.append(body[start:index].strip())
            start = index + 1
    return found


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_migration_parses_as_t_sql(name):
    sqlfluff.parse(SCRIPTS[name], dialect="tsql")


def test_a_misspelt_migration_would_not_parse():
    with pytest.raises(sqlfluff.api.APIParsingError):
        sqlfluff.parse(SCRIPTS["001_tables.sql"].replace("CREATE TABLE", "CREATE TABEL"), dialect="tsql")


def test_migrations_are_numbered_without_gaps_and_record_themselves():
    versions = [version for version, _ in migration_files()]
    assert versions == list(range(1, len(versions) + 1))
    assert {path.name for path in MIGRATIONS.glob("*.sql")} == set(SCRIPTS)
    for version, path in migration_files():
        *_, last = batches(SCRIPTS[path.name])
        recorded = (
            f"INSERT INTO dbo.schema_version (version, name)\nSELECT {version}, N'{path.stem[4:]}'\nWHERE NOT"
        )
        assert last.startswith(recorded)


def test_migrations_may_run_twice():
    assert "MERGE" not in EVERYTHING
    for script in SCRIPTS.values():
        for batch in batches(script):
            statement = squeezed(batch)
            assert not statement.startswith(
                ("CREATE TABLE", "CREATE INDEX", "ALTER TABLE", "CREATE PROCEDURE")
            )
            if statement.startswith("CREATE VIEW"):
                name = statement.split()[2]
                assert f"DROP VIEW IF EXISTS dbo.{name};\nGO\n" in script


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_the_migrations_is_the_defined_one(name):
    (created,) = re.findall(rf"CREATE TABLE dbo\.{name} \(.*?\n\);", EVERYTHING, re.DOTALL)
    defined = str(CreateTable(SQL_TABLES[name]).compile(dialect=DIALECT))
    assert sorted(parts(created)) == sorted(parts(defined))
    columns = [part.split()[0] for part in parts(created) if not part.startswith("CONSTRAINT")]
    assert columns == [column.name for column in TABLES[name].columns]


def test_the_indexes_of_the_migrations_are_the_defined_ones():
    created = re.findall(r"^(CREATE INDEX .*?);", EVERYTHING, re.MULTILINE)
    defined = [
        str(CreateIndex(index).compile(dialect=DIALECT))
        for table in METADATA.sorted_tables
        for index in table.indexes
    ]
    assert sorted(map(squeezed, created)) == sorted(map(squeezed, defined))


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_of_the_migrations_is_the_defined_one(name):
    created = re.findall(rf"CREATE VIEW dbo\.{name} AS\n(.*?);\nGO", EVERYTHING, re.DOTALL)
    assert created[-1] == VIEWS[name].sql("mssql")


def test_a_primary_key_fits_the_limit_of_sql_server():
    bytes_of = {Kind.TEXT: lambda column: 2 * column.size, Kind.INT: lambda _: 8, Kind.TIME: lambda _: 8}
    for table in TABLES.values():
        key = sum(bytes_of[table.column(name).kind](table.column(name)) for name in table.key)
        assert key <= 900, table.name
        for index in table.indexes:
            columns = {*index, *table.key}
            assert sum(bytes_of[table.column(name).kind](table.column(name)) for name in columns) <= 1700, (
                index
            )


def test_every_row_but_the_ledgers_carries_market_scan_and_blob():
    for name, table in TABLES.items():
        if name != "load_ledger":
            names = [column.name for column in table.columns]
            assert (names[:2], names[-1]) == (["market", "scan_id"], "blob")


def test_every_column_says_what_it_is():
    for table in (*TABLES.values(), *VIEWS.values()):
        assert table.meaning.endswith(".")
        for column in table.columns:
            assert column.source, (table.name, column.name)
            assert column.unit or column.kind in {Kind.TEXT, Kind.JSON, Kind.BOOL}, (table.name, column.name)


def test_sqlite_is_made_from_the_same_columns():
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    for name, table in TABLES.items():
        found = {column["name"]: column["nullable"] for column in inspect(engine).get_columns(name)}
        assert found == {column.name: not column.required for column in table.columns}
        assert inspect(engine).get_pk_constraint(name)["constrained_columns"] == list(table.key)
    engine.dispose()


def test_rows_reach_azure_sql_as_decimals_and_datetimes(sample):
    batch = sample.scan_batch()
    (values,) = loading._values(
        TABLES["arbitrage_opportunities"], DIALECT, batch.rows["arbitrage_opportunities"], batch.name
    )
    names = [*loading._names(TABLES["arbitrage_opportunities"]), "blob"]
    named = dict(zip(names, values, strict=True))
    assert named["time"] == datetime(2026, 11, 22, 12, 0, 0, 123_000)  # noqa: DTZ001 - DATETIME2 has no zone
    assert named["net_profit"] == Decimal("2.99")
    assert isinstance(named["net_profit"], Decimal)
    assert (named["marks"], named["blob"]) == ('["TRANSFER_UNKNOWN"]', batch.name)


def test_a_time_that_does_not_exist_can_never_load(sample):
    row = {**sample.scan_batch().rows["scans"][0], "time": "2026-19-22T12:00:00.000Z"}
    with pytest.raises(PermanentLoadError, match=r"live/x: scans\.time"):
        loading._values(TABLES["scans"], DIALECT, [row], "live/x")


@pytest.mark.parametrize("name", [*TABLES, *VIEWS])
def test_questions_to_azure_sql_parse_as_t_sql(name):
    source = TABLES.get(name) or VIEWS[name]
    first = source.columns[0].name
    query = reading._query(
        source, {f"{first}__ge": "a" if source.columns[0].kind is Kind.TEXT else 0}, [f"-{first}"], DIALECT
    )
    text = str(query.limit(10).offset(20).compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))
    sqlfluff.parse(text, dialect="tsql")
    assert "OFFSET 20 ROWS" in text
    assert "CAST(" not in text
