"""The story of the page on sizes: ``python -m tests.support.story`` records it and writes the page.

Its runs are those of an example, in local processes: with `small`, with parts of the airports, and
with the size that the first ones suggest. With ``--page`` only the outputs in the page are written.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.command import flyte_dask, in_shell
from tests.support.paths import DOCS, PROJECT, RECORDED
from tests.support.processes import run

__all__ = ["PAGE", "SHOWN", "folder_of_story"]

PAGE = DOCS / "sizing.md"
SHOWN = re.compile(
    r"^```sh\n(flyte-dask [^\n]+)\n```\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
"""A command of the page, and its output."""

_RUNS = RECORDED / "runs"
_EXAMPLE = (PROJECT / "examples" / "array_reduction.py").read_text(encoding="utf-8")
_DECORATOR = "@task(task_config=presets.medium(workers=5))"
_MAIN = """

if __name__ == "__main__":
    import sys
    from array_reduction import farthest_from, us_airports

    airports = us_airports()
    for part in map(int, sys.argv[1:]):
        farthest_from(airports=airports[::part], step=0.01)
"""


def _module(decorator: str = "@task(task_config=presets.small())") -> str:
    """The example, with another decorator of its task."""
    assert _DECORATOR in _EXAMPLE
    return _EXAMPLE.replace(_DECORATOR, decorator)


def _suggested_module(folder: Path) -> str:
    """The example with the size that the runs in *folder* suggest."""
    done = flyte_dask(folder, "size", "runs")
    _, _, code, runner, *_ = done.stdout.splitlines()
    arguments = runner.removeprefix("@task(").removesuffix(")")
    text = _module(f"@task(task_config={code}, {arguments})")
    return text.replace("from flytekit import task", "from flytekit import Resources, task")


def folder_of_story(folder: Path) -> Path:
    """*folder*, with the records, and the module before (`array_reduction`) and after (`sized`)."""
    (folder / ".git").mkdir()  # the search for team files ends here
    shutil.copytree(_RUNS, folder, dirs_exist_ok=True)
    (folder / "array_reduction.py").write_text(_module(), encoding="utf-8")
    (folder / "sized.py").write_text(_suggested_module(folder), encoding="utf-8")
    return folder


def _record(folder: Path, name: str, *parts: int) -> None:
    """Run the module in *folder* with these parts of its input, and keep its records as *name*."""
    env = {"FLYTE_DASK_LOCAL": "processes", "FLYTE_DASK_RECORD": str(folder / name)}
    run(sys.executable, "main.py", *map(str, parts), cwd=folder, env={**os.environ, **env})


def _write_page() -> None:
    with TemporaryDirectory() as made:
        folder = folder_of_story(Path(made))

        def shown(match: re.Match[str]) -> str:
            line = match[1]
            return f"```sh\n{line}\n```\n\n```text\n{in_shell(line, folder).stdout}```"

        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(SHOWN.sub(shown, page), encoding="utf-8")


def _record_all() -> None:
    """Record all runs, and replace those that are kept."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "main.py").write_text(_MAIN, encoding="utf-8")
        (folder / "array_reduction.py").write_text(_module(), encoding="utf-8")
        _record(folder, "runs", 1, 1, 1)
        _record(folder, "parts", 2, 4)
        (folder / "array_reduction.py").write_text(_suggested_module(folder), encoding="utf-8")
        _record(folder, "later", 1, 1, 1)
        for name in ("runs", "parts", "later"):
            kept = _RUNS / name
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
            for number, path in enumerate(sorted((folder / name).iterdir()), start=1):
                # as if it were a folder of anyone
                text = path.read_text(encoding="utf-8").replace(str(folder), "/home/me")
                (kept / f"{number}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    if "--page" not in sys.argv:
        _record_all()
    _write_page()
