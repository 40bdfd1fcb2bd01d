"""Logging in to Azure SQL by token, as pipelines and pods do."""

from __future__ import annotations

import struct

import azure.identity
import pytest
from azure.core.credentials import AccessToken
from sqlalchemy import event

from shared.adapters.sql.connection import azure_sql_engine, odbc_string

pytest.importorskip("pyodbc", reason="pyodbc does not load: unixODBC is not installed", exc_type=ImportError)

STRING = "Server=tcp:sql.example,1433;Database=arbitrage;Authentication=ActiveDirectoryDefault"


class Asked(Exception):
    """Carries what the driver would have been asked for."""


@pytest.fixture
def asked(monkeypatch):
    """What a connection of the string asks the driver for, with a credential that knows one token."""
    monkeypatch.setattr(
        azure.identity.DefaultAzureCredential,
        "get_token",
        lambda _self, *scopes, **_: AccessToken(f"token for {scopes[0]}", 0),
    )

    def connect(string):
        engine = azure_sql_engine(odbc_string(string, "client"), "client")

        @event.listens_for(engine, "do_connect")
        def stop(_dialect, _record, arguments, options):
            raise Asked(arguments[0], options)

        with pytest.raises(Asked) as caught:
            engine.connect()
        engine.dispose()
        return caught.value.args

    return connect


def test_a_token_of_the_default_credential_is_handed_to_the_driver(asked):
    _, options = asked(STRING)
    packed = options["attrs_before"][1256]
    length = struct.unpack_from("<I", packed)[0]
    assert packed[4:].decode("utf-16-le") == "token for https://database.windows.net/.default"
    assert length == len(packed) - 4


def test_the_driver_is_not_told_of_a_login_it_does_not_know(asked):
    string, _ = asked(STRING)
    assert "Authentication" not in string
    assert "UID" not in string
    assert "Encrypt=yes" in string


def test_other_logins_are_the_drivers_own(asked):
    string, options = asked(STRING.replace("Default", "Msi"))
    assert "Authentication=ActiveDirectoryMsi" in string
    assert "attrs_before" not in options
