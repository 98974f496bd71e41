"""The modules that cloudpickle sends by value, once this one is imported."""

from __future__ import annotations

from cloudpickle.cloudpickle import register_pickle_by_value

from flyte_dask_engine import distributed_internals, foreign_errors
from flyte_dask_engine.cluster_plugins import (
    by_code,
    coarsening,
    code,
    dashboard,
    lifecycle,
    modules,
    recorder,
    restrictions,
    several,
    shutdown,
    storage,
    sums,
    task_errors,
    task_graph,
    task_stream,
    unfinished,
    worker_metrics,
    worker_observers,
)

__all__ = ["MODULES"]

MODULES = (
    *(by_code, coarsening, code, dashboard, distributed_internals, foreign_errors, lifecycle),
    *(modules, recorder, restrictions, several, shutdown, storage, sums, task_errors, task_graph),
    *(task_stream, unfinished, worker_metrics, worker_observers),
)

for _module in MODULES:  # distributed looks up the exact module of what it pickles
    register_pickle_by_value(_module)
