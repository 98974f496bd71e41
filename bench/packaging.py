"""The cost of `pyflyte package` for generated projects, with 50 tasks in each module."""

from __future__ import annotations

import statistics
import subprocess
import tarfile
import tempfile
from functools import partial
from itertools import pairwise
from pathlib import Path

from bench.alternating import Cost, alternate, cost, ratio, row
from bench.results import Section, Target, at_most
from bench.venvs import Side, Sides

TURNS = {100: 5, 1000: 15, 5000: 3, 10_000: 2}
"""Turns by number of tasks; large projects take long, and vary less."""
PER_MODULE = 50
FLAT = 1.2
"""Maximum ratio of the cost per task in large projects to that in small ones."""

_IMPORTS = {
    "flyte-dask": "from flytekitplugins.dask import presets",
    "official": "from flytekitplugins.dask import Dask, Scheduler, WorkerGroup",
}
_WRITTEN_OUT = """Dask(
    scheduler=Scheduler(
        requests=Resources(cpu="1", mem="4Gi"), limits=Resources(cpu="1", mem="4Gi")
    ),
    workers=WorkerGroup(
        {workers},
        requests=Resources(cpu="2", mem="{mem}Gi"),
        limits=Resources(cpu="2", mem="{mem}Gi"),
    ),
)"""
_TASK = """

@task(task_config={config}, limits=Resources(cpu="2", mem="8Gi"))
def task_{number}(day: str) -> str:
    return day
"""
_KINDS = {"shared": "one config per module", "distinct": "one config per task"}


def report(sides: Sides) -> Section:
    """The section, in Markdown."""
    found = {(kind, tasks): _compare(sides, kind, tasks) for kind in _KINDS for tasks in TURNS}
    tables = "\n\n".join(_table(kind, found) for kind in _KINDS)
    turns = ", ".join(f"{turns} of {tasks:,} tasks" for tasks, turns in TURNS.items())
    starts = statistics.median(_start(kind, found) for kind in _KINDS)
    text = f"""## Packaging

`pyflyte --pkgs pipelines package --image ghcr.io/acme/etl:1 --source .` of generated projects with
{PER_MODULE} tasks in each module, whole processes. Each task has `limits=Resources(...)`. With
flyte-dask the config is `presets.medium(5)`, or `presets.medium(n).with_workers(mem=...)`; with the
official plugin the same amounts are explicit. Both package the same number of templates, which is
checked. Turns: {turns}; memory is the peak of the process.

{tables}

flyte-dask takes {starts:.0f} ms more once, to load betterproto, which serializes configs, and the
modules that validate them. Apart from that both grow alike. Shared configs are serialized once,
which makes up for it only in large projects.
"""
    return Section(text, _targets(found))


Found = dict[tuple[str, int], list[list[Cost]]]


def _compare(sides: Sides, kind: str, tasks: int) -> list[list[Cost]]:
    with tempfile.TemporaryDirectory() as name:
        folders = {side.name: Path(name, side.name) for side in sides}
        for side in sides:
            generate(folders[side.name], side.name, kind, tasks)
            compile_command = [str(side.python), "-m", "compileall", "-q", "pipelines"]
            subprocess.run(compile_command, cwd=folders[side.name], check=True)
        found = alternate(
            TURNS[tasks],
            *(partial(package, side, folders[side.name]) for side in sides),
            warm_up=tasks <= 1000,  # the smaller projects have warmed up
        )
        numbers = [templates(folder) for folder in folders.values()]
    if numbers != [tasks, tasks]:
        raise RuntimeError(f"{tasks} tasks, but templates of {numbers}")
    return found


def generate(folder: Path, side: str, kind: str, tasks: int) -> None:
    """Write a project of so many tasks for *side* into *folder*."""
    package_ = folder / "pipelines"
    package_.mkdir(parents=True)
    (package_ / "__init__.py").touch()
    for first in range(0, tasks, PER_MODULE):
        numbers = range(first, min(first + PER_MODULE, tasks))
        (package_ / f"module_{first}.py").write_text(_module(side, kind, numbers), "utf-8")


