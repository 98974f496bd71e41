"""The code of a Flyte 2 task is imported by scheduler and workers, however it gets into the pod."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal, TypeAlias

import pytest
from flyteidl2.core.tasks_pb2 import TaskTemplate
from flyteidl2.task.common_pb2 import Inputs

from tests.support.backend import cluster
from tests.support.flyte2_runner import POD, Done, Registered, command
from tests.support.processes import run

pytestmark = pytest.mark.once

Copy: TypeAlias = Literal["none", "loaded_modules", "pkl"]

PIPELINE = """
import json

import flyte
import distributed
from dask.delayed import delayed

from acme.rates import rate, where
from flyteplugins.flyte_dask import Dask

env = flyte.TaskEnvironment(name="etl", plugin_config=Dask(workers=2).with_runtime(min_workers=2))


def local(number):
    return number + 100


@env.task
def asks(number: int) -> str:
    client = distributed.default_client()
    return json.dumps({
        "rates": client.gather(client.map(rate, range(number))),
        "bare": delayed(rate)(5).compute(),
        "local": client.submit(local, 1).result(),
        "workers": sorted(set(client.run(where).values())),
        "scheduler": client.run_on_scheduler(where),
    })
"""

RATES = """
from pathlib import Path


def rate(number):
    return number * 7


def where():
    folder = Path(__file__).parent.parent
    return "image" if folder.parent.name == "source" or folder.name == "source" else "bundle"
"""

# Pickled bundles are those of notebooks, whose functions are in `__main__`.
REGISTER = """
import sys
from pathlib import Path

sys.path[:0] = sys.argv[2].split(":")
import flyte

copy, folder = sys.argv[1], Path(sys.argv[3])
if copy == "pkl":
    exec(compile(Path(sys.argv[2].split(":")[0], "pipeline.py").read_text(), "cell", "exec"))
else:
    from pipeline import asks
flyte.init(root_dir=Path.cwd(), org="acme", project="etl", domain="development")
how = dict(interactive_mode=True) if copy == "pkl" else dict(copy_style=copy, version="v1")
made = flyte.with_runcontext(
    mode="remote", dry_run=True, copy_bundle_to=folder, **how
).run(asks, 3)
(folder / "template.pb").write_bytes(made.task_spec.task_template.SerializeToString())
(folder / "inputs.pb").write_bytes(made.inputs.proto_inputs.SerializeToString())
"""

SEEN = {"rates": [0, 7, 14], "bare": 35, "local": 101}


def registered(project: Path, roots: list[str], copy: Copy) -> Registered:
    """The task of a *project* whose modules are in its folders *roots*."""
    (project / "out").mkdir()
    paths = ":".join(str(project / "source" / root) for root in roots)
    done = run(
        *(sys.executable, "-c", REGISTER, copy, paths, project / "out"), cwd=project / "source"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    template = TaskTemplate.FromString((project / "out" / "template.pb").read_bytes())
    inputs = Inputs.FromString((project / "out" / "inputs.pb").read_bytes())
    return Registered(template, inputs)


def project(folder: Path, roots: list[str]) -> Path:
    """A project with a module in its first root, and a package in its last."""
    for root, name, source in (
        (roots[0], "pipeline.py", PIPELINE),
        (roots[-1], "acme/__init__.py", ""),
        (roots[-1], "acme/rates.py", RATES),
    ):
        path = folder / "source" / root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return folder


def asked(made: Registered, pod: Path, outputs: Path, env: dict[str, str]) -> Done:
    """The end of the task in a *pod* of that working directory, next to a cluster there."""
    pod.mkdir(exist_ok=True)
    given = {key: value for key, value in POD.items() if key != "PYTHONPATH"}
    with cluster(workers=2, nannies=False, env=env, cwd=pod) as two:
        done = run(*command(made, outputs), cwd=pod, env={**given, **env, **two.env})
    return Done(done.stdout + done.stderr, outputs)


@pytest.mark.parametrize(
    ("roots", "copy"),
    [(["."], "none"), (["."], "loaded_modules"), ([".", "src"], "loaded_modules")],
    ids=["image", "bundle", "bundle with src"],
)
def test_it_is_imported_in_the_cluster(roots: list[str], copy: Copy, tmp_path: Path) -> None:
    """From the working directory of the image, or from a bundle, and there from further folders."""
    made = registered(project(tmp_path, roots), roots, copy)
    pod = tmp_path / ("source" if copy == "none" else "pod")
    env = {"_F_SYS_PATH": ":".join(f"./{root}" for root in roots)}
    done = asked(made, pod, tmp_path / "run", env)
    where = "image" if copy == "none" else "bundle"
    assert done.result == {**SEEN, "workers": [where], "scheduler": where}


def test_that_of_a_pickled_task_travels_with_it(tmp_path: Path) -> None:
    """As in notebooks; its modules are in the image."""
    made = registered(project(tmp_path, ["."]), ["."], "pkl")
    done = asked(made, tmp_path / "source", tmp_path / "run", {})
    assert done.result == {**SEEN, "workers": ["image"], "scheduler": "image"}
