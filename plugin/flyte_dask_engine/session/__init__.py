"""The session of a task: its cluster, connected and monitored while the function runs."""

from flyte_dask_engine.session.session import Session, session

__all__ = ["Session", "session"]
