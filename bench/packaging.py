"""The cost of `pyflyte package` for generated projects, with 50 tasks in each module."""

from __future__ import annotations

import statistics
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from bench.alternating import Cost, alternate, cost, ratio, row
from bench.results import Section, Target, at_most
from bench.venvs import Side, Sides

TURNS = {100: 5, 1000: 15, 5000: 3, 10_000: 2}
"""Turns by number of tasks; large projects take long, and vary less."""
PER_MODULE = 50
FLAT = 1.2
"""Maximum ratio of the cost per task in large projects to that in small ones."""

_BOTH = "from flytekitplugins.dask import Dask, Scheduler, WorkerGroup"
_IMPORTS = {
    "flyte-dask": "from flytekitplugins.dask import presets",
    "official": _BOTH,
}
_ADVISED = """Dask(
    scheduler=Scheduler(
        requests=Resources(cpu="500m", mem="512Mi"), limits=Resources(cpu="1", mem="1Gi")
    ),
    workers=WorkerGroup(
        {workers},
        requests=Resources(cpu="500m", mem="{least}Gi"),
        limits=Resources(cpu="1500m", mem="{most}Gi"),
    ),
)"""
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


class Kind(NamedTuple):
    """A kind of project."""

    is_shared: bool
    """Whether all tasks of a module share a config."""
    has_advice: bool
    """Whether all configs get advice."""
    most: float
    """The target: maximum ratio to the official plugin."""

    def __str__(self) -> str:
        configs = "one config per module" if self.is_shared else "one config per task"
        return f"{configs}, {'with' if self.has_advice else 'without'} advice"


KINDS = {
    "shared": Kind(is_shared=True, has_advice=False, most=1.0),
    "shared-advised": Kind(is_shared=True, has_advice=True, most=1.0),
    "distinct": Kind(is_shared=False, has_advice=False, most=1.1),
    "distinct-advised": Kind(is_shared=False, has_advice=True, most=1.1),
}


def report(sides: Sides) -> Section:
    """The section, in Markdown."""
    found = {(kind, tasks): _compare(sides, kind, tasks) for kind in KINDS for tasks in TURNS}
    tables = "\n\n".join(_table(kind, found) for kind in KINDS)
    turns = ", ".join(f"{turns} of {tasks:,} tasks" for tasks, turns in TURNS.items())
    starts = statistics.median(_start(kind, found) for kind in KINDS)
    text = f"""## Packaging

`pyflyte --pkgs pipelines package --image ghcr.io/acme/etl:1 --source .` of generated projects with
{PER_MODULE} tasks in each module, whole processes. Each task has `limits=Resources(...)`. With
flyte-dask the config is `presets.medium(5)`, or `presets.medium(n).with_workers(mem=...)`; with the
official plugin the same amounts are explicit. Configs with advice are explicit on both sides, with
requests below limits, fractions of CPUs and little memory. Both package the same number of
templates, which is checked. What they print goes to `/dev/null`. Turns: {turns}; memory is the peak
of the process.

{tables}

flyte-dask takes {starts:.0f} ms more once, to load betterproto, which serializes configs, and the
modules that validate them. Apart from that both grow alike. Shared configs are serialized once,
which makes up for it only in large projects.
"""
    return Section(text, _targets(found))


Found = dict[tuple[str, int], list[list[Cost]]]


def _compare(sides: Sides, kind: str, tasks: int) -> list[list[Cost]]:
    with projects(sides, kind, tasks) as folders:
        found = alternate(
            TURNS[tasks],
            *(partial(package, side, folders[side.name]) for side in sides),
            warm_up=tasks <= 1000,  # the smaller projects have warmed up
        )
        numbers = [templates(folder) for folder in folders.values()]
    if numbers != [tasks, tasks]:
        raise RuntimeError(f"{tasks} tasks, but templates of {numbers}")
    return found


@contextmanager
def projects(sides: Sides, kind: str, tasks: int) -> Iterator[dict[str, Path]]:
    """A generated and compiled project for each side, by its name."""
    with tempfile.TemporaryDirectory() as name:
        folders = {side.name: Path(name, side.name) for side in sides}
        for side in sides:
            generate(folders[side.name], side.name, kind, tasks)
            compile_command = [str(side.python), "-m", "compileall", "-q", "pipelines"]
            subprocess.run(compile_command, cwd=folders[side.name], check=True)
        yield folders


def generate(folder: Path, side: str, kind: str, tasks: int) -> None:
    """Write a project of so many tasks for *side* into *folder*."""
    package_ = folder / "pipelines"
    package_.mkdir(parents=True)
    (package_ / "__init__.py").touch()
    for first in range(0, tasks, PER_MODULE):
        numbers = range(first, min(first + PER_MODULE, tasks))
        (package_ / f"module_{first}.py").write_text(_module(side, kind, numbers), "utf-8")


def _module(side: str, kind: str, numbers: range) -> str:
    imports = _BOTH if KINDS[kind].has_advice else _IMPORTS[side]
    head = f"from flytekit import Resources, task\n{imports}\n"
    if KINDS[kind].is_shared:
        head += f"\nSHARED = {_config(side, kind, numbers[0])}\n"
    tasks = (
        _TASK.format(
            config="SHARED" if KINDS[kind].is_shared else _config(side, kind, number), number=number
        )
        for number in numbers
    )
    return "".join([head, *tasks])


def _config(side: str, kind: str, number: int) -> str:
    is_shared, has_advice, _ = KINDS[kind]
    workers, more = (5, 0) if is_shared else (number % 200 + 1, number // 200)
    if has_advice:
        return _ADVISED.format(workers=workers, least=1 + more, most=2 + more)
    if side == "official":
        return _WRITTEN_OUT.format(workers=workers, mem=8 + more)
    preset = f"presets.medium({workers})"
    return preset if is_shared else f'{preset}.with_workers(mem="{8 + more}Gi")'


def package(
    side: Side, folder: Path, output: int = subprocess.DEVNULL, env: Mapping[str, str] | None = None
) -> Cost:
    """The cost of packaging the project in *folder*, with *output* as its file descriptor."""
    (folder / "package.tgz").unlink(missing_ok=True)
    arguments = ("--image", "ghcr.io/acme/etl:1", "--source", ".", "--output", "package.tgz")
    return cost(
        side.bin / "pyflyte",
        "--pkgs",
        "pipelines",
        "package",
        *arguments,
        cwd=folder,
        env=env,
        output=output,
    )


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
    head = f"| {KINDS[kind]} | flyte-dask | official plugin | ratio |\n|---|---|---|---|"
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
    for name, kind in KINDS.items():
        ours, theirs = ([each.cpu for each in of] for of in found[name, 1000])
        what = f"CPU of packaging 1,000 tasks, {kind}, against the official plugin"
        targets.append(at_most(what, kind.most, ratio(ours, theirs)))
        growth, theirs_ = (
            _slope(name, found, side, 1000, 10_000) / _slope(name, found, side, 100, 1000)
            for side in range(2)
        )
        what = f"CPU per task, {kind}: from 1,000 to 10,000, against from 100 to 1,000"
        shown = f"{growth:.2f} (official plugin: {theirs_:.2f})"
        targets.append(Target(what, f"flat: at most {FLAT}", shown, growth <= FLAT))
    return targets
