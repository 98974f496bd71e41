"""A pytest plugin with a fixture for functions that use a task's Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:  # pytest always loads this module, and these are slow to import
    from distributed import Client

    from flyte_dask import Dask, Parent

__all__ = ["OpenSession", "dask_session"]


class OpenSession(Protocol):
    """The type of `dask_session`: it opens a cluster and returns its client."""

    def __call__(self, config: Dask | None = None, *, parent: Parent | None = None) -> Client:
        """Open the cluster of a task with *config* and the resources of *parent*."""
        ...


@pytest.fixture
def dask_session(request: pytest.FixtureRequest) -> Iterator[OpenSession]:
    """Opens a task's local Dask cluster until the test ends.

    Its client is Dask's default, so what the test calls uses the cluster as in a task:

        def test_mean(dask_session):
            client = dask_session(presets.medium(workers=2))
            assert mean_of_x.task_function("x.csv") == 4.5

    A test that calls the task itself needs no fixture: the task opens its own cluster.
    """
    with ExitStack() as stack:

        def open_session(config: Dask | None = None, *, parent: Parent | None = None) -> Client:
            from flyte_dask import Dask  # noqa: PLC0415  # slow to import, and rarely needed
            from flyte_dask_engine.session.session import session  # noqa: PLC0415

            opening = session(config or Dask(), request.node.name, parent)
            return stack.enter_context(opening).client

        yield open_session
