"""The warehouse: SQLAlchemy Core over SQLite or Azure SQL."""

from shared.adapters.sql.warehouse import SqlWarehouse

__all__ = ["SqlWarehouse"]
