"""What runs in the scheduler and in the workers on behalf of a session.

It goes there by value, for their images may have another flyte-dask, or none: so its modules may
use nothing but Python and Dask.
"""

from cloudpickle.cloudpickle import register_pickle_by_value

from flyte_dask_engine.cluster_plugins import code, recorder, sums
from flyte_dask_engine.cluster_plugins import lifecycle as witness
from flyte_dask_engine.cluster_plugins import task_stream as stream
from flyte_dask_engine.cluster_plugins import worker_metrics as heartbeats

# distributed looks for the very module of what it pickles
for _module in (code, heartbeats, recorder, stream, sums, witness):
    register_pickle_by_value(_module)
