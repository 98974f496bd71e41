"""Tasks have the names, and modules the imports, that ``pyflyte`` gives them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from flytekit.tools.repo import find_common_root, list_packages_and_modules

from flyte_dask_cli.loading.targets import targets_of
from tests.support.command import flyte_dask
from tests.support.processes import BIN, run, unpack
from tests.support.runner import packaged

pytestmark = pytest.mark.once

TASK = """
from flytekit import task
from flytekitplugins.dask import presets


@task(task_config=presets.small())
def total(day: int) -> int:
    return day
"""
FILES = {
    "project/pipelines/etl.py": f"from pipelines import shared\n{TASK}",
    "project/pipelines/shared.py": TASK,
    "project/pipelines/daily/late.py": TASK,
    "project/siblings/etl.py": f"import shared\n{TASK}",
    "project/siblings/shared.py": TASK,
    "project/acme/__init__.py": TASK,
    "project/acme/etl/__init__.py": "",
    "project/acme/etl/deep.py": f"from acme.etl import deeper\n{TASK}",
    "project/acme/etl/deeper.py": TASK,
    "project/acme/scripts/loose.py": TASK,
    "project/src/corp/__init__.py": "",
    "project/src/corp/etl.py": f"from {{}}corp.shared import total as shared\n{TASK}",
    "project/src/corp/shared.py": TASK,
    "project/one-off.py": TASK,
    "project/a.b.py": "raise RuntimeError('never imported')",
    "elsewhere/alone.py": TASK,
    "elsewhere/packed/__init__.py": "",
    "elsewhere/packed/inside.py": TASK,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which commands run."""
    folder = tmp_path_factory.mktemp("roots")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{}", ""))
    (folder / "project" / "linked").symlink_to("acme")
    (folder / "project" / "acme" / "etl" / "again").symlink_to("../../../elsewhere/packed")
    (folder / "project" / "linked.py").symlink_to("../elsewhere/packed/inside.py")
    return folder / "project"


def registered(folder: Path, *args: str) -> CompletedProcess[str]:
    """``pyflyte register``, without a backend."""
    command: list[str | Path] = [BIN / "pyflyte", "register", "--dry-run", "--copy", "none"]
    options = ["--version", "1", "--image", "acme/etl:3"]
    env = {"COLUMNS": "1000", "PYTHONDONTWRITEBYTECODE": "1", "FLYTECTL_CONFIG": os.devnull}
    return run(*command, *options, *args, cwd=folder, env=env)


def names_in(done: CompletedProcess[str]) -> set[str]:
    """The names of the tasks that would be registered."""
    return set(re.findall(r"Task: (\S+) \(Dry run", done.stdout))


def rendered(folder: Path, *args: str) -> set[str]:
    """The names of the tasks that the command lists: those that the targets themselves define."""
    done = flyte_dask(folder, "render", *args)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


# Single files are compared with flytekit's own functions below, which is much faster.
ARGUMENTS = {
    "a folder that is no package": ["pipelines"],
    "a folder in one": ["pipelines/daily"],
    "nested packages": ["acme"],
    "a package in a package": ["acme/etl"],
    "a file in a package": ["acme/etl/deep.py"],
    "a package's own file": ["acme/__init__.py"],
    "a folder of a src layout": ["src/corp"],
    "a file whose name is no identifier": ["one-off.py"],
    "a file that imports its sibling": ["siblings/etl.py"],
    "a package outside": ["../elsewhere/packed"],
    "a link to a package": ["linked"],
    "a link to a file": ["linked.py"],
    "several folders": ["pipelines", "acme"],
    "several files": ["pipelines/shared.py", "pipelines/daily"],
}


IMPORTED = {
    "a package in a package": {"acme.__init__.total"},
    "a file in a package": {"acme.__init__.total", "acme.etl.deeper.total"},
    "a file that imports its sibling": {"shared.total"},
    "acme.etl": {"acme.__init__.total"},
    "acme.etl.deep": {"acme.__init__.total", "acme.etl.deeper.total"},
}
"""Tasks that are registered too, since a target or its import imports their module."""


@pytest.mark.parametrize("kind", ARGUMENTS)
def test_names_are_those_that_are_registered(project: Path, kind: str) -> None:
    done = registered(project, *ARGUMENTS[kind])
    if done.returncode and len(ARGUMENTS[kind]) > 1:
        assert "already specified" in done.stdout + done.stderr  # the command takes each alone
        names = {name for each in ARGUMENTS[kind] for name in names_in(registered(project, each))}
    else:
        assert done.returncode == 0, done.stdout + done.stderr
        names = names_in(done)
    found = rendered(project, *ARGUMENTS[kind])
    assert found | IMPORTED.get(kind, set()) == names
    assert found


def test_the_working_directory(project: Path) -> None:
    """Its own name is that of a package, too."""
    folder = project / "acme"
    assert rendered(folder, ".") == names_in(registered(folder, ".")) != set()
    assert rendered(folder, "etl", "../acme") == names_in(registered(folder, "../acme"))


@pytest.mark.parametrize("arguments", [["siblings"], ["src"], ["."]])
def test_imports_fail_where_those_of_pyflyte_fail(project: Path, arguments: list[str]) -> None:
    """Modules are imported from the same root, and from nowhere else."""
    done = registered(project, *arguments)
    assert done.returncode != 0
    (problem,) = re.findall(r"No module named '\w+'", done.stdout + done.stderr)[:1]
    assert problem in flyte_dask(project, "check", *arguments).stdout


