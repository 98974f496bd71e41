"""The report of a task's cluster: what it was, what it did, and what size would fit."""

from flyte_dask_engine.report.collection import Reporting, reporting
from flyte_dask_engine.report.report import Report

__all__ = ["Report", "Reporting", "reporting"]
