"""Code of a fast registration is where it runs: in the scheduler, and in all workers to come."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.backend import WORKER, WORKER_HERE, cluster, scheduler, worker
from tests.support.processes import BIN, running
from tests.support.runner import Done, command_of, package, packaged, pod_of, run_packaged

pytestmark = pytest.mark.once

PIPELINE = """
import json

import distributed
from flytekit import task

from acme.rates import names_of_code, rate, where
from flytekitplugins.dask import Dask


@task(task_config=Dask(workers=2))
def asks() -> str:
    client = distributed.default_client()
    return json.dumps({
        "rates": client.gather(client.map(rate, range(4))),
        "workers": sorted(set(client.run(where).values())),
        "scheduler": client.run_on_scheduler(where),
        "shipped": sorted(set(client.run(names_of_code).values())),
    })


@task(task_config=Dask(workers=2))
def asks_late() -> str:
    client = distributed.default_client()
    seen = [len(client.run(rate, 1))]
    print("ready for another worker", flush=True)
    client.wait_for_workers(2)
    seen.append(sorted(client.run(rate, 1).values()))
    client.restart()
    seen.append(sorted(client.run(rate, 1).values()))
    return json.dumps(seen)
"""

RATES = """
from pathlib import Path


def rate(number):
    return number * int(Path(__file__).with_name("factor.txt").read_text())


def where():
    return Path(__file__).parent.parent.name


def names_of_code(dask_worker):
    names = sorted(dask_worker.plugins)
    return "|".join(name for name in names if name.startswith("flyte-dask-code-"))
"""

FILES = {"acme/rates.py": RATES, "acme/factor.txt": "7"}


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, of a fast registration."""
    return package(PIPELINE, tmp_path_factory.mktemp("fast"), "all", FILES)


def template_named(folder: Path, name: str) -> Any:
    (found,) = [each for each in packaged(folder) if each.id.name == f"pipeline.{name}"]
    return found


def test_it_takes_the_place_of_the_images(fast: Path, tmp_path: Path) -> None:
    """Also where that has been imported already; data files come along."""
    old = tmp_path / "image" / "acme"
    old.mkdir(parents=True)
    (old / "rates.py").write_text(RATES)
    (old / "factor.txt").write_text("1000")
    preload = ["--preload", "acme.rates"]
    line = [str(BIN / WORKER["v2"][0]), *WORKER["v2"][1:], *WORKER_HERE]
    env = {"PYTHONPATH": str(old.parent)}
    with ExitStack() as stack:
        started = scheduler(stack, env=env)
        for number in range(2):
            worker(stack, started.address, number, [*line, *preload], env)
        done = run_packaged(fast, template_named(fast, "asks"), tmp_path / "outputs", started.env)
    result = done.result
    (name,) = result["shipped"]
    assert name.startswith("flyte-dask-code-")
    assert result == {
        "rates": [0, 7, 14, 21],
        "workers": [name],
        "scheduler": "code",
        "shipped": [name],
    }


def test_workers_that_join_or_restart_later_have_it_too(fast: Path, tmp_path: Path) -> None:
    template = template_named(fast, "asks_late")
    pod, env = pod_of(fast, template)
    command = command_of(fast, template, tmp_path / "outputs")
    with ExitStack() as stack:
        started = stack.enter_context(cluster(workers=1))
        runner = stack.enter_context(
            running(command, "ready for another worker", {**env, **started.env}, cwd=pod)
        )
        worker(stack, started.address, 1)
        runner.popen.wait(60)
    done = Done(runner.output, tmp_path / "outputs")
    assert done.result == [1, [7, 7], [7, 7]]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, of one whose code is in the image."""
    return package(PIPELINE, tmp_path_factory.mktemp("plain"), "none", FILES)


@pytest.mark.parametrize(("registered", "ship_code"), [("plain", "1"), ("fast", "0")])
def test_without_fast_registration_or_wish_nothing_is_shipped(
    registered: str, ship_code: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder: Path = request.getfixturevalue(registered)
    template = template_named(folder, "asks")
    env = {"PYTHONPATH": str(folder / "source")}
    with cluster(workers=1, nannies=False, env=env) as started:
        env = {**started.env, "FLYTE_DASK_SHIP_CODE": ship_code}
        done = run_packaged(folder, template, tmp_path / "outputs", env)
    assert done.result == {
        "rates": [0, 7, 14, 21],
        "workers": ["source"],
        "scheduler": "source",
        "shipped": [""],
    }
