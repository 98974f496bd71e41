"""The distribution: the wheel, built from the sdist, holds the packages and nothing else."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.paths import PROJECT
from tests.support.processes import build_wheel, pip_install, run

pytestmark = [pytest.mark.once, pytest.mark.source]

PACKAGES = {
    "flyte_dask": "dsl/flyte_dask",
    "flyte_dask_idl": "generated/flyte_dask_idl",
    "flyte_dask_cli": "plugin/flyte_dask_cli",
    "flyte_dask_engine": "plugin/flyte_dask_engine",
    "flyte_dask_pytest": "plugin/flyte_dask_pytest",
    "flytekitplugins/dask": "plugin/flytekitplugins/dask",
    "flyteplugins/flyte_dask": "plugin/flyteplugins/flyte_dask",
}


@pytest.fixture(scope="module")
def wheel_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    folder = tmp_path_factory.mktemp("dist")
    wheel = build_wheel(folder)
    assert len([*folder.glob("*.tar.gz")]) == 1
    return wheel


@pytest.fixture(scope="module")
def wheel(wheel_file: Path) -> dict[str, bytes]:
    """The contents of the wheel, by name."""
    with zipfile.ZipFile(wheel_file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_holds_the_shipped_packages_and_nothing_else(wheel: dict[str, bytes]) -> None:
    shipped = {
        f"{package}/{path.relative_to(PROJECT / folder).as_posix()}": path.read_bytes()
        for package, folder in PACKAGES.items()
        for path in (PROJECT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    names = {name for name in wheel if ".dist-info/" not in name}
    assert {name: wheel[name] for name in names} == shipped
    assert {name.partition(".dist-info/")[2] for name in wheel.keys() - names} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }


def test_every_shipped_package_is_typed(wheel: dict[str, bytes]) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= wheel.keys()


def test_every_public_name_of_the_dsl_has_a_type(wheel_file: Path, tmp_path: Path) -> None:
    """As pyright sees the installed wheel. (The plugin builds on flytekit, which has no types.)"""
    pip_install(wheel_file, tmp_path)
    command = ["-m", "pyright", "--verifytypes", "flyte_dask", "--ignoreexternal", "--outputjson"]
    done = run(sys.executable, *command, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    report = json.loads(done.stdout)["typeCompleteness"]
    assert report["pyTypedPath"].startswith(str(tmp_path))
    symbols = [each for each in report["symbols"] if each["isExported"]]
    assert [each["name"] for each in symbols if not each["isTypeKnown"]] == []
    assert report["completenessScore"] == 1


def test_the_plugin_keeps_its_namespace_open(wheel: dict[str, bytes]) -> None:
    """With an ``__init__`` in the wheel, other plugins of an SDK could not be imported."""
    assert not {"flytekitplugins/__init__.py", "flyteplugins/__init__.py"} & wheel.keys()
