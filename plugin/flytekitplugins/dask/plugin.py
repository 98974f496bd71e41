"""What flytekit loads, through the entry point ``flytekit.plugins``, when it is imported.

That has to be almost free, for most who import flytekit have no Dask tasks: so flytekit hears of
ours when `flyte_dask` is imported, without which nobody has a config.

`flytekitplugins.dask` itself would not do: where ``flytekitplugins-dask`` was installed last, that
is its package, which knows nothing of the configs of `flyte_dask`; and where that was uninstalled,
it took the files along. flytekit would run our tasks as plain ones, without a cluster.
"""

from __future__ import annotations

import sys
from importlib import import_module

from flytekitplugins import dask as installed

__all__ = ["register"]

_is_ours = "presets" in getattr(installed, "__all__", ())


def register() -> None:
    """Let flytekit know what our configs are; `flyte_dask` calls it, once it is imported."""
    if _is_ours:
        import_module("flytekitplugins.dask.task")  # which registers itself
        return
    from flytekitplugins.dask.rejected_configs import reject_all_but  # noqa: PLC0415  # as above

    reject_all_but(None)
    if installed.__file__ is None:
        import logging  # noqa: PLC0415

        from flyte_dask.official_plugin import REMEDY  # noqa: PLC0415

        logging.getLogger("flytekit.dask").warning(
            "files of flyte-dask are gone, as if flytekitplugins-dask had been uninstalled beside "
            "it. Remedy: %s",
            REMEDY,
        )


if "flyte_dask" in sys.modules:
    register()
elif not _is_ours:
    import_module("flyte_dask")  # which calls it, and tells what is wrong
