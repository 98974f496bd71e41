"""Code that an SDK hands over as an archive is imported by scheduler and workers."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.backend import Cluster, cluster
from tests.support.other_runner import CODE, ON_FLYTE, run_other
from tests.support.other_sdk import CODE as ARCHIVE
from tests.support.paths import PROJECT

pytestmark = pytest.mark.once

MODULE = """
from pathlib import Path

def rate(number):
    return number * int(Path(__file__).with_name("factor.txt").read_text())
"""


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """Two workers, without the code of the archive."""
    with cluster(workers=2, nannies=False, env=CODE) as made:
        yield made


@pytest.fixture
def runner(tmp_path: Path) -> dict[str, str]:
    """The environment of a runner, which has the archive and its files."""
    files = {"acme_rates.py": MODULE, "factor.txt": "7"}
    with tarfile.open(tmp_path / "code.tgz", "w:gz") as archive:
        for name, text in files.items():
            (tmp_path / name).write_text(text)
            archive.add(tmp_path / name, name)
    return {
        **ON_FLYTE,
        ARCHIVE: str(tmp_path / "code.tgz"),
        "PYTHONPATH": f"{tmp_path}:{PROJECT}",
    }


def test_it_is_imported_in_the_cluster(
    runner: dict[str, str], started: Cluster, tmp_path: Path
) -> None:
    """So are its data files."""
    done = run_other("uses_a_module", tmp_path, {**runner, **started.env})
    assert done.result == [0, 7, 14, 21]


def test_it_is_missing_there_if_it_is_not_uploaded(runner: dict[str, str], tmp_path: Path) -> None:
    with cluster(workers=1, nannies=False, env=CODE) as empty:
        env = {**runner, **empty.env, "FLYTE_DASK_SHIP_CODE": "0"}
        done = run_other("uses_a_module", tmp_path, env)
    error = "tests.support.other_sdk.WrongEnvironment"
    done.failed(error, "No module named 'acme_rates'", is_retried=False)


def test_the_cluster_ends_without_errors(runner: dict[str, str], tmp_path: Path) -> None:
    """Its processes, which keep the code, remove it when they end."""
    with cluster(workers=1, nannies=False, env=CODE) as ending:
        run_other("uses_a_module", tmp_path, {**runner, **ending.env})
        processes = [*ending.workers, ending.scheduler]
        assert [each.stop() for each in processes] == [0, 0]
    assert [each.output for each in processes if "ERROR" in each.output] == []
