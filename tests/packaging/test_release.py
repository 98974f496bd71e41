"""`just release`: what it changes, and that it changes nothing if it cannot.

The rest, from the build to the site, needs a package index and minutes: run it in a clone.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.support.paths import PROJECT
from tests.support.processes import BIN, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("git") is None, reason="there is no git"),
]

DATE = "2030-01-31"
FIRST, SECOND = "7.0.0", "7.1.0rc1"
AUTHOR = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "Ada"), ("EMAIL", "ada@example.com"))
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with the files that have the version, and something to release."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("pyproject.toml", "CITATION.cff", "CHANGELOG.md"):
        shutil.copy(PROJECT / name, folder)
    for name in (".ci", "docs"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    _add_entry(folder)
    _git(folder, "init", "-q", "-b", "main")
    _commit(folder)
    return folder


def _add_entry(folder: Path) -> None:
    changelog, heading = folder / "CHANGELOG.md", "## [Unreleased]\n"
    text = changelog.read_text("utf-8")
    changelog.write_text(text.replace(heading, f"{heading}\n### Fixed\n\n- It.\n", 1), "utf-8")


def _git(folder: Path, *args: str) -> str:
    done = run("git", *args, cwd=folder, env=AUTHOR)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _commit(folder: Path) -> None:
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "-m", "that")


def _set_version(folder: Path, version: str) -> CompletedProcess[str]:
    return run(sys.executable, ".ci/set_version.py", version, DATE, cwd=folder)


def _release(folder: Path, version: str) -> CompletedProcess[str]:
    return run(".ci/release", sys.executable, version, cwd=folder, env=AUTHOR)


def _fails(done: CompletedProcess[str], message: str, folder: Path) -> None:
    """It failed with that message, and left the repository as it was."""
    assert done.returncode == 1, done.stdout
    assert message in done.stderr
    assert _git(folder, "status", "--porcelain") == ""
    assert _git(folder, "log", "--format=%s") == "that\n"


def _changed(folder: Path) -> set[str]:
    lines = _git(folder, "diff", "-U0").splitlines()
    return {line[1:] for line in lines if re.match(r"\+(?!\+\+)", line)}


class TestSetVersion:
    """The files after it."""

    def test_a_release(self, project: Path) -> None:
        assert _set_version(project, FIRST).returncode == 0
        changed = _changed(project)
        assert {f'version = "{FIRST}"', f"version: {FIRST}", f"## [{FIRST}] - {DATE}"} <= changed
        wheel = f"flyte_dask-{FIRST}-py3-none-any.whl"
        rest = {line for line in changed if FIRST not in line}
        assert rest <= {""}
        assert any(wheel in line and "uv pip install" in line for line in changed)

    def test_the_same_release_again_changes_nothing(self, project: Path) -> None:
        assert _set_version(project, FIRST).returncode == 0
        _commit(project)
        assert _set_version(project, FIRST).returncode == 0
        assert _git(project, "status", "--porcelain") == ""

    def test_the_next_one_is_compared_with_it(self, project: Path) -> None:
        _set_version(project, FIRST)
        _add_entry(project)
        assert _set_version(project, SECOND).returncode == 0
        text = (project / "CHANGELOG.md").read_text("utf-8")
        assert f"## [Unreleased]\n\n## [{SECOND}] - {DATE}\n\n### Fixed\n\n- It.\n" in text
        links = re.findall(r"^\[.*?\]: .*/(compare/.*)$", text, re.MULTILINE)
        assert links[:2] == [f"compare/v{SECOND}...HEAD", f"compare/v{FIRST}...v{SECOND}"]

    def test_without_entries_it_is_an_error(self, project: Path) -> None:
        _set_version(project, FIRST)
        done = _set_version(project, SECOND)
        assert (done.returncode, done.stderr) == (
            1,
            "CHANGELOG.md has nothing to release: its section [Unreleased] is empty\n",
        )


class TestFailures:
    """Each before anything changed."""

    @pytest.mark.parametrize("version", ["7.0", "v7.0.0", "7.0.0-rc1", "next"])
    def test_what_is_no_version(self, version: str, project: Path) -> None:
        _fails(_release(project, version), "is not a version such as 0.2.0", project)

    def test_changes_in_the_working_tree(self, project: Path) -> None:
        (project / "new").touch()
        done = _release(project, FIRST)
        (project / "new").unlink()
        _fails(done, "the working tree has changes; commit them first:\n?? new", project)

    def test_a_tag_of_another_commit(self, project: Path) -> None:
        other = _git(project, "commit-tree", "HEAD^{tree}", "-m", "other").strip()
        _git(project, "tag", f"v{FIRST}", other)
        _fails(_release(project, FIRST), f"v{FIRST} is the tag of another commit", project)

    def test_a_build_that_fails(self, project: Path) -> None:
        """Here the sources are missing."""
        done = _release(project, FIRST)
        _fails(done, "just release: the build failed", project)
        assert not (project / "dist").exists()


@pytest.mark.source
def test_the_recipe_checks_githubs_files() -> None:
    env = {"VIRTUAL_ENV": sys.prefix}
    done = run(BIN / "just", "lint-github", cwd=PROJECT, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
