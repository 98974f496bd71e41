"""Passing a large frame between tasks: by their runners, or by the workers."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import attrs
from flyteidl.core.literals_pb2 import LiteralMap

from bench import frames
from bench.alternating import Cost, alternate, cost, ratio, row
from bench.results import Section, at_most
from bench.venvs import Sides
from tests.support.backend import cluster
from tests.support.paths import PROJECT
from tests.support.runner import task_command

TURNS = 3
_ENV = {
    "PYTHONPATH": str(PROJECT),
    "FLYTE_INTERNAL_EXECUTION_ID": "e1",  # from which flytekit detects Flyte
}


@attrs.frozen
class Passed:
    """What it costs to pass a frame."""

    producer: Cost
    consumer: Cost
    bytes: float
    """On disk."""

    @property
    def wall(self) -> float:
        """Seconds of both tasks."""
        return self.producer.wall + self.consumer.wall


def report(_: Sides) -> Section:
    """The section, in Markdown."""
    with cluster(2, memory_limit="4Gi", env={"PYTHONPATH": str(PROJECT)}) as started:
        env = {**_ENV, **started.env}
        ours, theirs = alternate(
            TURNS,
            partial(_pass, frames.writes, frames.reads, env),
            partial(_pass, frames.collects, frames.reads_in_runner, env),
        )
    producers = [[each.producer.peak for each in side] for side in (ours, theirs)]
    consumers = [[each.consumer.peak for each in side] for side in (ours, theirs)]
    walls = [[each.wall for each in side] for side in (ours, theirs)]
    sizes = [[each.bytes / 2**20 for each in side] for side in (ours, theirs)]
    rows = [
        row("producer's runner, peak memory", *producers, unit="MiB"),
        row("consumer's runner, peak memory", *consumers, unit="MiB"),
        row("wall of both tasks", *walls, unit="s"),
        row("on disk", *sizes, unit="MiB"),
    ]
    memory = frames.PARTITIONS * frames.ROWS * 48 / 1e6
    targets = [
        at_most("producer's runner, peak memory, of collecting", 0.2, ratio(*producers)),
        at_most("consumer's runner, peak memory, of collecting", 0.1, ratio(*consumers)),
        at_most("wall of producer and consumer, of collecting", 0.7, ratio(*walls)),
        at_most("bytes on disk, of what pandas' handler writes", 1.1, ratio(*sizes)),
    ]
    text = f"""## Data between tasks

A frame of {memory:,.0f} MB in {frames.PARTITIONS} partitions, from a task that makes it to a task
that computes a mean: runners as the backend starts them, one scheduler and two workers on loopback,
files on a local disk. {TURNS} turns. Written by the workers (`dd.DataFrame`), against collected in
the runner (`pd.DataFrame`).

| | by the workers | in the runner | ratio |
|---|---|---|---|
{chr(10).join(rows)}
"""
    return Section(text, targets)


def _pass(producer: Any, consumer: Any, env: dict[str, str]) -> Passed:
    with tempfile.TemporaryDirectory() as name:
        first, second, raw = Path(name, "first"), Path(name, "second"), Path(name, "raw")
        first.mkdir()
        second.mkdir()
        command, outputs = task_command(producer, first, raw=str(raw))
        made = cost(*command, cwd=PROJECT, env=env)
        written = LiteralMap.FromString((outputs / "outputs.pb").read_bytes())
        inputs = LiteralMap(literals={"rows": written.literals["o0"]})
        command, outputs = task_command(consumer, second, inputs, str(raw))
        read = cost(*command, cwd=PROJECT, env=env)
        if not (outputs / "outputs.pb").exists():
            raise RuntimeError((outputs / "error.pb").read_bytes())
        return Passed(made, read, sum(each.stat().st_size for each in _files(raw)))


def _files(folder: Path) -> list[Path]:
    return [each for each in folder.rglob("*") if each.is_file()]
