"""Versions in runner, scheduler and workers are compared before the function runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import distributed.versions
import pytest
from flyteidl.core.errors_pb2 import ContainerError

from flyte_dask import Dask
from flyte_dask_engine.monitor.diagnosis import Subject
from flyte_dask_engine.session.versions import (
    Difference,
    Installed,
    check_joined,
    differences,
    table,
)
from tests.support import using
from tests.support.backend import Cluster, cluster
from tests.support.paths import PROJECT
from tests.support.runner import run_task

SAME = {
    "python": "3.11",
    "dask": "2026.8.0",
    "distributed": "2026.8.0",
    "cloudpickle": "3.1.2",
    "msgpack": "1.1.0",
    "tornado": "6.5",
    "toolz": "1.0.0",
    "numpy": "2.3.1",
    "pandas": "2.3.0",
    "pyarrow": "26.0.1",
}


def without(name: str) -> dict[str, str]:
    return {each: text for each, text in SAME.items() if each != name}


def where(
    runner: Mapping[str, str] | None = None,
    scheduler: Mapping[str, str] | None = None,
    *workers: Mapping[str, str],
) -> Installed:
    """The same versions everywhere, except for the given ones."""
    named = {f"worker-{number}": {**SAME, **each} for number, each in enumerate(workers)}
    return Installed({**SAME, **(runner or {})}, {**SAME, **(scheduler or {})}, named)


class TestDifferences:
    """Differences that break the cluster, harmless ones, and none."""

    def test_none(self) -> None:
        assert list(differences(where({}, {}, {}, {}))) == []

    @pytest.mark.parametrize("name", ["python", "dask", "distributed", "cloudpickle"])
    def test_what_breaks_everywhere(self, name: str) -> None:
        other = {name: "1.0"}
        for installed in (
            where(other, {}, {}),
            where({}, other, {}),
            where({}, {}, {}, other),
            where({}, other),  # without one worker
        ):
            assert list(differences(installed)) == [Difference(name, breaks=True)]

    @pytest.mark.parametrize("name", ["msgpack", "tornado", "toolz"])
    def test_what_is_harmless(self, name: str) -> None:
        other = {name: "1.0"}
        for installed in (where(other, {}, {}), where({}, other, {}), where({}, {}, {}, other)):
            assert list(differences(installed)) == [Difference(name, breaks=False)]

    @pytest.mark.parametrize("name", ["numpy", "pandas", "pyarrow"])
    def test_of_data_only_between_runner_and_workers(self, name: str) -> None:
        assert list(differences(where({}, {name: "1.0"}, {}))) == []
        assert list(differences(Installed(SAME, without(name), {"w": SAME}))) == []

    @pytest.mark.parametrize(
        ("ours", "theirs", "breaks"),
        [
            ("2.3.1", "2.3.0", False),
            ("2.3.1", "2.4.0", False),
            ("2.3.1", "1.26.4", True),
            ("2.3.1", "3.0.0rc1", True),
            ("2.3.1", None, True),
            (None, "2.3.1", False),
        ],
    )
    def test_of_data_by_their_major_version(
        self, ours: str | None, theirs: str | None, breaks: bool
    ) -> None:
        runner, worker = (
            without("numpy") if each is None else {**SAME, "numpy": each} for each in (ours, theirs)
        )
        found = list(differences(Installed(runner, SAME, {"a": runner, "b": worker})))
        assert found == [Difference("numpy", breaks)]


IMAGES = {"runner": "", "scheduler": "", "workers": ""}
SUBJECT = Subject("etl", "tcp://10.0.0.7:8786", IMAGES, Dask().resolve())


@pytest.mark.parametrize(
    ("packages", "is_wrong"),
    [
        ({"dask": "2026.7.1"}, True),
        ({"toolz": "0.12"}, False),
        ({"numpy": "1.26"}, False),
        ({}, False),
    ],
)
def test_a_worker_that_joins_late(packages: Mapping[str, str], is_wrong: bool) -> None:
    """Its versions of data packages are unknown."""
    report = {"host": {"python": "3.11.7.final.0"}, "packages": {**SAME, **packages}}
    found = check_joined(where({}, {}, {}), "late-worker", report, SUBJECT)
    assert (found is not None) == is_wrong
    if found is not None:
        assert "  dask   2026.8.0   2026.8.0    2026.7.1\n" in str(found)


def test_a_worker_that_joins_late_and_reports_no_versions() -> None:
    assert check_joined(where(), "late-worker", {}, SUBJECT) is None


def test_the_table_names_versions_workers_and_images() -> None:
    workers = [{"dask": "2026.7.1"} if number else {} for number in range(6)]
    installed = where({"toolz": "0.12"}, {}, *workers)
    images = {"runner": "acme/task:1", "scheduler": "", "workers": "acme/workers:2"}
    shown = table(list(differences(installed)), installed, images)
    assert shown == (
        "          runner (acme/task:1)   scheduler   workers (acme/workers:2)\n"
        "  dask    2026.8.0               2026.8.0    2026.7.1 (worker-1, worker-2, worker-3 and 2"
        " more), 2026.8.0 (worker-0)\n"
        "  toolz   0.12                   1.0.0       1.0.0"
    )


def image_with(folder: Path, package: str, other: str) -> dict[str, str]:
    """The environment of an image in which *package* has another version."""
    metadata = folder / f"{package}-{other}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {package}\nVersion: {other}\n"
    )
    return {"PYTHONPATH": f"{folder}:{PROJECT}"}


needs_metadata = pytest.mark.skipif(
    "metadata" not in Path(distributed.versions.__file__).read_text(encoding="utf-8"),
    reason="this distributed asks the modules themselves, which in these images are the same",
)


@pytest.mark.once
@needs_metadata
def test_differences_that_break_are_an_error_before_the_function_runs(tmp_path: Path) -> None:
    """Of packages of Dask, and of data."""
    packages = ("cloudpickle", "pandas")
    *_, image = [image_with(tmp_path / "image", each, "0.9") for each in packages]
    with cluster(workers=2, nannies=False, env=image) as started:
        done = run_task(using.anywhere, tmp_path, started.env)
    title = ["", "runner (acme/task:1)", "scheduler (acme/scheduler:1)", "workers (acme/workers:1)"]
    rows = [title, *([each, version(each), "0.9", "0.9"] for each in packages)]
    widths = [max(map(len, packages)), *map(len, title[1:])]
    shown = ["  " + "   ".join(map(str.ljust, each, widths)).rstrip() for each in rows]
    assert done.error.kind == ContainerError.NON_RECOVERABLE
    assert (
        "tests.support.using.anywhere: incompatible versions in its cluster:\n"
        f"{shown[0]}\n{shown[1]}\n{shown[2]}\n"
        "Use one image for all pods: roles without an image have the task's. "
        "To run anyway: Runtime(check_versions=False)"
    ) in done.message
    assert done.logged() == []


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with a harmless difference."""
    folder = tmp_path_factory.mktemp("image")
    with cluster(workers=1, env=image_with(folder, "toolz", "0.9")) as made:
        yield made


@pytest.mark.slow
def test_a_harmless_difference_is_a_warning(started: Cluster, tmp_path: Path) -> None:
    done = run_task(using.anywhere, tmp_path, started.env)
    (level, first), *_ = done.logged()
    assert done.result == 3
    assert level == "WARNING"
    assert first.startswith("tests.support.using.anywhere: versions differ:\n")
    assert "  toolz   " in first


@pytest.mark.slow
def test_nothing_is_compared_if_disabled(started: Cluster, tmp_path: Path) -> None:
    env = {**started.env, "FLYTE_DASK_CHECK_VERSIONS": "no"}
    done = run_task(using.anywhere, tmp_path, env)
    assert [level for level, _ in done.logged()] == ["INFO", "INFO"]
