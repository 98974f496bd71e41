"""What runs in the scheduler and in the workers on behalf of a session.

It goes there by value, for their images may have another flyte-dask, or none: so its modules may
use nothing but Python and Dask.
"""

from cloudpickle.cloudpickle import register_pickle_by_value

from flytekitplugins.dask.shipped import code, heartbeats, recorder, stream, sums, witness

# distributed looks for the very module of what it pickles
for _module in (code, heartbeats, recorder, stream, sums, witness):
    register_pickle_by_value(_module)
