"""The pods that Flyte's backends create for a task with a cluster, and their total resources."""

from flyte_dask.prediction.backend import (
    BACKEND_RULES,
    BackendRule,
    Container,
    Pod,
    Pods,
    Remark,
    predict,
)
from flyte_dask.prediction.footprint import Footprint, Total, footprint
from flyte_dask.prediction.platform import BACKENDS, Backend, Platform

__all__ = [
    "BACKENDS",
    "BACKEND_RULES",
    "Backend",
    "BackendRule",
    "Container",
    "Footprint",
    "Platform",
    "Pod",
    "Pods",
    "Remark",
    "Total",
    "footprint",
    "predict",
]
