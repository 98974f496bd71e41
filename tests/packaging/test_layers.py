"""The arrows of the house run one way, and importing it is almost free."""

from __future__ import annotations

import json
import sys

from tests.support.processes import BIN, run

# Names that the interpreter and its start-up files bring along, whatever is imported.
_LOADED = """
import json, sys
before = set(sys.modules)
import {module}
loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(json.dumps(sorted(loaded - sys.stdlib_module_names)))
"""


def test_the_contracts_hold() -> None:
    """They stand in pyproject.toml, under ``tool.importlinter``.

    In a process of its own, since it silences the loggers of others.
    """
    done = run(BIN / "lint-imports", "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dsl_needs_attrs_only() -> None:
    assert _loaded("flyte_dask") == {"attr", "attrs", "flyte_dask"}


def test_the_plugin_loads_neither_dask_nor_betterproto() -> None:
    """With flytekit, which loads a great deal itself."""
    loaded = _loaded("flytekitplugins.dask.task")
    assert {"flytekit", "flytekitplugins", "flyte_dask"} <= loaded
    assert not {"betterproto", "bokeh", "dask", "distributed", "flyte_dask_idl"} & loaded


_WHILE_OTHERS_IMPORT = """
import sys

class Finder:
    @property
    def _path_cache(self):  # when it is looked at, another thread has looked into a folder
        sys.path_importer_cache[f"folder {len(sys.path_importer_cache)}"] = None
        return ()

sys.path_importer_cache["nowhere"] = Finder()
import flyte_dask
"""


def test_it_is_imported_while_other_threads_import() -> None:
    done = run(sys.executable, "-c", _WHILE_OTHERS_IMPORT)
    assert (done.returncode, done.stderr) == (0, "")


def _loaded(module: str) -> set[str]:
    """The packages that importing *module* loads in a new interpreter, those of Python left out."""
    done = run(sys.executable, "-c", _LOADED.format(module=module))
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))
