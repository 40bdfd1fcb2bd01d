import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from shared.adapters.sql import SqlWarehouse
from shared.adapters.sql.connection import odbc_string, store_name
from shared.adapters.sql.errors import TRANSIENT_NUMBERS, is_transient, translated
from shared.errors import PermanentLoadError, SettingsError, TransientLoadError

BASE = "Server=tcp:x.database.windows.net,1433;Database=arbitrage"


class DriverError(Exception):
    """Raised with (SQLSTATE, text) as pyodbc does."""


def driver(kind, state, text, *, invalidated=False):
    return kind(
        "INSERT",
        (),
        DriverError(state, f"[{state}] [Microsoft][ODBC Driver 18 for SQL Server]{text}"),
        connection_invalidated=invalidated,
    )


def test_a_string_without_login_uses_the_managed_identity():
    assert odbc_string(BASE, "00000000-1111") == (
        "Server=tcp:x.database.windows.net,1433;Database=arbitrage;Encrypt=yes;"
        "Driver={ODBC Driver 18 for SQL Server};Authentication=ActiveDirectoryMsi;UID=00000000-1111"
    )
    assert odbc_string(BASE).endswith(";Authentication=ActiveDirectoryMsi")


def test_a_string_with_a_login_keeps_it():
    text = odbc_string(f"{BASE};Uid=sa;Pwd={{a;b}}}}c=}};Encrypt=strict", "ignored")
    assert "UID=sa;PWD={a;b}}c=};Encrypt=strict" in text
    assert "Authentication" not in text
    assert "ignored" not in text


def test_the_portals_ado_net_string_is_understood():
    text = odbc_string(
        "Server=tcp:x.database.windows.net,1433;Initial Catalog=arbitrage;Persist Security Info=False;"
        "User ID=sa;Password=secret;MultipleActiveResultSets=False;Encrypt=True;TrustServerCertificate=False;"
        "Connection Timeout=30;"
    )
    assert text == (
        "Server=tcp:x.database.windows.net,1433;Database=arbitrage;UID=sa;PWD=secret;Encrypt=yes;"
        "TrustServerCertificate=no;Driver={ODBC Driver 18 for SQL Server}"
    )


@pytest.mark.parametrize("value", ["no", "False", "optional"])
def test_encryption_cannot_be_switched_off(value):
    with pytest.raises(SettingsError, match="Encrypt=yes"):
        odbc_string(f"{BASE};Encrypt={value}")


def test_every_problem_is_told_at_once_and_no_value_is_shown():
    with pytest.raises(SettingsError) as error:
        odbc_string("Pwd=very-secret;Encrypt=no;UID=sa")
    assert len(error.value.problems) == 3
    assert "very-secret" not in str(error.value)


def test_messages_name_server_and_database_only():
    assert store_name(f"{BASE};Pwd=very-secret") == "tcp:x.database.windows.net,1433/arbitrage"


async def test_a_wrong_connection_string_stops_the_warehouse_with_its_remedy():
    with pytest.raises(SettingsError, match="Database= is missing"):
        await SqlWarehouse("Server=x").loaded(["a"])


@pytest.mark.parametrize("number", sorted(TRANSIENT_NUMBERS))
def test_throttling_failover_and_deadlocks_pass(number):
    assert is_transient(
        driver(ProgrammingError, "42000", f"[SQL Server]some text ({number}) (SQLExecDirectW)")
    )


@pytest.mark.parametrize("state", ["08S01", "08001", "HYT00", "40001"])
def test_a_lost_connection_passes(state):
    assert is_transient(driver(DBAPIError, state, "Communication link failure (0)"))
    assert is_transient(driver(DBAPIError, "HY000", "gone", invalidated=True))
    assert is_transient(PoolTimeoutError("no connection free"))


@pytest.mark.parametrize(
    "error",
    [
        driver(IntegrityError, "23000", "[SQL Server]Violation of PRIMARY KEY constraint (2627)"),
        driver(ProgrammingError, "42000", "[SQL Server]String or binary data would be truncated (2628)"),
        driver(DBAPIError, "22003", "[SQL Server]Arithmetic overflow (8115)"),
        driver(ProgrammingError, "42S22", "[SQL Server]Invalid column name 'x'. (207)"),
        SQLAlchemyError("a mistake in a statement"),
    ],
)
def test_what_is_wrong_with_the_rows_stays_wrong(error):
    assert not is_transient(error)
    with (
        pytest.raises(PermanentLoadError, match="server/db: cannot load live/x: "),
        translated("server/db", "load live/x"),
    ):
        raise error


def test_a_missing_table_waits_for_its_migration():
    error = driver(
        ProgrammingError, "42S02", "[SQL Server]Invalid object name 'trades'. (208) (SQLExecDirectW)"
    )
    with pytest.raises(TransientLoadError, match="shared migrate"), translated("server/db", "load live/x"):
        raise error


def test_neither_statement_nor_values_reach_the_message():
    error = OperationalError(
        "INSERT secret-column", {"value": "secret-value"}, DriverError("08S01", "link failure")
    )
    with pytest.raises(TransientLoadError) as found, translated("server/db", "load live/x"):
        raise error
    assert "secret" not in str(found.value)
