"""Examples in documents, each run as a separate module, all in one process.

To import flytekit and Dask takes longer than most of them do.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path

import attrs
import pytest

from tests.support.backend import ADDRESS
from tests.support.paths import PROJECT
from tests.support.processes import run


@attrs.frozen
class Example:
    """A piece of Python in a document."""

    document: str
    number: int
    code: str
    title: str | None = None
    """The name of its file, from which later examples import."""

    def __str__(self) -> str:
        """``README.md:1``."""
        return f"{self.document}:{self.number}"

    def write(self, folder: Path) -> Path:
        """Its file: in the folder of the document or, without a title, in a separate folder."""
        document = re.sub(r"\W", "_", self.document)
        name = f"example_{document}_{self.number}"
        path = folder / document / (self.title or f"{name}/{name}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.code, encoding="utf-8")
        return path


def run_all(examples: Iterable[Example], folder: Path) -> dict[str, str]:
    """The traceback of each example by name; empty if it succeeded."""
    paths = {str(example): str(example.write(folder)) for example in examples}
    (folder / "paths.json").write_text(json.dumps(paths))
    program = [sys.executable, "-c", "from tests.support.examples import main; main()"]
    project = str(PROJECT)
    done = run(*program, cwd=folder, env={"PYTHONPATH": project, "PYTEST_ADDOPTS": ""})
    ended = folder / "ended.jsonl"
    lines = ended.read_text(encoding="utf-8").splitlines() if ended.exists() else []
    never = f"it never ended, and its process ended with {done.returncode}:\n{done.stderr}"
    return dict.fromkeys(paths, never) | dict(map(json.loads, lines))


def main() -> None:
    """Run the examples in the working directory, and write each result as soon as it is known."""
    os.environ.pop(ADDRESS, None)
    paths = json.loads(Path("paths.json").read_text())
    with Path("ended.jsonl").open("w", encoding="utf-8") as ended:
        for name, path in paths.items():
            ended.write(json.dumps([name, _outcome(Path(path))]) + "\n")
            ended.flush()


def _outcome(path: Path) -> str:
    """The traceback of the module at *path*, or of a test in it; empty if it succeeded."""
    sys.path.insert(0, str(path.parent))  # for good, as flytekit may import it by its name
    warnings.filterwarnings("error", category=DeprecationWarning, module=path.stem)
    if "def test_" in path.read_text(encoding="utf-8"):
        with redirect_stdout(io.StringIO()) as output:
            status = pytest.main(
                ["-p", "no:cacheprovider", "--rootdir", str(path.parent), str(path)]
            )
        return "" if status == pytest.ExitCode.OK else output.getvalue()
    try:
        importlib.import_module(path.stem)
    except BaseException:  # any error, since others still have to run
        return traceback.format_exc()
    return ""
