"""What package indexes and GitHub show of the project."""

from __future__ import annotations

import re
import sys
import zipfile
from email import message_from_string
from pathlib import Path

import pytest
import tomli
import yaml

from flyte_dask.advice.job import NEEDS_KUBERNETES
from tests.support.paths import PROJECT
from tests.support.processes import build_wheel, run

ROOT = tomli.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = ROOT["urls"]["Repository"]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
FILES = [
    *(path for path in PROJECT.iterdir() if path.suffix in {".md", ".toml", ".yml", ".cff"}),
    *(path for path in (PROJECT / ".github").rglob("*") if path.is_file()),
    *(PROJECT / "docs").rglob("*.md"),
]

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def test_every_link_to_the_repository_has_its_one_address() -> None:
    links = [
        link
        for path in FILES
        for link in re.findall(r"https://[\w.]+/[\w-]+/flyte-dask\b", path.read_text("utf-8"))
    ]
    assert len(links) > 10
    assert set(links) == {REPOSITORY}


@pytest.mark.once
@pytest.mark.source
def test_remedies_bound_kubernetes_as_the_project_does() -> None:
    """Newer ones cannot be installed together with what flytekit needs."""
    examples = ROOT["optional-dependencies"]["examples"]
    (requirement,) = (each for each in examples if each.startswith("kubernetes"))
    assert f'"kubernetes<{requirement.rpartition("<")[2]}"' in NEEDS_KUBERNETES


@pytest.mark.once
@pytest.mark.source
def test_the_description_on_an_index_is_the_readme_with_links_that_work(tmp_path: Path) -> None:
    with zipfile.ZipFile(build_wheel(tmp_path)) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        metadata = message_from_string(archive.read(name).decode())
    description = metadata.get_payload()
    assert isinstance(description, str)
    assert _CODE.findall(description) == _CODE.findall(README)
    links = _LINK.findall(_CODE.sub("", description))
    relative = [
        re.sub(rf"^{REPOSITORY}/(blob|raw)/v{re.escape(metadata['Version'])}/", "", link)
        for link in links
    ]
    assert relative == _LINK.findall(_CODE.sub("", README))
    assert [link for link in links if not link.startswith("https://")] == []
    assert f"]({REPOSITORY}/raw/v{metadata['Version']}/docs/images/deck.png)" in description


class TestTheVersion:
    """It stands in several files, which `just release` changes."""

    def test_all_files_have_the_same(self) -> None:
        citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
        wheels = re.findall(r"flyte_dask-(.+?)-py3", "".join(p.read_text("utf-8") for p in FILES))
        assert {citation["version"], *wheels} == {ROOT["version"]}

    def test_the_changelog_links_each_version_and_ends_with_this_one_or_an_earlier(self) -> None:
        sections = re.findall(r"^## \[(.*?)\](.*)$", CHANGELOG, re.MULTILINE)
        links = re.findall(r"^\[(.*?)\]: https://\S+$", CHANGELOG, re.MULTILINE)
        (first, nothing), *released = sections
        assert (first, nothing) == ("Unreleased", "")
        assert [name for name, _ in sections] == links
        assert all(re.fullmatch(r" - \d{4}-\d\d-\d\d", date) for _, date in released)
        assert [name for name, _ in released[:1]] in ([], [ROOT["version"]])
        kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
        assert {*re.findall(r"^### (.*)$", CHANGELOG, re.MULTILINE)} <= kinds


class TestTheRemedies:
    """They hold with and without a package index that has flyte-dask."""

    def test_no_page_or_message_but_the_table_installs_it_by_name(self) -> None:
        texts = {
            path: path.read_text(encoding="utf-8")
            for folder in ("dsl", "plugin", "docs", "examples")
            for path in (PROJECT / folder).rglob("*")
            if path.suffix in {".md", ".py"}
        }
        texts[PROJECT / "README.md"] = README
        by_name = re.compile(r"\binstall [^\n|`]*?(?<![\w/.-])flyte-dask(\[|`| *\n)")
        found = {path.name for path, text in texts.items() if by_name.search(text)}
        assert found == {"getting-started.md"}

    def test_the_page_lists_every_extra(self) -> None:
        page = (PROJECT / "docs" / "getting-started.md").read_text(encoding="utf-8")
        table = page.partition("### Extras\n")[2].partition("\n## ")[0]
        assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) != []
        assert {*re.findall(r"^\| `(\w+)`", table, re.MULTILINE)} == {
            *ROOT["optional-dependencies"]
        }


class TestThePython:
    """The README's commands check it before they install anything."""

    SCRIPT = PROJECT / "requirements" / "check_python.py"

    def test_this_one_is_supported(self) -> None:
        done = run(sys.executable, self.SCRIPT)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    @pytest.mark.parametrize("supported", [(2, 4), (60, 63)])
    def test_another_is_an_error_that_says_which_are(
        self, supported: tuple[int, int], tmp_path: Path
    ) -> None:
        first, end = supported
        script = tmp_path / "requirements" / "check_python.py"
        script.parent.mkdir()
        script.write_text(self.SCRIPT.read_text("utf-8"), "utf-8")
        (tmp_path / "pyproject.toml").write_text(f'requires-python = ">=3.{first},<3.{end}"\n')
        done = run(sys.executable, script)
        assert done.returncode == 1
        names = [f"3.{minor}" for minor in range(first, end)]
        assert f"needs Python {', '.join(names[:-1])} or {names[-1]}, but " in done.stderr

    def test_the_commands_run_it_first(self) -> None:
        commands = re.findall(r"^python3 .*$", README, re.MULTILINE)
        assert len(commands) == 2
        first = "python3 requirements/check_python.py && python3 -m venv .venv && "
        assert [each for each in commands if not each.startswith(first)] == []
