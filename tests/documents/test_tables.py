"""Tables in documents and modules, which `just tables` derives from the code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from docs import tables
from tests.support.paths import PROJECT

pytestmark = pytest.mark.source


def test_nothing_is_out_of_date(capsys: pytest.CaptureFixture[str]) -> None:
    """If this fails: run `just tables`."""
    assert (tables.main(["--check"]), capsys.readouterr().out) == (0, "")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of all that has blocks, in which a table is out of date."""
    shutil.copytree(PROJECT / "docs", tmp_path / "docs")
    for name in ("README.md", "mkdocs.yml", *tables.MODULES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, tmp_path / name)
    assert tables.main(["--check"], tmp_path) == 0
    page = tmp_path / "docs" / "presets.md"
    page.write_text(page.read_text().replace("| 4 | 2 | 8Gi | | 1 CPU and 4Gi |", "| five | |"))
    return tmp_path


def test_check_prints_the_differences_and_writes_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (project / "docs" / "presets.md").read_text()
    assert tables.main(["--check"], project) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == ["--- now/docs/presets.md", "+++ new/docs/presets.md"]
    assert [line for line in printed[2:] if line.startswith(("-", "+"))] == [
        "-| `presets.medium()` | daily work on tens of GB | five | |",
        "+| `presets.medium()` | daily work on tens of GB | 4 | 2 | 8Gi | | 1 CPU and 4Gi |",
    ]
    assert printed[-1] == "Tables are out of date: run `just tables`"
    assert (project / "docs" / "presets.md").read_text() == before


def test_what_is_written_is_up_to_date(project: Path) -> None:
    assert tables.main([], project) == 0
    for name in ("README.md", "mkdocs.yml", "docs/presets.md", *tables.MODULES):
        assert (project / name).read_text() == (PROJECT / name).read_text()


def test_a_block_that_no_file_has_is_an_error(project: Path) -> None:
    (project / "docs" / "runtime.md").write_text("Settings.")
    with pytest.raises(SystemExit, match=r": settings$"):
        tables.main([], project)


def test_a_block_of_an_unknown_name_is_an_error(project: Path) -> None:
    (project / "docs" / "new.md").write_text("<!-- tables: new --><!-- /tables -->")
    with pytest.raises(SystemExit, match=r": new$"):
        tables.main([], project)
