"""Records of runs: what a task's cluster was, what it did, and how long the function took."""

from flyte_dask_records.errors import InvalidRecord
from flyte_dask_records.graph import Batch, RecordedTask, TaskGraph
from flyte_dask_records.notation import MOST_BYTES, dumps, loads
from flyte_dask_records.pages import data_block, records_in
from flyte_dask_records.record import (
    InputRecord,
    PrefixRecord,
    ProcessRecord,
    Record,
    WorkerRecord,
)

__all__ = [
    "MOST_BYTES",
    "Batch",
    "InputRecord",
    "InvalidRecord",
    "PrefixRecord",
    "ProcessRecord",
    "Record",
    "RecordedTask",
    "TaskGraph",
    "WorkerRecord",
    "data_block",
    "dumps",
    "loads",
    "records_in",
]
