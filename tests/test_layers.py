"""The arrows of the house run one way, and importing it is almost free."""

from __future__ import annotations

import json
import sys

import pytest
from importlinter.cli import lint_imports

from tests.processes import run

# Names that the interpreter and its start-up files bring along, whatever is imported.
_LOADED = """
import json, sys
before = set(sys.modules)
import {module}
loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(json.dumps(sorted(loaded - sys.stdlib_module_names)))
"""


def test_the_contracts_hold(capsys: pytest.CaptureFixture[str]) -> None:
    """They stand in pyproject.toml, under ``tool.importlinter``."""
    status = lint_imports(no_cache=True)
    assert status == 0, capsys.readouterr().out


def test_the_dsl_needs_attrs_only() -> None:
    assert _loaded("flyte_dask") == {"attr", "attrs", "flyte_dask"}


def test_the_plugin_loads_neither_dask_nor_betterproto() -> None:
    """With flytekit, which loads a great deal itself."""
    loaded = _loaded("flytekitplugins.dask")
    assert {"flytekit", "flytekitplugins", "flyte_dask"} <= loaded
    assert not {"betterproto", "bokeh", "dask", "distributed", "flyte_dask_idl"} & loaded


def _loaded(module: str) -> set[str]:
    """The packages that importing *module* loads in a new interpreter, those of Python left out."""
    done = run(sys.executable, "-c", _LOADED.format(module=module))
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))
