"""Tasks with configs of the official plugin, flyteplugins-dask, once they are adopted."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import flyte
import pytest

from flyte_dask import InvalidConfig
from flyteplugins.flyte_dask import Dask, Scheduler, WorkerGroup, adopt
from flyteplugins.flyte_dask.flyte_internals import TaskPluginRegistry
from flyteplugins.flyte_dask.task import DaskTask
from tests.support.backend import Cluster
from tests.support.flyte2_runner import CODE, POD, Done, register
from tests.support.flyte2_runner import command as command_of
from tests.support.paths import PROJECT
from tests.support.processes import run

official: Any = import_module("flyteplugins.dask")

SIZE = flyte.Resources(cpu=(1, 2), memory="2Gi")


@pytest.fixture(autouse=True)
def _adopted() -> Iterator[None]:
    """Adopt them during a test."""
    theirs: Any = TaskPluginRegistry.find(official.Dask)
    adopt()
    yield
    TaskPluginRegistry.register(official.Dask, theirs)


def number() -> int:
    """A function to make tasks of."""
    return 1


def task_of(config: object) -> Any:
    """The task of `number` with this config."""
    return flyte.TaskEnvironment(name="etl", plugin_config=config).task(number)


def test_their_config_becomes_one_of_ours() -> None:
    scheduler = official.Scheduler("acme/etl:3", SIZE)
    made = task_of(official.Dask(scheduler, official.WorkerGroup(4, None, SIZE)))
    assert isinstance(made, DaskTask)
    assert made.cluster_config == Dask(
        Scheduler("acme/etl:3", resources=SIZE), WorkerGroup(4, resources=SIZE)
    )


def test_the_message_stays_the_same() -> None:
    config = official.Dask(workers=official.WorkerGroup(4, "acme/etl:3", SIZE))
    TaskPluginRegistry.register(official.Dask, official.task.DaskTask)
    before = task_of(config).custom_config(cast("Any", None))
    adopt()
    assert task_of(config).custom_config(cast("Any", None)) == before


@pytest.mark.parametrize(
    ("config", "problems"),
    [
        (
            official.Dask(workers=official.WorkerGroup(0, "", flyte.Resources(memory="16GB"))),
            {
                "number_of_workers": "0 must be an integer from 1 to 4294967295: use 1 or more",
                "image": (
                    "'' is an empty image reference: use a reference such as 'acme/etl:3', or omit "
                    "it to use the task's image"
                ),
                "resources.memory": (
                    "'16GB' is not a Kubernetes quantity: did you mean '16Gi' (or '16G')?"
                ),
            },
        ),
        (
            official.Dask(workers=official.WorkerGroup(2, None, flyte.Resources(cpu=(4, 2)))),
            {
                "resources.cpu": (
                    "'2' is below the request '4': raise the limit or lower the request"
                )
            },
        ),
        (
            official.Dask(workers=official.WorkerGroup(2, None, flyte.Resources(gpu="A100:2"))),
            {
                "resources.gpu": (
                    "'A100:2' names a type of device, which a role cannot have: write gpu=2, and "
                    "set the type in the resources of the environment"
                )
            },
        ),
    ],
    ids=["many", "limit below request", "type of GPU"],
)
def test_what_they_accept_and_flyte_does_not(config: object, problems: dict[str, str]) -> None:
    with pytest.raises(InvalidConfig) as caught:
        task_of(config)
    assert {each.path: str(each) for each in caught.value.problems} == problems
    assert caught.value.call_site is not None
    assert caught.value.call_site.file == __file__


def test_a_number_of_workers_is_enough() -> None:
    """Where the official plugin ends in an AttributeError."""
    assert task_of(official.Dask(workers=cast("Any", 5))).cluster_config == Dask(workers=5)


def test_their_config_as_an_override() -> None:
    made: Any = task_of(Dask(workers=2))
    changed = made.override(plugin_config=official.Dask(workers=official.WorkerGroup(3)))
    assert changed.cluster_config == Dask(workers=3)


@pytest.mark.once
def test_unchanged_code_runs_in_a_session(two: Cluster, tmp_path: Path) -> None:
    """After the one call, a bare compute uses the cluster."""
    (tmp_path / "theirs.py").write_text(
        "import flyte\nfrom dask.delayed import delayed\n"
        "from flyteplugins.dask import Dask, WorkerGroup\n"
        "from tests.support.flyte2_tasks import names\n"
        "import json\n"
        "env = flyte.TaskEnvironment(name='t', plugin_config=Dask(workers=WorkerGroup(2)))\n\n"
        "@env.task\ndef asks() -> str:\n    return json.dumps(names())\n"
    )
    (tmp_path / "ours.py").write_text(
        "from flyteplugins.flyte_dask import adopt\nadopt()\nfrom theirs import asks, env\n"
    )
    from tests.support import flyte2_tasks as tasks

    made = register(tasks.idles)
    command = command_of(made, tmp_path / "run")
    command[-4:] = ["mod", "ours", "instance", "asks"]
    paths = f"{tmp_path}:{PROJECT}"
    done = run(*command, cwd=tmp_path, env={**POD, **CODE, **two.env, "PYTHONPATH": paths})
    result = Done(done.stdout + done.stderr, tmp_path / "run").result
    assert result == ["default-worker-0", "default-worker-1"]
