"""Lets an identity into the database: python -m infra.deploy.database_user IDENTITY_NAME [--role arbitrage_reader].

Run after the migrations, by the database's administrator, with AZURE_SQL_CONNECTION_STRING set. The user is made
FROM EXTERNAL PROVIDER: whoever runs this, or the server's own identity, must be able to look the name up in Entra.
Where neither may, --client-id makes the same user from the identity's client id, and nothing is looked up.
"""  # noqa: INP001 - a command of the deployment, no part of the product

from __future__ import annotations

import argparse
import os
import re
import sys
import uuid
from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.adapters.sql.connection import azure_sql_engine, odbc_string

ROLES = ("arbitrage_app", "arbitrage_reader")
"""What the app may do, which is the default, and what a dashboard may: infra/sql makes both."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}")  # what Azure allows for a managed identity


def create_user(identity: str, client_id: str | None = None) -> str:
    """The T-SQL that makes the user, safe to run again.

    Raises:
        ValueError: the name is no identity's, or the client id no UUID.
    """
    if not _NAME.fullmatch(identity):
        raise ValueError(
            f"{identity!r} is no name of a managed identity; take Terraform's output identity_name"
        )
    how = "FROM EXTERNAL PROVIDER"
    if client_id is not None:
        how = f"WITH SID = 0x{uuid.UUID(client_id).bytes_le.hex().upper()}, TYPE = E"
    return f"IF DATABASE_PRINCIPAL_ID(N'{identity}') IS NULL CREATE USER [{identity}] {how};"


def join_role(identity: str, role: str = ROLES[0]) -> str:
    """The T-SQL that gives the user what the role may do."""
    return f"ALTER ROLE {role} ADD MEMBER [{identity}];"


def let_in(run: Callable[[str], None], identity: str, client_id: str | None, role: str = ROLES[0]) -> None:
    """Make the user, by look-up or else by client id, and give it the role.

    Raises:
        DBAPIError: the database refused.
    """
    try:
        run(create_user(identity))
    except DBAPIError as error:
        if client_id is None:
            raise
        sys.stderr.write(f"made without a look-up in Entra, because: {str(error.orig)[:300]}\n")
        run(create_user(identity, client_id))
    run(join_role(identity, role))


def main(arguments: list[str] | None = None) -> int:
    """Run the statements, or print them; exit code 0, 1 when the database refuses, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "identity", help="name of the identity: Terraform's output identity_name, or grafana_name"
    )
    parser.add_argument("--role", choices=ROLES, default=ROLES[0], help="what it may do (%(default)s)")
    parser.add_argument(
        "--client-id", help="Terraform's output identity_client_id, for when no look-up is allowed"
    )
    parser.add_argument("--print", action="store_true", help="print the T-SQL instead of running it")
    options = parser.parse_args(arguments)
    try:
        wanted = [create_user(options.identity, options.client_id), join_role(options.identity, options.role)]
    except ValueError as error:
        parser.error(str(error))
    if options.print:
        sys.stdout.write("\n".join([*wanted, ""]))
        return 0
    connection_string = os.environ.get("AZURE_SQL_CONNECTION_STRING")
    if not connection_string:
        parser.error("AZURE_SQL_CONNECTION_STRING is not set: infra/deploy/database.sh sets it")
    engine = azure_sql_engine(odbc_string(connection_string))

    def run(statement: str) -> None:
        with engine.begin() as connection:
            connection.execute(text(statement))

    try:
        let_in(run, options.identity, options.client_id, options.role)
    except DBAPIError as error:
        sys.stderr.write(f"{options.identity} was not let in: {error.orig}\n")
        return 1
    sys.stdout.write(f"{options.identity} may use the database as a member of {options.role}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
