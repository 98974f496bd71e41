"""What Flyte's backends make of a task with a cluster: its pods, and what they ask for together."""

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
