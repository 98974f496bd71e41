"""How well a replay of a recorded run predicts what other numbers of workers take.

Each workload runs on each number of worker processes with one thread, beside a real scheduler. From
the records of each size, the wall time of every other size is predicted and compared.
"""

from __future__ import annotations

import logging
import os
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.results import Section, Target, at_most
from bench.venvs import Sides
from bench.workloads import WORKLOADS, Workload
from flyte_dask import Dask
from flyte_dask_engine.session.session import session
from flyte_dask_records import Record, loads
from flyte_dask_sizing.replay.schedule import what_if
from tests.support.backend import ADDRESS, cluster
from tests.support.paths import PROJECT

TURNS = 3
WITHIN = 0.2
"""The largest error of a prediction, as a share of the measured time."""

Runs = Mapping[int, list[Record]]
"""The records of a workload by the number of workers."""


def report(_: Sides) -> Section:
    """The section, in Markdown."""
    logging.getLogger("flyte_dask.runtime").setLevel(logging.ERROR)  # ends of sessions
    found = {
        each.name: {number: _runs(each, number) for number in each.workers} for each in WORKLOADS
    }
    rows = [row for name, runs in found.items() for row in _rows(name, runs)]
    errors = [error for runs in found.values() for *_, error in _predictions(runs)]
    ranked = sum(_is_ranked(runs) for runs in found.values())
    text = f"""## Predictions

Wall time of a function on one to four worker processes with one thread each, as measured (median of
{TURNS} runs), and as `flyte-dask size --what-if` predicts it from the records of runs on another
number. Workloads that compute are measured on no more workers than there are cores.

| workload | recorded on | predicted for | predicted | measured | error |
|---|---|---|---|---|---|
{chr(10).join(rows)}
"""
    every = Target(
        "rankings of sizes that are right", "all", f"{ranked} of {len(found)}", ranked == len(found)
    )
    return Section(text, [at_most("error of a predicted wall time", WITHIN, max(errors)), every])


def _runs(workload: Workload, workers: int) -> list[Record]:
    """The records of some runs of *workload*, after one that warms up."""
    with (
        cluster(workers, nannies=False, env={"PYTHONPATH": str(PROJECT)}) as started,
        tempfile.TemporaryDirectory() as folder,
    ):
        os.environ.update({ADDRESS: started.address, "FLYTE_DASK_RECORD": folder})
        try:
            for _ in range(TURNS + 1):
                with session(Dask(workers=workers), "bench") as opened:
                    opened.run(lambda: workload.run(opened.client))
        finally:
            del os.environ[ADDRESS], os.environ["FLYTE_DASK_RECORD"]
        records = [loads(path.read_text("utf-8")) for path in sorted(Path(folder).iterdir())]
    return records[1:]


def _predictions(runs: Runs) -> Iterator[tuple[int, int, float, float, float]]:
    """Recorded on, predicted for, predicted and measured seconds, and the relative error."""
    for recorded, records in runs.items():
        for prediction in what_if(records, [each for each in runs if each != recorded]):
            measured = _wall(runs[prediction.workers])
            error = abs(prediction.wall - measured) / measured
            yield recorded, prediction.workers, prediction.wall, measured, error


def _rows(name: str, runs: Runs) -> Iterator[str]:
    for recorded, workers, predicted, measured, error in _predictions(runs):
        cells = f"{recorded} | {workers} | {predicted:.2f} s | {measured:.2f} s | {error:.0%}"
        yield f"| {name} | {cells} |"


def _is_ranked(runs: Runs) -> bool:
    """Whether predictions from each size order all sizes as the measured times do."""
    measured = sorted(runs, key=lambda number: _wall(runs[number]))
    return all(
        sorted(runs, key=lambda number: predicted[number]) == measured
        for records in runs.values()
        for predicted in [{each.workers: each.wall for each in what_if(records, list(runs))}]
    )


def _wall(records: list[Record]) -> float:
    return statistics.median(record.wall or 0.0 for record in records)
