"""The plugin under flytekit: what is registered, rejected, and serialized."""

from __future__ import annotations

import re
import sys
from collections import OrderedDict
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import flytekit
import pytest
from flytekit.configuration import Image, ImageConfig, SerializationSettings
from flytekit.core.task import TaskPlugins
from flytekit.models.task import TaskSpec
from flytekit.tools.translator import get_serializable

from flyte_dask import InvalidConfig, Resources
from flytekitplugins.dask import Dask, Runtime, Scheduler, WorkerGroup, presets
from flytekitplugins.dask.task import DaskTask
from tests.support.processes import run

SETTINGS = SerializationSettings(
    image_config=ImageConfig(
        default_image=Image("default", "acme/task", "1"),
        images=[Image("default", "acme/task", "1"), Image("etl", "acme/etl", "3")],
    )
)


def increment(number: int) -> int:
    """A function to make tasks of."""
    return number + 1


def test_the_official_plugins_names_are_exported() -> None:
    """In the same modules, including that of the task."""
    import flytekitplugins.dask as plugin
    from flytekitplugins.dask import task

    assert plugin.__all__ == [
        *("Dask", "ReadOptions", "Runtime", "Scheduler", "WorkerGroup", "presets")
    ]
    assert task.__all__ == ["Dask", "DaskTask", "Scheduler", "WorkerGroup"]
    assert TaskPlugins.find_pythontask_plugin(Dask) is DaskTask


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports",
    [
        "import flytekit; from flyte_dask import presets",
        "from flyte_dask import presets; import flytekit",
        "import flytekit; from flytekitplugins.dask import presets",
        "from flytekitplugins.dask import presets; import flytekit",
        "import flytekit, flyte_dask.catalog, flyte_dask; presets = flyte_dask.presets",
        # as pods do, for the configs of nodes
        "import flytekitplugins.dask.overrides, flytekit; from flyte_dask import presets",
        "import flyte_dask_engine.session.session, flytekit; from flyte_dask import presets",
        *(
            f"import flytekitplugins.dask.{name}, flytekit; from flyte_dask import presets"
            for name in ("images", "models", "registration")
        ),
    ],
)
def test_flytekit_knows_a_config_wherever_it_comes_from(imports: str) -> None:
    program = f"""
{imports}
from flytekit.core.task import TaskPlugins
print(TaskPlugins.find_pythontask_plugin(type(presets.small())).__name__)
"""
    done = run(sys.executable, "-c", program)
    assert (done.stdout, done.stderr) == ("DaskTask\n", "")


def test_importing_flytekit_loads_hardly_any_of_our_modules() -> None:
    program = """
import flytekit, sys
print(*sorted(name for name in sys.modules if name.startswith(("flyte_dask", "flytekitplugins."))))
"""
    loaded = "flytekitplugins.dask flytekitplugins.dask.plugin\n"
    assert run(sys.executable, "-c", program).stdout == loaded


def test_the_template_of_a_preset() -> None:
    task = flytekit.task(task_config=presets.medium(workers=5))(increment)
    assert isinstance(task, DaskTask)
    assert task.task_config == presets.medium(5)
    spec = get_serializable(OrderedDict(), SETTINGS, task)
    assert isinstance(spec, TaskSpec)
    template = spec.template
    assert template.type == "dask"
    scheduler = [{"name": "CPU", "value": "1"}, {"name": "MEMORY", "value": "4Gi"}]
    worker = [{"name": "CPU", "value": "2"}, {"name": "MEMORY", "value": "8Gi"}]
    assert template.custom == {
        "scheduler": {"resources": {"requests": scheduler, "limits": scheduler}},
        "workers": {"numberOfWorkers": 5, "resources": {"requests": worker, "limits": worker}},
    }


def test_image_templates_are_filled_in() -> None:
    config = Dask(
        Scheduler("{{.image.etl.fqn}}:{{.image.etl.version}}"),
        WorkerGroup(image="{{ .image.default }}"),
    )
    custom = flytekit.task(task_config=config)(increment).get_custom(SETTINGS)
    assert custom == {
        "scheduler": {"image": "acme/etl:3", "resources": {}},
        "workers": {"numberOfWorkers": 1, "image": "acme/task:1", "resources": {}},
    }


async def wait(number: int) -> int:
    """A coroutine function, which flytekit treats differently."""
    return number


@pytest.mark.parametrize("function", [increment, wait])
@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            presets.medium,
            "is a Preset, which makes configs: call it, as in presets.medium()",
        ),
        (WorkerGroup(4), "is a WorkerGroup, one part of a config: write Dask(workers=...)"),
        (Scheduler(), "is a Scheduler, one part of a config: write Dask(scheduler=...)"),
        (Runtime(), "is a Runtime, one part of a config: write Dask(runtime=...)"),
        (Resources(cpu=1), "is not a Dask: write Dask(...), or call a preset"),
        (Dask, "is a class, not a config: call it: Dask(...)"),
        (WorkerGroup, "is a class, not a config: call it: Dask(...)"),
    ],
)
def test_what_is_not_a_dask_config_is_rejected_at_decoration(
    config: object, message: str, function: Callable[..., Any]
) -> None:
    with pytest.raises(InvalidConfig, match=re.escape(message)) as caught:
        flytekit.task(task_config=config)(function)
    (problem,) = caught.value.problems
    assert (problem.path, problem.value) == ("task_config", config)
    assert caught.value.subject == f"@task of {function.__qualname__}"
    assert caught.value.call_site is not None
    assert caught.value.call_site.file == __file__


def test_a_dynamic_coroutine_function_is_rejected_at_decoration() -> None:
    with pytest.raises(
        InvalidConfig, match="flytekit does not support for dynamic tasks: use def"
    ) as caught:
        flytekit.dynamic(task_config=Dask())(wait)
    assert caught.value.subject == "@task of wait"


def test_the_task_class_rejects_what_is_not_a_config_too() -> None:
    config: Any = None
    with pytest.raises(InvalidConfig, match="None is not a Dask: write Dask"):
        DaskTask(config, increment)


_DECORATIONS = """
from functools import wraps
from flytekit import task
from flytekitplugins.dask import Dask

def function(x: int = 1) -> int:
    return x

def traced(function):
    @wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper

@task(  # decorated
    task_config=Dask(),
)
def decorated(
    x: int = 1,
) -> int:
    "A function whose signature takes lines."
    return x

@task(task_config=Dask())  # awaited
async def awaited() -> int:
    return 1

@task(task_config=Dask())  # wrapped
@traced
def wrapped(x: int = 1) -> int:
    return x

called = task(task_config=Dask())(function)  # called
"""


@pytest.mark.parametrize("name", ["decorated", "awaited", "wrapped", "called"])
def test_a_task_knows_the_line_of_its_decorator(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in Python 3.10, whose frames tell that of the function."""
    (tmp_path / f"decorations_{name}.py").write_text(_DECORATIONS)
    monkeypatch.syspath_prepend(tmp_path)
    task = getattr(import_module(f"decorations_{name}"), name)
    line = _DECORATIONS.splitlines()[task.call_site.line - 1]
    assert line.endswith(f"  # {name}")
