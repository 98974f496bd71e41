"""Plugins that run in the scheduler, workers and nannies of a session's cluster.

They are pickled by value, because the images there may have another version of flyte-dask, or none.
So these modules import nothing but Python's own modules and Dask.
"""

from flyte_dask_engine.cluster_plugins.by_value import MODULES

__all__ = ["MODULES"]
