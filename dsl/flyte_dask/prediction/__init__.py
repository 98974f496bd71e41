"""The pods that Flyte's backends create for a task with a cluster, and their total resources."""

from flyte_dask.prediction.backend import predict
from flyte_dask.prediction.footprint import Footprint, Total, footprint
from flyte_dask.prediction.platform import BACKENDS, BASES, Backend, Base, Platform
from flyte_dask.prediction.pods import Container, Pod, Pods
from flyte_dask.prediction.remarks import BACKEND_RULES, BackendRule, Remark

__all__ = [
    "BACKENDS",
    "BACKEND_RULES",
    "BASES",
    "Backend",
    "BackendRule",
    "Base",
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
