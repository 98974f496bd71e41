"""What the command costs: whole processes, side by side in alternation."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

__all__ = ["report"]

_BIN = Path(sys.executable).parent
_OURS = _BIN / "flyte-dask"
_ROUNDS = 7
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


def report() -> str:
    """A table in Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        _write_modules(Path(folder))
        importing = (sys.executable, "-c", _IMPORTING.format(modules=_MODULES), folder)
        presets, others = _alternating((_OURS, "presets"), (_BIN / "pyflyte", "--help"))
        check, imports = _alternating((_OURS, "check", folder), importing)
    return f"""
## The command

Whole processes.

| | flyte-dask | beside it | ratio |
|---|---|---|---|
{_row("`flyte-dask presets`, against `pyflyte --help`", presets, others)}
{_row(f"`flyte-dask check` of {_MODULES * _TASKS:,} tasks, against importing them", check, imports)}
"""


def _row(what: str, ours: float, others: float) -> str:
    return f"| {what} | {ours:.2f} s | {others:.2f} s | {ours / others:.2f} |"


def _write_modules(folder: Path) -> None:
    for number in range(_MODULES):
        tasks = (
            _TASK.format(workers=number % 20 + 1, mem=each + 8, number=each)
            for each in range(_TASKS)
        )
        (folder / f"module_{number}.py").write_text("".join([_MODULE, *tasks]), encoding="utf-8")


def _alternating(*commands: tuple[str | Path, ...]) -> tuple[float, ...]:
    """The median seconds of each, which take turns."""
    taken: list[list[float]] = [[] for _ in commands]
    for _ in range(_ROUNDS):
        for times, command in zip(taken, commands, strict=True):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.perf_counter() - start)
    return tuple(map(statistics.median, taken))
