"""The configuration of a task: its cluster, `Dask`, and how its function uses it, `Runtime`."""

from flyte_dask.config.dask import Dask

__all__ = ["Dask"]
