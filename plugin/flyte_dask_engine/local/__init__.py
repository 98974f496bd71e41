"""The local cluster of a local run, in threads or in processes, and its progress bar."""

from flyte_dask_engine.local.cluster import Shape, local_cluster
from flyte_dask_engine.local.progress import progress

__all__ = ["Shape", "local_cluster", "progress"]
