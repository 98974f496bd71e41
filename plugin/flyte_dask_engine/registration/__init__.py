"""What a task is registered with: its message, and the review by its team's policy and advice."""

from flyte_dask_engine.registration.cluster import TaskCluster
from flyte_dask_engine.registration.requested import RequestedResources

__all__ = ["RequestedResources", "TaskCluster"]
