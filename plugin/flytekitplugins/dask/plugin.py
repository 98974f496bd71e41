"""What flytekit loads, through the entry point ``flytekit.plugins``, when it is imported.

`flytekitplugins.dask` itself would not do: where ``flytekitplugins-dask`` was installed last, that
is its package, which knows nothing of the configs of `flyte_dask`; and where that was uninstalled,
it took the files along. flytekit would run our tasks as plain ones, without a cluster.
"""

from __future__ import annotations

import logging

from flyte_dask.incumbent import REMEDY
from flytekitplugins import dask as installed
from flytekitplugins.dask.refused import refuse_all_but

# Whoever imports flytekitplugins.dask first is here before it is complete; ours has this by then.
if not hasattr(installed, "presets"):
    refuse_all_but(None)
    if installed.__file__ is None:
        logging.getLogger("flytekit.dask").warning(
            "files of flyte-dask are gone, as if flytekitplugins-dask had been uninstalled beside "
            "it. Remedy: %s",
            REMEDY,
        )
