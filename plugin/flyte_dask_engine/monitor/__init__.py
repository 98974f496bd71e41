"""Whether a cluster still works, what it did, and what its failure means."""

from flyte_dask_engine.monitor.diagnosis import Subject
from flyte_dask_engine.monitor.metrics import ClusterMetrics
from flyte_dask_engine.monitor.monitor import Monitor, monitoring
from flyte_dask_engine.monitor.snapshot import Snapshot
from flyte_dask_engine.monitor.verdict import Assessment

__all__ = [
    "Assessment",
    "ClusterMetrics",
    "Monitor",
    "Snapshot",
    "Subject",
    "monitoring",
]
