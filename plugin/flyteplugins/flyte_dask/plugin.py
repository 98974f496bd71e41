"""Registration with the ``flyte`` SDK, which has no entry points for types of tasks.

`flyte_dask` calls it, without which there is no config: when it is imported, or as soon as the
program imports ``flyte``.
"""

from __future__ import annotations

__all__ = ["register"]


def register() -> None:
    """Register our configs with the SDK, also those that it has to reject."""
    import flyte  # noqa: F401, PLC0415  # its import may call this function: then not amid our own

    from flyte_dask_engine.task_configs import KINDS  # noqa: PLC0415
    from flyteplugins.flyte_dask.flyte_internals import TaskPluginRegistry  # noqa: PLC0415
    from flyteplugins.flyte_dask.task import DaskTask  # noqa: PLC0415

    for each in KINDS:
        TaskPluginRegistry.register(each, DaskTask)
