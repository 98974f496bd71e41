"""An error while an output is converted is the same as in the function: its kind and its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest
from flyteidl.core.errors_pb2 import ContainerError
from flyteidl.core.execution_pb2 import ExecutionError
from flytekit import task
from flytekit.exceptions.user import FlyteRecoverableException

from flytekitplugins.dask import Dask
from tests.support import steps, unreadable
from tests.support.backend import ADDRESS, Cluster, cluster
from tests.support.faults import is_not_retried
from tests.support.runner import CODE, Done, run_task_here
from tests.support.tasks import Lazy

pytestmark = [
    pytest.mark.fault,
    pytest.mark.filterwarnings("ignore:.disable_deck. is deprecated"),  # flytekit asks for it
]

MODULE = "acme_outputs"


class Grave(Exception):
    """An error of several arguments, one of which its text leaves out."""

    def __init__(self, what: str, code: int) -> None:
        super().__init__(what, code)

    def __str__(self) -> str:
        return f"{self.args[0]}, {self.args[1]:+d}"


WHAT: list[Callable[[], object]] = []
"""What the output of the next task computes."""


@task(task_config=Dask(), retries=2)
def ends_lazily() -> Lazy:
    """Fails after it has returned, when its output is converted."""
    return Lazy(what=WHAT.pop())


@task(task_config=Dask(), retries=2)
def returns_text() -> int:
    """Returns what flytekit cannot convert."""
    text: Any = "no number"
    return cast("int", text)


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """A worker that has our code only."""
    with cluster(workers=1, nannies=False, env=CODE) as made:
        yield made


@pytest.fixture
def ends(
    started: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], object]], Done]:
    """Runs the task on Flyte, with what its output computes."""
    monkeypatch.setenv(ADDRESS, started.address)
    monkeypatch.setenv("FLYTE_INTERNAL_EXECUTION_ID", "e1")

    def run(what: Callable[[], object]) -> Done:
        WHAT[:] = [what]
        return run_task_here(ends_lazily, tmp_path)

    return run


@pytest.mark.parametrize(
    ("error", "text", "is_retried"),
    [
        (ValueError("no such partition"), "ValueError: no such partition", False),
        (Grave("broken", 7), "Grave: broken, +7", False),
        (KeyError("x"), "KeyError: 'x'", False),
        (MemoryError(), "MemoryError: ", False),
        (FlyteRecoverableException("busy"), "FlyteRecoverableException: ", True),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)
class TestOfWorkers:
    """Raised in a Dask task that the conversion of an output computes."""

    def test_on_flyte(
        self,
        error: Exception,
        text: str,
        is_retried: bool,
        ends: Callable[[Callable[[], object]], Done],
    ) -> None:
        found = ends(partial(steps.fail, error)).error
        assert found.origin == ExecutionError.USER
        assert (found.kind == ContainerError.RECOVERABLE) == is_retried
        assert found.message.rpartition("Message:\n\n    ")[2].startswith(text), found.message

    def test_locally(self, error: Exception, text: str, is_retried: bool) -> None:
        WHAT[:] = [partial(steps.fail, error)]
        with pytest.raises(type(error)) as caught:
            ends_lazily()
        assert caught.value.args == error.args
        assert f"{type(error).__name__}: {caught.value}".startswith(text)
        assert is_retried == isinstance(caught.value, FlyteRecoverableException)


@task(task_config=Dask(), retries=2, enable_deck=True)
def ends_at_once() -> int:
    """Fails by itself."""
    return int(str(WHAT.pop()()))


@pytest.mark.parametrize("name", ["Mute", "Closed", "circular"])
class TestThatRaisesWhenItIsRead:
    """The function's error is its own, and is not retried; a deck shows it."""

    @pytest.mark.usefixtures("ends")
    @pytest.mark.parametrize("is_late", [True, False])
    def test_on_flyte(self, name: str, is_late: bool, tmp_path: Path) -> None:
        WHAT[:] = [partial(unreadable.fail, name)]
        done = run_task_here(ends_lazily if is_late else ends_at_once, tmp_path)
        assert done.error.origin == ExecutionError.USER
        kind = "ValueError" if name == "circular" else name
        is_not_retried(done, kind, "mine")
        if not is_late:
            assert f"failed: {kind}</h2>" in (done.outputs / "deck.html").read_text()

    def test_locally(self, name: str) -> None:
        for each in (ends_at_once, ends_lazily):
            WHAT[:] = [partial(unreadable.fail, name)]
            with pytest.raises(ValueError, match="mine"):
                each()


def test_a_scheduler_without_a_module(
    ends: Callable[[Callable[[], object]], Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"{MODULE}.py").write_text("def step():\n    return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    done = ends(import_module(MODULE).step)
    is_not_retried(
        done,
        "WrongEnvironment",
        f"{ends_lazily.name}: the scheduler cannot unpickle what the runner sends: "
        f"ModuleNotFoundError: No module named '{MODULE}'\nInstall it in that image.",
    )


@pytest.mark.usefixtures("ends")
def test_a_value_of_another_type_is_flytekits_own_error(tmp_path: Path) -> None:
    error = run_task_here(returns_text, tmp_path).error
    assert error.origin == ExecutionError.SYSTEM
    assert "TypeTransformerFailedError" in error.message
