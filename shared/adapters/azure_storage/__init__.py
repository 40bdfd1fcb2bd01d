"""Lake and state in an Azure Storage account, or in Azurite. Importing it imports the SDKs."""

from shared.adapters.azure_storage.lake import BlobLake
from shared.adapters.azure_storage.state import TableState

__all__ = ["BlobLake", "TableState"]
