"""Neither the engine nor the pytest fixture imports an SDK."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.processes import run

_IMPORT_ALL = """
import pkgutil, sys
from importlib import import_module
import flyte_dask_engine, flyte_dask_pytest

names = []
for package in (flyte_dask_engine, flyte_dask_pytest):
    names.append(package.__name__)
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    names += [each.name for each in found]
for name in names:
    import_module(name)
    loaded = {"flytekit", "flyte", "flyteidl", "flytekitplugins.dask"} & set(sys.modules)
    assert not loaded, f"{name} imports {loaded}"
print(len(names))
"""

# As sitecustomize, so that it blocks from the start.
_BLOCK = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"flytekit", "flyte", "flyteidl", "flytekitplugins"}:
            raise AssertionError(f"{name} is imported")

sys.meta_path.insert(0, Blocker())
"""

_TEST = """
import os

import pytest
from dask.delayed import delayed

from flyte_dask import Dask, InvalidConfig, presets


def test_threads(dask_session):
    client = dask_session(presets.medium(workers=2))
    assert client.scheduler_info()["workers"]
    assert delayed(os.getpid)().compute() == os.getpid()


def test_processes(dask_session):
    dask_session(Dask(workers=1).with_runtime(local="processes", report=True))
    assert delayed(os.getpid)().compute() != os.getpid()


def test_flytekit_is_blocked():
    with pytest.raises(AssertionError, match="flytekit is imported"):
        import flytekit
"""


def test_every_module_is_imported_without_one() -> None:
    done = run(sys.executable, "-c", _IMPORT_ALL)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30


def test_a_session_is_imported_without_one() -> None:
    """It lists them with the command that users can run to check it."""
    check = (
        "import flyte_dask_engine.session, sys; assert not {'flytekit', 'flyte'} & set(sys.modules)"
    )
    done = run(sys.executable, "-c", check)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_fixture_works_if_no_sdk_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(_BLOCK)
    (tmp_path / "test_sessions.py").write_text(_TEST)
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_sessions.py")
    done = run(*command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
