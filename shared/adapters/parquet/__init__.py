"""The lake's columnar form: hourly Parquet of snapshots and rows, made, kept and read. Imports pyarrow."""

from shared.adapters.parquet.compaction import RETENTION_DAYS, Compacted, compact
from shared.adapters.parquet.recordings import Recorded, read_lake_snapshots, read_quotes_file

__all__ = ["RETENTION_DAYS", "Compacted", "Recorded", "compact", "read_lake_snapshots", "read_quotes_file"]
