"""A pytest fixture for functions that use a task's Dask cluster; pytest loads it by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:  # pytest loads this module for whoever has flyte-dask, and these take a while
    from distributed import Client

    from flyte_dask import Dask, Parent

__all__ = ["OpenSession", "dask_session"]


class OpenSession(Protocol):
    """What `dask_session` is: it opens a cluster, and returns its client."""

    def __call__(self, config: Dask | None = None, *, parent: Parent | None = None) -> Client:
        """The client of a cluster like that of a task with *config*, which asks for *parent*."""
        ...


@pytest.fixture
def dask_session(request: pytest.FixtureRequest) -> Iterator[OpenSession]:
    """Opens a local Dask cluster as a task has it, until the test ends.

    Its client is Dask's default, so what the test calls uses the cluster as in a task:

        def test_mean(dask_session):
            client = dask_session(presets.medium(workers=2))
            assert mean_of_x.task_function("x.csv") == 4.5

    A task that a test calls as such needs no fixture: it has a cluster of its own.
    """
    with ExitStack() as stack:

        def open_session(config: Dask | None = None, *, parent: Parent | None = None) -> Client:
            # only a test that uses the fixture needs distributed
            from flyte_dask import Dask  # noqa: PLC0415
            from flyte_dask_engine.session.session import session  # noqa: PLC0415

            opening = session(config or Dask(), request.node.name, parent)
            return stack.enter_context(opening).client

        yield open_session
