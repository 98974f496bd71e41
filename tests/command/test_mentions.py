"""The lines of a repository that install the official plugin, or a version of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flyte_dask_cli.mentions import mentions
from flyte_dask_cli.repository import project_of
from tests.support.command import flyte_dask
from tests.support.processes import run

REPLACE = "put flyte-dask in the place of flytekitplugins-dask"
GENERATE = "generate this file again, once its sources name flyte-dask"
FILES = {
    ".github/workflows/ci.yml": "steps:\n- run: pip install flytekitplugins-dask\n",
    ".venv/pyvenv.cfg": "",
    ".venv/constraints.txt": "flytekitplugins-dask\n",
    "CHANGELOG.md": "We used flytekitplugins-dask.\n",
    "Makefile": "install:\n\tpip install flytekitplugins-dask==$(VERSION)\n",
    "conda/env.yaml": "dependencies:\n- flytekitplugins-dask=1.16.31\n",
    "etl.Dockerfile": "FROM python\nRUN pip install flytekitplugins_dask>=1.10\n",
    "hashed.txt": "flytekitplugins-dask==1.16.31 \\\n    --hash=sha256:00\n",
    "image.bin": "\0flytekitplugins-dask\n",
    "justfile": "install:\n  pip install 'flytekitplugins-dask~=1.16' > pip.log\n",
    "node_modules/a/package.txt": "flytekitplugins-dask\n",
    "requirements/prod.txt": "# flytekitplugins-dask\nflytekitplugins-dask\n",
    "scripts/install.sh": "pip install flyte-dask==1.16.31\n",
    "uv.lock": 'name = "flytekitplugins-dask"\nversion = "1"\nname = "flytekitplugins-dask"\n',
}
FOUND = {
    ".github/workflows/ci.yml:2": REPLACE,
    "Makefile:2": "write flyte-dask without ==$(VERSION)",
    "conda/env.yaml:2": "write flyte-dask without =1.16.31",
    "etl.Dockerfile:2": "write flyte-dask without >=1.10",
    "hashed.txt:1": GENERATE,
    "justfile:2": "write flyte-dask without ~=1.16",
    "requirements/prod.txt:2": REPLACE,
    "scripts/install.sh:1": (
        "write flyte-dask without ==1.16.31, which is a version of flytekitplugins-dask"
    ),
    "uv.lock:1": GENERATE,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with files of all kinds."""
    folder = tmp_path / "project"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def found(folder: Path) -> dict[str, str]:
    """The remedies of all lines, by file and line."""
    searched = mentions([folder, folder])
    assert searched.is_complete
    return {f"{each.file.relative_to(folder)}:{each.line}": each.remedy for each in searched.found}


def test_all_text_files_are_searched(project: Path) -> None:
    """Not environments, caches, documents and comments."""
    os.mkfifo(project / "requirements.txt")
    (project / "linked.txt").symlink_to("requirements/prod.txt")
    assert found(project) == FOUND


def test_with_git_they_are_those_that_it_tracks_or_would_track(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also from a hook of another repository, and in hidden folders."""
    assert run("git", "init", "-q", cwd=project).returncode == 0
    for name in (".devcontainer", "build", "local"):
        (project / name).mkdir()
        (project / name / "Dockerfile").write_text("RUN pip install flytekitplugins-dask\n")
    (project / ".gitignore").write_text("local\nhashed.txt\n")
    assert run("git", "add", "-f", "uv.lock", "build", "hashed.txt", cwd=project).returncode == 0
    (project / "hashed.txt").unlink()
    monkeypatch.setenv("GIT_DIR", "elsewhere")
    expected = {**FOUND, ".devcontainer/Dockerfile:1": REPLACE, "build/Dockerfile:1": REPLACE}
    del expected["hashed.txt:1"]
    assert found(project) == expected


@pytest.mark.parametrize(
    ("line", "pin"),
    [
        ("flytekitplugins-dask", None),
        ("flytekitplugins-dask[dev] ~= 1.16.0 ; python_version < '3.13'", "~= 1.16.0"),
        ("flytekitplugins-dask>=1.10,<2", ">=1.10,<2"),
        ('"flytekitplugins-dask (>=1.10, <2)",', ">=1.10, <2"),
        ('flytekitplugins-dask = "^1.10"', "^1.10"),
        ('"flytekitplugins-dask" = "1.16.31"', "1.16.31"),
        ('flytekitplugins-dask = "*"', None),
        ('flytekitplugins-dask = {version = "^1.10", optional = true}', "^1.10"),
        ('flytekitplugins-dask = {git = "https://example.com/1.git"}', None),
        ("RUN pip install flytekitplugins-dask==${VERSION} dask", "==${VERSION}"),
        ("pip install flytekitplugins-dask > log 2>&1", None),
        ('image = ImageSpec(packages=["dask", "flytekitplugins-dask==1.16.31"])', "==1.16.31"),
        ("pip install wheels/flytekitplugins_dask-1.16.31-py3-none-any.whl", None),
    ],
)
def test_the_remedy_names_the_constraint_to_leave_out(
    tmp_path: Path, line: str, pin: str | None
) -> None:
    (tmp_path / "file").write_text(line)
    remedy = f"write flyte-dask without {pin}" if pin else REPLACE
    assert found(tmp_path) == {"file:1": remedy}


@pytest.mark.parametrize(
    "line",
    [
        "import flytekitplugins.dask",
        '__import__("flytekitplugins.dask")',
        "flytekitplugins-dask-extra==1",
        "flyte-dask",
        "flyte-dask==0.1.0",
        "flyte-dask<2",
        'flyte-dask = "^0.1"',
        "call(flyte_dask=12)",
    ],
)
def test_other_lines_are_not_mentioned(tmp_path: Path, line: str) -> None:
    (tmp_path / "file").write_text(line)
    assert found(tmp_path) == {}


@pytest.mark.parametrize(
    "line", ["flyte-dask==1.16.31", "flyte_dask >= 1.10, <2", 'flyte-dask = "^1.10"']
)
def test_versions_of_the_official_plugin_are_found_after_the_change(
    tmp_path: Path, line: str
) -> None:
    (tmp_path / "file").write_text(line)
    (remedy,) = found(tmp_path).values()
    assert remedy.endswith(", which is a version of flytekitplugins-dask")


def test_the_repository_is_that_of_a_path_and_not_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here/.git", "there/src"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert project_of(Path("../there/src")) == tmp_path / "there" / "src"
    (tmp_path / "there" / ".hg").mkdir()
    assert project_of(Path("../there/src")) == tmp_path / "there"


@pytest.mark.once
@pytest.mark.parametrize("module", ["import no_such_package\n", None])
def test_lines_of_another_repository_are_listed_without_any_module(
    tmp_path: Path, module: str | None
) -> None:
    for name in ("here/.git", "there/.git", "there/jobs"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "here" / "pip.txt").write_text("flytekitplugins-dask\n")
    pins = tmp_path / "there" / "pip.txt"
    pins.write_text("flytekitplugins-dask\n")
    if module:
        (tmp_path / "there" / "jobs" / "etl.py").write_text(module)
    done = flyte_dask(tmp_path / "here", "migrate", "../there/jobs")
    title, error, line, _, summary = done.stdout.splitlines()
    assert (title, line) == ("to change:", f"{pins}:1: {REPLACE}")
    assert ("No module named" if module else "'../there/jobs': no Python files in this") in error
    assert summary == "0 Dask tasks: 0 with other pods than before, 2 things to change"