def test_modules_are_those_that_are_packaged(project: Path, tmp_path: Path) -> None:
    """``pyflyte --pkgs`` imports from the working directory."""
    for name in ("acme.etl", "acme.etl.deep", "pipelines.shared"):
        output = tmp_path / name
        output.mkdir()
        done = run(
            *(BIN / "pyflyte", "--pkgs", name, "package", "--image", "acme/etl:3"),
            *("--copy", "none", "--output", output / "package.tgz"),
            cwd=project,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        unpack(output / "package.tgz", output)
        names = {each.id.name for each in packaged(output)}
        assert rendered(project, name) == names - IMPORTED.get(name, set())


def test_imports_fail_where_those_of_a_package_fail(project: Path, tmp_path: Path) -> None:
    """``pyflyte --pkgs siblings`` does not find ``shared`` next to the module that imports it."""
    done = run(
        *(BIN / "pyflyte", "--pkgs", "siblings", "package", "--image", "acme/etl:3"),
        *("--copy", "none", "--output", tmp_path / "package.tgz"),
        cwd=project,
    )
    assert done.returncode != 0
    problem = "No module named 'shared'"
    assert problem in done.stdout + done.stderr
    for each in ("siblings", "siblings.etl"):
        shown = flyte_dask(project, "check", each).stdout
        assert f"{problem}: shared is next to the file: pass siblings/*.py [import]" in shown


def test_what_is_not_imported_is_named(project: Path) -> None:
    done = flyte_dask(project, "check", "acme", "pipelines")
    assert done.stderr == (
        "flyte-dask: pyflyte imports no folders without __init__.py that are in a target: "
        "pass acme/scripts/*.py, pipelines/daily/*.py too\n"
    )


LAYOUT = {
    "flat/etl.py": "import helpers\n",
    "flat/helpers.py": "",
    "src/acme/__init__.py": "",
    "src/acme/etl.py": f"from acme.shared import total as shared\n{TASK}",
    "src/acme/shared.py": TASK,
    "tests/__init__.py": "",
    "tests/test_etl.py": "import acme.etl\n",
    "pack/__init__.py": "",
    "pack/old.py": "import neighbour\n",
    "pack/neighbour.py": "",
}


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose package is in src, with a folder that is no package."""
    folder = tmp_path_factory.mktemp("layout")
    for name, text in LAYOUT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_a_folder_without_modules_of_its_own_names_what_to_pass(layout: Path) -> None:
    (layout / "above").mkdir(exist_ok=True)
    for each in ("flat", "src"):
        (layout / "above" / each).symlink_to(layout / each)
    done = flyte_dask(layout, "check", "above")
    problem = "it has Python files in folders without __init__.py only"
    assert f"Error: 'above': {problem}: pass above/flat/*.py, above/src/acme\n" in done.stderr
    done = flyte_dask(layout, "check", "above/src/acme", "flat/etl.py", "flat/helpers.py")
    assert (done.returncode, done.stdout) == (0, "2 Dask tasks in 5 modules: no issues\n")


REMEDIES = {
    "flat": "helpers is next to the file: pass flat/*.py",
    "--root-dir . flat": "helpers is next to the file: pass --root-dir flat",
    "src": "acme is in src: pass src/acme",
    "acme.etl": "acme is in src: pass src/acme",
    "tests": "acme is in src: install its project, or set PYTHONPATH=src",
    "pack": "neighbour is in the package pack: import it from there",
}


@pytest.mark.parametrize("targets", REMEDIES)
def test_a_module_that_is_elsewhere_has_a_remedy(layout: Path, targets: str) -> None:
    done = flyte_dask(layout, "check", *targets.split())
    (line, *_) = done.stdout.splitlines()
    name = REMEDIES[targets].partition(" ")[0]
    assert line.endswith(f"No module named '{name}': {REMEDIES[targets]} [import]")


@pytest.mark.parametrize(
    "args", [["flat/etl.py", "flat/helpers.py"], ["--root-dir", "flat", "flat"], ["src/acme"]]
)
def test_the_remedy_is_enough(layout: Path, args: list[str]) -> None:
    assert flyte_dask(layout, "check", *args).returncode == 0


def test_a_path_for_imports_is_enough(layout: Path) -> None:
    assert flyte_dask(layout, "check", "tests", PYTHONPATH="src").returncode == 0


@pytest.mark.parametrize("file", [name for name in FILES if "__init__" not in name])
def test_a_file_has_the_root_that_flytekit_finds(project: Path, file: str) -> None:
    """As ``pyflyte run`` uses it, too."""
    path = project.parent / file
    (target,) = targets_of([str(path)]).modules
    root = Path(find_common_root([str(path)]))
    assert (target.root, [target.name]) == (
        str(root),
        list_packages_and_modules(root, [str(path)]),
    )


def test_a_link_to_a_folder_above_is_not_followed(tmp_path: Path) -> None:
    """``pyflyte`` does, until the paths are too long."""
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "__init__.py").touch()
    (tmp_path / "acme" / "loop").symlink_to("..")
    (tmp_path / "acme" / "again").symlink_to(".")
    (target,) = targets_of([str(tmp_path / "acme")]).modules
    assert target.name == "acme"
