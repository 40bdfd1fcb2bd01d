"""Where things are kept, by the settings: lake, state, warehouse and secrets, of Azure or embedded."""

from __future__ import annotations

from pathlib import Path

from shared.adapters.environment import EnvironmentSecrets
from shared.adapters.lazy import LazyWarehouse
from shared.adapters.simulated_venues import DEMO_KEYS
from shared.ports import Lake, Secrets, State, Warehouse
from shared.settings import Settings


def lake(settings: Settings) -> Lake:
    """The lake: Azure Storage where it is configured, else a folder."""
    account = settings.lake_account or settings.storage_account
    if settings.storage_connection or account:
        from shared.adapters.azure_storage import BlobLake  # noqa: PLC0415 - heavy, and not needed without it

        if settings.storage_connection and not settings.lake_account:
            return BlobLake(connection_string=settings.storage_connection)
        return BlobLake(account_name=account, client_id=settings.azure_client_id)
    return file_lake(settings.folder / "lake")


def file_lake(folder: Path) -> Lake:
    """A lake of files."""
    from shared.adapters.embedded import FileLake  # noqa: PLC0415 - not needed where Azure Storage is

    return FileLake(folder)


def open_state(settings: Settings) -> State:
    """The state: tables of Azure Storage where it is configured, else a SQLite file."""
    if settings.storage_connection:
        from shared.adapters.azure_storage import TableState  # noqa: PLC0415 - heavy, and not needed without it

        return TableState(connection_string=settings.storage_connection)
    if settings.storage_account:
        from shared.adapters.azure_storage import TableState  # noqa: PLC0415 - as above

        return TableState(account_name=settings.storage_account, client_id=settings.azure_client_id)
    from shared.adapters.embedded import SqliteState  # noqa: PLC0415 - as above

    return SqliteState(settings.folder / "state.db")


def warehouse(settings: Settings) -> LazyWarehouse:
    """The relational store: Azure SQL where it is configured, else a SQLite file."""

    def make() -> Warehouse:
        from shared.adapters.sql import SqlWarehouse  # noqa: PLC0415 - heavy, and not needed by every function

        target: Path | str = settings.sql_connection or settings.folder / "warehouse.db"
        return SqlWarehouse(target, settings.azure_client_id)

    return LazyWarehouse(make, embedded=not settings.sql_connection)


def secret_store(settings: Settings) -> Secrets:
    """Where secrets are: the key vault if there is one, else the environment; simulated venues publish theirs."""
    if settings.market == "simulated":
        return EnvironmentSecrets(DEMO_KEYS)
    if settings.key_vault_url:
        from shared.adapters.key_vault import KeyVaultSecrets  # noqa: PLC0415 - heavy, and not needed without it

        return KeyVaultSecrets(settings.key_vault_url, client_id=settings.azure_client_id)
    return EnvironmentSecrets()