def _module(side: str, kind: str, numbers: range) -> str:
    head = f"from flytekit import Resources, task\n{_IMPORTS[side]}\n"
    if kind == "shared":
        head += f"\nSHARED = {_config(side, kind, numbers[0])}\n"
    tasks = (
        _TASK.format(
            config="SHARED" if kind == "shared" else _config(side, kind, number), number=number
        )
        for number in numbers
    )
    return "".join([head, *tasks])


def _config(side: str, kind: str, number: int) -> str:
    workers, mem = (5, 8) if kind == "shared" else (number % 200 + 1, 8 + number // 200)
    if side == "official":
        return _WRITTEN_OUT.format(workers=workers, mem=mem)
    preset = f"presets.medium({workers})"
    return preset if kind == "shared" else f'{preset}.with_workers(mem="{mem}Gi")'


def package(side: Side, folder: Path) -> Cost:
    """The cost of packaging the project in *folder*."""
    (folder / "package.tgz").unlink(missing_ok=True)
    arguments = ("--image", "ghcr.io/acme/etl:1", "--source", ".", "--output", "package.tgz")
    return cost(side.bin / "pyflyte", "--pkgs", "pipelines", "package", *arguments, cwd=folder)


def templates(folder: Path) -> int:
    """The number of task templates in the package."""
    with tarfile.open(folder / "package.tgz") as tar:
        return sum(name.endswith("_1.pb") for name in tar.getnames())


def _table(kind: str, found: Found) -> str:
    rows = []
    for tasks in TURNS:
        for what, unit in (("cpu", "s"), ("wall", "s"), ("peak", "MiB")):
            values = ([getattr(each, what) for each in of] for of in found[kind, tasks])
            rows.append(row(f"{tasks:,} tasks, {_WHAT[what]}", *values, unit=unit))
    sizes = list(TURNS)
    for fewer, more in pairwise(sizes):
        ours, theirs = (_slope(kind, found, side, fewer, more) for side in range(2))
        what = f"CPU per additional task, from {fewer:,} to {more:,}"
        rows.append(f"| {what} | {ours:.2f} ms | {theirs:.2f} ms | {ours / theirs:.2f} |")
    head = f"| {_KINDS[kind]} | flyte-dask | official plugin | ratio |\n|---|---|---|---|"
    return "\n".join([head, *rows])


_WHAT = {"cpu": "CPU", "wall": "wall", "peak": "memory"}


def _slope(kind: str, found: Found, side: int, fewer: int, more: int) -> float:
    """Milliseconds of CPU for each additional task, between these sizes."""
    low, high = (_cpu(kind, found, side, tasks) for tasks in (fewer, more))
    return (high - low) / (more - fewer)


def _start(kind: str, found: Found) -> float:
    """Milliseconds of CPU that ours takes more than theirs for any number of tasks."""
    few = min(TURNS)
    ours, theirs = (
        _cpu(kind, found, side, few) - _slope(kind, found, side, few, 1000) * few
        for side in range(2)
    )
    return ours - theirs


def _cpu(kind: str, found: Found, side: int, tasks: int) -> float:
    """Median milliseconds of CPU for so many tasks."""
    return statistics.median(each.cpu for each in found[kind, tasks][side]) * 1000


def _targets(found: Found) -> list[Target]:
    targets = []
    for kind, most in (("shared", 1.0), ("distinct", 1.15)):
        ours, theirs = ([each.cpu for each in of] for of in found[kind, 1000])
        what = f"CPU of packaging 1,000 tasks, {_KINDS[kind]}, against the official plugin"
        targets.append(at_most(what, most, ratio(ours, theirs)))
    for kind, config in _KINDS.items():
        growth = _slope(kind, found, 0, 1000, 10_000) / _slope(kind, found, 0, 100, 1000)
        theirs_ = _slope(kind, found, 1, 1000, 10_000) / _slope(kind, found, 1, 100, 1000)
        what = f"CPU per task, {config}: from 1,000 to 10,000, against from 100 to 1,000"
        shown = f"{growth:.2f} (official plugin: {theirs_:.2f})"
        targets.append(Target(what, f"flat: at most {FLAT}", shown, growth <= FLAT))
    return targets
