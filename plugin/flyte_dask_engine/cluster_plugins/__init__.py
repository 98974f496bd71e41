"""What runs in the scheduler and in the workers on behalf of a session.

It goes there by value, for their images may have another flyte-dask, or none: so its modules may
use nothing but Python and Dask.
"""

from flyte_dask_engine.cluster_plugins.by_value import MODULES

__all__ = ["MODULES"]
