"""The project that the tests of the command run it in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.command import FOLDER

FILES = re.compile(r"^=== (.+)\n((?:(?!===).*\n)*)", re.MULTILINE)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the files of project.txt."""
    folder = tmp_path_factory.mktemp("project")
    (folder / ".git").mkdir()  # the search for team files ends here
    for name, text in FILES.findall((FOLDER / "project.txt").read_text(encoding="utf-8")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text.rstrip()}\n" if text.strip() else "", encoding="utf-8")
    return folder
