"""Lake and state on this machine's disk: what is used where no Azure Storage is configured."""

from shared.adapters.embedded.lake import FileLake
from shared.adapters.embedded.state import SqliteState

__all__ = ["FileLake", "SqliteState"]
