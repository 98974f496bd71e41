"""The roles of a cluster, scheduler and workers: their resources, images, and origins."""

from flyte_dask.roles.origin import Origin
from flyte_dask.roles.resources import DIMENSIONS, Resources
from flyte_dask.roles.roles import Scheduler, WorkerGroup

__all__ = ["DIMENSIONS", "Origin", "Resources", "Scheduler", "WorkerGroup"]
