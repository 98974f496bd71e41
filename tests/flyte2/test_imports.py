"""The adapter registers itself, whichever package is imported first, and costs others nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.processes import run

pytestmark = pytest.mark.once

USE = """
import json, sys
env = flyte.TaskEnvironment(name="etl", plugin_config=presets.medium(2))
@env.task
def number() -> int: ...
print(json.dumps([type(number).__module__, sorted(set(sys.modules) & {heavy})]))
"""
HEAVY = {"betterproto", "bokeh", "dask", "distributed", "flyte_dask_idl", "flytekit"}


def output(source: str) -> object:
    """What a program prints, as JSON."""
    done = run(sys.executable, "-W", "error", "-c", source)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "imports",
    [
        "import flyte; from flyte_dask import presets",
        "from flyte_dask import presets; import flyte",
        "import flyte; from flyteplugins.flyte_dask import presets",
        "from flyteplugins.flyte_dask import presets; import flyte",
        "import flyteplugins.flyte_dask.errors, flyte; from flyte_dask import presets",
        "import flytekit, flyte; from flyte_dask import presets; del sys.modules['flytekit']",
    ],
)
def test_configs_are_known_to_the_sdk(imports: str) -> None:
    """Without Dask and betterproto, which only registration and tasks need."""
    found = output(f"import sys; {imports}\n{USE.format(heavy=HEAVY)}")
    assert found == ["flyteplugins.flyte_dask.task", []]


def test_importing_flytekit_imports_nothing_of_it() -> None:
    names = "sorted(each for each in sys.modules if each.startswith(('flyte.', 'flyteplugins')))"
    assert output(f"import flytekit, json, sys; print(json.dumps({names}))") == []


def test_importing_the_dsl_imports_nothing_of_it() -> None:
    """Though it looks out for the SDK."""
    names = "sorted(each for each in sys.modules if each.startswith(('flyte.', 'flyteplugins')))"
    assert output(f"import flyte_dask, json, sys; print(json.dumps({names}))") == []


def test_the_finder_is_gone_once_the_sdk_is_imported() -> None:
    source = (
        "import flyte_dask, sys, json; before = len(sys.meta_path); import flyte; "
        "print(json.dumps(before - len(sys.meta_path)))"
    )
    assert output(source) == 1


def test_an_sdk_that_it_does_not_know_is_a_warning(tmp_path: Path) -> None:
    """Programs that use something else of that name go on."""
    (tmp_path / "flyte.py").write_text("wing = 1\n")
    source = "import flyte_dask, flyte; print(flyte.wing)"
    done = run(sys.executable, "-c", source, env={"PYTHONPATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert "cannot register with the SDK of Flyte 2" in done.stderr
    assert "install flyte-dask with its extra 'flyte2'" in done.stderr


BOTH = """
import flyte, flytekit, json
from dask.delayed import delayed
from flyte_dask import presets
config = presets.small(workers=2)
def total() -> int:
    return delayed(sum)([1, 2]).compute()
flyte.init()
run = flyte.with_runcontext(mode="local").run(
    flyte.TaskEnvironment(name="etl", plugin_config=config).task(total)
)
print(json.dumps([flytekit.task(task_config=config)(total)(), run.outputs()[0]]))
"""


def test_tasks_of_both_sdks_run_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "both.py").write_text(BOTH)
    done = run(sys.executable, tmp_path / "both.py")
    assert done.stdout.splitlines()[-1:] == ["[3, 3]"], done.stderr
