"""A cluster that cannot work is not retried, under an SDK that retries all but some errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.session.test_versions import image_with, needs_metadata
from tests.support.backend import Cluster, cluster, scheduler, worker
from tests.support.other_runner import CODE, ON_FLYTE, SHORT, run_other, run_other_and_act
from tests.support.paths import PROJECT

pytestmark = pytest.mark.fault

ERROR = "tests.support.other_sdk.WrongEnvironment"
MODULE = "def rate(number):\n    return number * 7\n"


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """A worker that has the project's code only."""
    with cluster(workers=1, nannies=False, env=CODE) as made:
        yield made


@pytest.fixture
def runner(tmp_path: Path) -> dict[str, str]:
    """The environment of a runner that has a module which others lack."""
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "acme_rates.py").write_text(MODULE)
    return {**ON_FLYTE, **SHORT, "PYTHONPATH": f"{folder}:{PROJECT}"}


def test_a_scheduler_without_a_module(
    runner: dict[str, str], started: Cluster, tmp_path: Path
) -> None:
    done = run_other("uses_a_module", tmp_path, {**runner, **started.env})
    missing = "No module named 'acme_rates'"
    done.failed(ERROR, "acme/scheduler:1", "acme/other:1", missing, is_retried=False)


def test_workers_without_a_module(runner: dict[str, str], tmp_path: Path) -> None:
    with ExitStack() as stack:
        made = scheduler(stack, env=runner)
        worker(stack, made.address, env=CODE)
        done = run_other("uses_a_module", tmp_path, {**runner, **made.env})
    missing = "No module named 'acme_rates'"
    done.failed(ERROR, "acme/workers:1", "acme/other:1", missing, is_retried=False)


@needs_metadata
class TestOtherVersions:
    """Versions that must be the same everywhere are compared."""

    def test_at_the_start(self, tmp_path: Path) -> None:
        image = image_with(tmp_path / "image", "cloudpickle", "0.9")
        with cluster(workers=2, nannies=False, env=image) as made:
            done = run_other("sees", tmp_path, {**ON_FLYTE, **made.env})
        versions = ("cloudpickle", version("cloudpickle"), "0.9")
        done.failed(ERROR, *versions, "runner (acme/other:1)", is_retried=False)

    def test_of_a_worker_that_joins_late(self, started: Cluster, tmp_path: Path) -> None:
        image = image_with(tmp_path / "image", "cloudpickle", "0.9")
        with ExitStack() as stack:
            done = run_other_and_act(
                "waits",
                tmp_path,
                started.env,
                lambda: worker(stack, started.address, 9, env=image),
            )
            (tmp_path / "file").touch()
        done.failed(ERROR, "cloudpickle", "0.9", is_retried=False)
