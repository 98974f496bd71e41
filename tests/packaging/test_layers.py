"""Packages import in one direction only, and importing them is fast."""

from __future__ import annotations

import json
import sys

from tests.support.processes import BIN, run

# Prints the packages that an import loads, without those that start-up files load.
_LOADED = """
import json, sys
before = set(sys.modules)
import {module}
loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(json.dumps(sorted(loaded - sys.stdlib_module_names)))
"""


def test_the_contracts_hold() -> None:
    """The contracts of import-linter in pyproject.toml.

    In a separate process, since import-linter disables existing loggers.
    """
    done = run(BIN / "lint-imports", "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dsl_loads_only_attrs() -> None:
    assert _loaded("flyte_dask") == {"attr", "attrs", "flyte_dask"}


def test_the_plugin_loads_neither_dask_nor_betterproto() -> None:
    """It loads flytekit, which loads many others."""
    loaded = _loaded("flytekitplugins.dask.task")
    assert {"flytekit", "flytekitplugins", "flyte_dask"} <= loaded
    assert not {"betterproto", "bokeh", "dask", "distributed", "flyte_dask_idl"} & loaded


_WHILE_OTHERS_IMPORT = """
import sys

class Finder:
    @property
    def _path_cache(self):  # each access adds an entry, as an import in another thread does
        sys.path_importer_cache[f"folder {len(sys.path_importer_cache)}"] = None
        return ()

sys.path_importer_cache["nowhere"] = Finder()
import flyte_dask
"""


def test_it_can_be_imported_while_other_threads_import() -> None:
    done = run(sys.executable, "-c", _WHILE_OTHERS_IMPORT)
    assert (done.returncode, done.stderr) == (0, "")


def _loaded(module: str) -> set[str]:
    """The packages that importing *module* loads in a new interpreter, without Python's own."""
    done = run(sys.executable, "-c", _LOADED.format(module=module))
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))
