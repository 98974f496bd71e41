"""The page on sizes shows what the command prints for the recorded runs of its example."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import in_shell
from tests.support.story import PAGE, SHOWN, folder_of_story

pytestmark = pytest.mark.once

OUTPUTS = SHOWN.findall(PAGE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the story."""
    return folder_of_story(tmp_path_factory.mktemp("story"))


def test_all_outputs_are_shown() -> None:
    assert len(OUTPUTS) == 5


@pytest.mark.parametrize(("line", "output"), OUTPUTS, ids=[line for line, _ in OUTPUTS])
def test_the_page_shows_what_is_printed(folder: Path, line: str, output: str) -> None:
    done = in_shell(line, folder)
    assert done.stdout == output, done.stderr
    assert done.returncode == (2 if "--module array_reduction.py" in line else 0)
