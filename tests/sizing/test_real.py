"""Suggestions from the records of real runs, of tasks whose needs are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flyte_dask.quantities.quantity import Quantity
from tests.support.backend import cluster
from tests.support.command import flyte_dask
from tests.support.measured import HELD, MIB, exceeds, holds
from tests.support.runner import CODE, run_task

pytestmark = pytest.mark.once


def record_of(task: Any, folder: Path, memory: str) -> Path:
    """The folder with the record of a run of *task* on two workers, as the backend starts them."""
    found = folder / "records"
    with cluster(workers=2, memory_limit=memory, env=CODE) as started:
        run_task(task, folder / "run", {**started.env, "FLYTE_DASK_RECORD": str(found)})
    assert len([*found.iterdir()]) == 1
    return found


def suggested(folder: Path, paths: Path, *options: str) -> dict[str, Any]:
    """What the command suggests."""
    done = flyte_dask(folder, "size", str(paths), "--format", "json", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_a_task_gets_what_it_held(tmp_path: Path) -> None:
    """Neither less than a worker held, nor much more."""
    paths = record_of(holds, tmp_path, "4Gi")
    found = suggested(tmp_path, paths, "--min-runs", "1", "--prefer", "cost")
    suggestion = found["suggestion"]
    memory = Quantity(suggestion["workers.mem"])
    assert HELD * MIB < memory.value <= 2 * 1024 * MIB  # one worker may get what two needed
    assert suggestion["workers.cpu"] == "1"
    assert found["confidence"] == "low"
    assert {each["workers"] for each in found["what_if"]} >= {1, 2, 4}


def test_a_task_that_ran_out_of_memory_gets_twice_as_much(tmp_path: Path) -> None:
    """After a single run."""
    paths = record_of(exceeds, tmp_path, "512Mi")
    found = suggested(tmp_path, paths)
    assert found["suggestion"]["workers.mem"] == "1Gi"
    assert found["reasons"][0].startswith("workers.mem: 1Gi: a run failed for lack of memory")
