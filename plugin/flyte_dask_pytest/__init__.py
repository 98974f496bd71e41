"""A pytest plugin for functions that use a task's Dask cluster; pytest loads it by itself."""

from flyte_dask_pytest.fixture import OpenSession, dask_session

__all__ = ["OpenSession", "dask_session"]
