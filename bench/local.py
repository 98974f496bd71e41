"""The cost of `pyflyte run` for a small task: whole processes, on this machine."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from bench.alternating import Cost, alternate, cost, row
from bench.results import Section
from bench.venvs import Side, Sides

TURNS = 5
_TASK = """
from dask import delayed
from flytekit import task
from flytekitplugins.dask import {names}

@task(task_config={config})
def total(numbers: int) -> int:
    return sum(delayed(abs)(each) for each in range(numbers)).compute()
"""
_CONFIGS = {
    "flyte-dask": {"names": "Dask", "config": "Dask(workers=2)"},
    "official": {"names": "Dask, WorkerGroup", "config": "Dask(workers=WorkerGroup(2))"},
}


def report(sides: Sides) -> Section:
    """The section, in Markdown."""
    with tempfile.TemporaryDirectory() as name:
        for side in sides:
            Path(name, side.name).mkdir()
            source = _TASK.format(**_CONFIGS[side.name])
            Path(name, side.name, "small.py").write_text(source, encoding="utf-8")
        ours, theirs = alternate(TURNS, *(partial(_run, side, Path(name)) for side in sides))
    rows = [
        row(what, *([getattr(each, of) for each in side] for side in (ours, theirs)), unit=unit)
        for what, of, unit in (
            ("wall", "wall", "s"),
            ("CPU", "cpu", "s"),
            ("memory", "peak", "MiB"),
        )
    ]
    return Section(f"""## A local run

`pyflyte run small.py total --numbers 10`, with a bare `.compute()` in the task: whole processes,
{TURNS} turns. flyte-dask computes on a local cluster of two workers; the official plugin only runs
the function, so the difference is the cost of the cluster.

| resource | flyte-dask | official plugin | ratio |
|---|---|---|---|
{chr(10).join(rows)}
""")


def _run(side: Side, folder: Path) -> Cost:
    command = (side.bin / "pyflyte", "run", "small.py", "total", "--numbers", "10")
    return cost(*command, cwd=folder / side.name)
