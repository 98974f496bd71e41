"""What Flyte's backends make of a task with a cluster: its pods, and what they ask for together."""

from flyte_dask.prediction.backend import RULES, Container, Pod, Pods, Remark, Rule, predict
from flyte_dask.prediction.footprint import Footprint, Total, footprint
from flyte_dask.prediction.platform import BACKENDS, Backend, Platform

__all__ = [
    "BACKENDS",
    "RULES",
    "Backend",
    "Container",
    "Footprint",
    "Platform",
    "Pod",
    "Pods",
    "Remark",
    "Rule",
    "Total",
    "footprint",
    "predict",
]
