"""Only a module that the cluster lacks is its fault; others are missing for the function's own."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from flyte_dask_engine.errors import WrongEnvironment
from flyte_dask_engine.session.session import Session, session
from flytekitplugins.dask import Dask
from tests.support import steps
from tests.support.backend import ADDRESS, cluster
from tests.support.runner import CODE

pytestmark = pytest.mark.fault

MODULE = "acme_here"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session with a real cluster, which lacks a module that is here."""
    folder = tmp_path_factory.mktemp("image")
    (folder / f"{MODULE}.py").write_text("def step():\n    return 1\n")
    with cluster(workers=1, nannies=False, env=CODE) as started, pytest.MonkeyPatch.context() as at:
        at.syspath_prepend(folder)
        at.setenv(ADDRESS, started.address)
        with session(Dask(), "etl") as made:
            yield made


class Unpickled:
    """It raises an error where it is unpickled."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __reduce__(self) -> Any:
        return steps.fail, (self.error,)


def missing(module: str) -> ModuleNotFoundError:
    """The error of an import of *module*."""
    return ModuleNotFoundError(f"No module named {module!r}", name=module)


def test_a_module_that_a_worker_lacks(opened: Session) -> None:
    work = opened.client.submit(import_module, MODULE)
    with pytest.raises(WrongEnvironment, match=f"etl: a worker lacks .*{MODULE}"):
        opened.run(work.result)


def test_a_module_that_the_scheduler_lacks(opened: Session) -> None:
    work = opened.client.submit(import_module(MODULE).step)
    with pytest.raises(WrongEnvironment, match=f"etl: the scheduler cannot unpickle .*{MODULE}"):
        opened.run(work.result)


@pytest.mark.parametrize("module", [MODULE, "json", "acme_nowhere"])
def test_that_the_function_itself_raises(module: str, opened: Session) -> None:
    error = missing(module)
    with pytest.raises(ModuleNotFoundError) as caught:
        opened.run(lambda: steps.fail(error))
    assert caught.value is error


@pytest.mark.parametrize("module", ["json", "acme_nowhere"])
def test_that_work_raises_where_the_module_is_the_same_as_here(
    module: str, opened: Session
) -> None:
    work = opened.client.submit(steps.fail, missing(module))
    with pytest.raises(ModuleNotFoundError, match=module):
        opened.run(work.result)


def test_that_the_scheduler_raises_though_it_has_the_module(opened: Session) -> None:
    """For example, in a method that unpickles an argument."""
    work = opened.client.submit(str, Unpickled(missing("json")))
    with pytest.raises(RuntimeError, match="Error during deserialization"):
        opened.run(work.result)
