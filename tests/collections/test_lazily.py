"""The types are there once a program has imported Dask's collections, and cost nothing before."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.parts import needs_arrays
from tests.support.processes import run

pytestmark = pytest.mark.once


def output(program: str, folder: Path) -> str:
    """What *program* prints, as a file in *folder*."""
    (folder / "program.py").write_text(program)
    done = run(sys.executable, folder / "program.py")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_importing_the_plugin_loads_none_of_it(tmp_path: Path) -> None:
    program = """
import sys, flytekit
from flytekitplugins.dask import Dask
from flytekit import task

@task(task_config=Dask())
def f(x: int) -> int:
    return x

heavy = {"dask", "distributed", "zarr"}
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(heavy & loaded), any("collections" in name for name in sys.modules if "flyte" in name))
"""
    assert output(program, tmp_path) == "[] False\n"


def test_a_plain_program_that_imports_dask_has_them(tmp_path: Path) -> None:
    """Without a config; whichever is imported last."""
    program = """
import flytekit
from flytekit.core.type_engine import TypeEngine
import dask.array as da
print(TypeEngine.to_literal_type(da.Array).blob.format)
import dask.dataframe as dd
print(TypeEngine.to_literal_type(dd.DataFrame).structured_dataset_type.format == "")
print(TypeEngine.get_transformer(list[dd.DataFrame]).name)
"""
    assert output(program, tmp_path) == "zarr\nTrue\nTyped List\n"


def test_a_half_imported_module_does_no_harm(tmp_path: Path) -> None:
    """As when a type is looked up by another thread, or while Dask is imported."""
    program = """
import sys, types, flytekit
from flytekit.core.type_engine import TypeEngine
sys.modules["dask.dataframe"] = types.ModuleType("dask.dataframe")
TypeEngine.to_literal_type(int)
del sys.modules["dask.dataframe"]
import dask.dataframe as dd
print(TypeEngine.to_literal_type(dd.DataFrame).structured_dataset_type.format == "")
"""
    assert output(program, tmp_path) == "True\n"


@needs_arrays
def test_a_missing_package_is_an_error_that_names_the_extra(tmp_path: Path) -> None:
    program = """
import sys, importlib.util
known = importlib.util.find_spec
importlib.util.find_spec = lambda name, *a: None if name == "zarr" else known(name, *a)
from flytekit import task
from flyte_dask.errors import MissingExtra
import dask.array as da

@task
def f() -> da.Array:
    return da.ones(3)

try:
    f()
except MissingExtra as error:
    print(str(error).splitlines()[-1].strip())
"""
    assert output(program, tmp_path) == (
        "Dask Arrays are written and read as Zarr arrays, but zarr is not installed: install "
        "flyte-dask with its extra 'array' in the images of the task and its cluster\n"
    )


def test_types_of_a_programs_own_stay(tmp_path: Path) -> None:
    """Those that it registers before ours are looked up."""
    program = """
import flytekit
import dask.array as da
import dask.dataframe as dd
from flytekit.core.type_engine import TypeEngine, TypeTransformer
from flytekit.models.types import LiteralType, SimpleType
from flytekit.types.structured.structured_dataset import (
    StructuredDatasetEncoder,
    StructuredDatasetTransformerEngine,
)


class Mine(TypeTransformer):
    def __init__(self):
        super().__init__("mine", da.Array)

    def get_literal_type(self, t):
        return LiteralType(simple=SimpleType.STRING)


class Encoder(StructuredDatasetEncoder):
    def __init__(self):
        super().__init__(dd.DataFrame, None, "parquet")

    def encode(self, ctx, structured_dataset, structured_dataset_type):
        raise NotImplementedError


TypeEngine.register(Mine())
StructuredDatasetTransformerEngine.register(Encoder())
TypeEngine.to_literal_type(int)
print(TypeEngine.get_transformer(da.Array).name)
found = StructuredDatasetTransformerEngine.get_encoder(dd.DataFrame, "file", "parquet")
print(type(found).__name__)
"""
    assert output(program, tmp_path) == "mine\nEncoder\n"
