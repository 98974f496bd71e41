"""Packages of presets: real packages, built and installed by pip, in a separate process."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest

from flyte_dask import ShadowedPreset, UnknownPreset, presets
from flyte_dask.catalog import NAMES
from flyte_dask.catalog.preset_packages import PresetPackage, find
from tests.support.processes import pip_install, run

MODULE = """
from flyte_dask import presets
from flyte_dask.presets import large

etl = presets.define("acme.etl", large(20).with_workers(mem="32Gi"), doc="nightly")
medium = presets.define("medium", presets.medium(2))
_hidden = presets.define("acme.hidden", large())
"""
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "{name}"
version = "1.2"
[project.entry-points."flyte_dask.presets"]
{entries}
[tool.hatch.build.targets.wheel]
packages = ["{module}"]
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed a good package of presets, and one with broken ones."""
    target = tmp_path_factory.mktemp("site")
    packages = {
        "acme-presets": ("acme_presets", MODULE, 'acme = "acme_presets"'),
        "bad-presets": (
            "bad_presets",
            "number = 5\n",
            'a = "bad_presets:number"\nb = "bad_presets:gone"\nc = "nowhere"\n',
        ),
    }
    for name, (module, code, entries) in packages.items():
        folder = tmp_path_factory.mktemp(module)
        (folder / module).mkdir()
        (folder / module / "__init__.py").write_text(code, encoding="utf-8")
        project = PROJECT.format(name=name, entries=entries, module=module)
        (folder / "pyproject.toml").write_text(project, encoding="utf-8")
        pip_install(folder, target)
    return target


def output(installed: Path, program: str) -> list[str]:
    """The output of *program* with the packages installed."""
    paths = [str(installed), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = run(
        sys.executable,
        "-c",
        "from flyte_dask import *\n" + textwrap.dedent(program),
        env={"PYTHONPATH": os.pathsep.join(paths)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_all_are_listed_with_where_they_come_from(installed: Path) -> None:
    program = """
        for package in presets.packages():
            print(package, *(each.name for each in package.presets), package.error or "")
    """
    assert output(installed, program) == [
        f"flyte-dask (built in) {' '.join(NAMES)} ",
        "acme-presets 1.2 acme.etl medium ",
        "bad-presets 1.2 bad_presets:number is neither a Preset nor a module with presets",
        (
            "bad-presets 1.2 bad_presets:gone: AttributeError: "
            "module 'bad_presets' has no attribute 'gone'"
        ),
        "bad-presets 1.2 nowhere: ModuleNotFoundError: No module named 'nowhere'",
    ]


def test_one_is_found_by_its_name_and_has_its_file_as_origin(installed: Path) -> None:
    program = """
        etl = presets.get("acme.etl")
        print(etl(40) == presets.large(40).with_workers(mem="32Gi"), etl.doc)
        origin = etl().origins["workers.mem"]
        print(origin.preset, origin.call_site.file, origin.call_site.line)
    """
    file = installed / "acme_presets" / "__init__.py"
    assert output(installed, program) == ["True nightly", f"acme.etl {file} 5"]


def test_shadowing_is_an_error_unless_a_source_is_selected(installed: Path) -> None:
    program = """
        try:
            presets.get("medium")
        except ShadowedPreset as error:
            print(error)
        print(presets.get("medium", source="flyte-dask") is presets.medium)
        print(presets.get("medium", source="acme-presets")().workers.number_of_workers)
        print(presets.get("large") is presets.large)
    """
    assert output(installed, program) == [
        "1 problem in presets.get(...) at <string>:4",
        (
            "  name   'medium' is a preset of flyte-dask (built in) and of acme-presets 1.2: "
            "select one: presets.get('medium', source='acme-presets')"
        ),
        "True",
        "2",
        "True",
    ]


def test_a_team_file_builds_on_no_preset_that_another_shadows(
    installed: Path, tmp_path: Path
) -> None:
    file = tmp_path / "flyte-dask.toml"
    file.write_text('[presets.nightly]\nextends = "medium"\n')
    program = f"""
        try:
            presets.get("nightly", file={str(file)!r})
        except InvalidConfig as error:
            print(*error.problems[0][:5])
    """
    assert output(installed, program) == [
        (
            "presets.nightly.extends medium is a preset of flyte-dask (built in) and of "
            "acme-presets 1.2 extend a preset with another name 2"
        )
    ]


def test_an_unknown_name_suggests_the_nearest_and_lists_broken_packages(
    installed: Path,
) -> None:
    program = """
        try:
            presets.get("acme.elt")
        except UnknownPreset as error:
            print(error)
    """
    first, second, *others = output(installed, program)
    assert first == "4 problems in presets.get(...) at <string>:4"
    assert second == ("  name       'acme.elt' is an unknown preset: did you mean 'acme.etl'?")
    assert [line.partition("could not")[0] for line in others] == [
        "  packages   'bad-presets 1.2' "
    ] * 3


MEDIUM = presets.define("medium", presets.medium(2))
PACKAGES = [PresetPackage("one", "1.0", (presets.medium,)), PresetPackage("two", "2.0", (MEDIUM,))]


def test_a_source_restricts_the_search() -> None:
    assert find("medium", PACKAGES, "two") is MEDIUM
    with pytest.raises(ShadowedPreset):
        find("medium", PACKAGES, None)
    with pytest.raises(UnknownPreset, match="did you mean 'two'"):
        find("medium", PACKAGES, "twoo")
    with pytest.raises(UnknownPreset, match="is an unknown preset"):
        find("large", PACKAGES, "one")


def test_a_built_in_preset_is_found_by_its_name() -> None:
    built_in = presets.packages()[0].presets
    assert [presets.get(preset.name) for preset in built_in] == [*built_in]
