"""The distribution: the wheel, built from the sdist, holds the packages and nothing else."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import pytest

from flyte_dask.rules import RULES
from tests.support.paths import DOCS, PROJECT
from tests.support.processes import BIN, build_wheel, pip_install, run

pytestmark = [pytest.mark.once, pytest.mark.source]

PACKAGES = {
    "flyte_dask": "dsl/flyte_dask",
    "flyte_dask_idl": "generated/flyte_dask_idl",
    "flyte_dask_cli": "plugin/flyte_dask_cli",
    "flyte_dask_engine": "plugin/flyte_dask_engine",
    "flyte_dask_pytest": "plugin/flyte_dask_pytest",
    "flyte_dask_records": "plugin/flyte_dask_records",
    "flyte_dask_sizing": "plugin/flyte_dask_sizing",
    "flytekitplugins/dask": "plugin/flytekitplugins/dask",
    "flyteplugins/flyte_dask": "plugin/flyteplugins/flyte_dask",
}
ADVICE = [*(DOCS / "advice").glob("*.md")]


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
    pages = {f"flyte_dask_cli/advice/{path.name}": path.read_bytes() for path in ADVICE}
    names = {name for name in wheel if ".dist-info/" not in name}
    expected = {**shipped, **pages}
    assert names == expected.keys()
    assert [name for name in names if wheel[name] != expected[name]] == []
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


def test_the_wheel_has_the_page_of_each_rule(wheel_file: Path, tmp_path: Path) -> None:
    """The command prints it without the sources."""
    pip_install(wheel_file, tmp_path)
    folder = tmp_path / "flyte_dask_cli"
    for code in RULES:
        assert (folder / "advice" / f"{code}.md").is_file(), code
    command = (sys.executable, "-m", "flyte_dask_cli", "rules", "zero-default")
    code = "import flyte_dask_cli; print(flyte_dask_cli.__file__)"
    env = {"PYTHONPATH": str(tmp_path)}
    assert run(sys.executable, "-c", code, cwd=tmp_path, env=env).stdout.startswith(str(folder))
    done = run(*command, cwd=tmp_path, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# CPUs or memory of zero\n\nRule `zero-default`")
    assert done.stdout == run(BIN / "flyte-dask", "rules", "zero-default").stdout


def test_the_plugin_keeps_its_namespace_open(wheel: dict[str, bytes]) -> None:
    """With an ``__init__`` in the wheel, other plugins of an SDK could not be imported."""
    assert not {"flytekitplugins/__init__.py", "flyteplugins/__init__.py"} & wheel.keys()
