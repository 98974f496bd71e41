"""The cost of the command: whole processes, in alternation."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from bench.alternating import alternate, cost, row
from bench.results import Section
from bench.venvs import Sides

TURNS = 7
_MODULES, _TASKS = 200, 5
_MODULE = """
from flytekit import Resources, task
from flytekitplugins.dask import presets
"""
_TASK = """

@task(
    task_config=presets.medium(workers={workers}).with_workers(mem="{mem}Gi"),
    limits=Resources(cpu="2", mem="8Gi"),
)
def task_{number}(day: str) -> str:
    return day
"""
_IMPORTING = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
for number in range({modules}):
    importlib.import_module(f"module_{{number}}")
"""


def report(sides: Sides) -> Section:
    """The section, in Markdown."""
    ours, python = sides.ours.bin / "flyte-dask", sides.ours.python
    with tempfile.TemporaryDirectory() as folder:
        _write_modules(Path(folder))
        importing = (python, "-c", _IMPORTING.format(modules=_MODULES), folder)
        presets = _seconds_of((ours, "presets"), (sides.ours.bin / "pyflyte", "--help"))
        check = _seconds_of((ours, "check", folder), importing)
    checking = f"`flyte-dask check` of {_MODULES * _TASKS:,} tasks, against importing them"
    return Section(f"""## The command

Whole processes, in our venv, {TURNS} turns.

| command | flyte-dask | reference | ratio |
|---|---|---|---|
{row("`flyte-dask presets`, against `pyflyte --help`", presets[0], presets[1])}
{row(checking, check[0], check[1])}
""")


def _write_modules(folder: Path) -> None:
    for number in range(_MODULES):
        tasks = (
            _TASK.format(workers=number % 20 + 1, mem=each + 8, number=each)
            for each in range(_TASKS)
        )
        (folder / f"module_{number}.py").write_text("".join([_MODULE, *tasks]), encoding="utf-8")


def _seconds_of(*commands: tuple[str | Path, ...]) -> list[list[float]]:
    """The seconds of each command, in alternation."""
    return alternate(TURNS, *(partial(_seconds, command) for command in commands))


def _seconds(command: tuple[str | Path, ...]) -> float:
    return cost(*command).wall
