"""What registrations log of advice: the first task's by each rule, and a count of the others."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import attrs
import flyte
import pytest
from flyte.models import SerializationContext
from flytekit import Resources, task
from flytekit.configuration import Image, ImageConfig, SerializationSettings

from flyte_dask import Dask, presets
from flyte_dask_engine.registration.advice_log import registrations
from flytekitplugins.dask.task import DaskTask
from tests.support.processes import BIN, run

HEAD = """
from flytekit import Resources, task

from flytekitplugins.dask import presets
"""
TASK = """

@task(task_config=presets.medium({workers}){more}, limits=Resources(cpu="2", mem="8Gi"))
def task_{number}() -> int:
    return 5
"""
FRACTION = ".with_workers(cpu=1.5)"
SMALL = ".with_scheduler(cpu='500m')"
CONSEQUENCE = {
    "fractional-cpu": "warning fractional-cpu: workers.limits.cpu: 1.5 CPUs are rounded up to 2 "
    "threads, each with 75% of a CPU. Remedy: .with_workers(cpu=2) (docs/advice/fractional-cpu.md)",
    "undersized-scheduler": "warning undersized-scheduler: scheduler.limits.cpu: 500m CPUs for 40 "
    "worker threads: the scheduler's one thread can use a whole CPU. Remedy: "
    ".with_scheduler(cpu=1) (docs/advice/undersized-scheduler.md)",
}


def last(*counts: str) -> str:
    """The line at the end of a registration with these *counts*."""
    listed = ", ".join(counts)
    return f"further tasks have advice by the same rules: {listed}; `flyte-dask check` lists it"


def logged(folder: Path, *configs: str) -> list[str]:
    """What ``pyflyte package`` logs of advice on tasks with `presets.medium(20)` and *configs*."""
    tasks = [
        TASK.format(number=number, workers=20, more=each) for number, each in enumerate(configs)
    ]
    (folder / "pipeline.py").write_text("".join([HEAD, *tasks]), encoding="utf-8")
    done = run(
        *(BIN / "pyflyte", "--pkgs", "pipeline", "package", "--image", "ghcr.io/acme/etl:3"),
        *("--source", folder, "--output", folder / "package.tgz", "--force"),
        cwd=folder,
        env={"PYTHONPATH": str(folder), "FLYTE_SDK_RICH_TRACEBACKS": "0"},
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    return [each["message"] for each in lines if each["name"] == "flytekit.dask.advice"]


@pytest.mark.once
class TestProcess:
    """A process that registers once."""

    def test_one_task_has_all_of_its_advice(self, tmp_path: Path) -> None:
        assert logged(tmp_path, FRACTION + SMALL) == [
            f"pipeline.task_0: {CONSEQUENCE[code]}"
            for code in ("undersized-scheduler", "fractional-cpu")
        ]

    def test_of_two_the_second_counts(self, tmp_path: Path) -> None:
        assert logged(tmp_path, FRACTION, FRACTION) == [
            f"pipeline.task_0: {CONSEQUENCE['fractional-cpu']}",
            last("fractional-cpu (1 task)"),
        ]

    def test_of_many_each_rule_has_its_first_and_its_number(self, tmp_path: Path) -> None:
        configs = [FRACTION, "", *[FRACTION + SMALL] * 30, FRACTION, SMALL]
        assert logged(tmp_path, *configs) == [
            f"pipeline.task_0: {CONSEQUENCE['fractional-cpu']}",
            f"pipeline.task_2: {CONSEQUENCE['undersized-scheduler']}",
            last("undersized-scheduler (30 tasks)", "fractional-cpu (31 tasks)"),
        ]

    def test_what_is_silenced_does_not_count(self, tmp_path: Path) -> None:
        silenced = f"{FRACTION}.without_advice('fractional-cpu')"
        assert logged(tmp_path, silenced, FRACTION, silenced) == [
            f"pipeline.task_1: {CONSEQUENCE['fractional-cpu']}"
        ]


@attrs.frozen
class Records:
    """The records of both SDKs' loggers of advice."""

    found: list[logging.LogRecord] = attrs.field(factory=list)

    def taken(self) -> list[str]:
        """The messages since the last call."""
        messages = [each.getMessage() for each in self.found]
        self.found.clear()
        return messages


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Iterator[Records]:
    """What is logged, after the registrations of other tests have ended."""
    registrations.end()
    records, handler = Records(), logging.Handler()
    monkeypatch.setattr(handler, "emit", records.found.append)
    loggers = [logging.getLogger(f"{sdk}.dask.advice") for sdk in ("flytekit", "flyte.user")]
    for logger in loggers:
        logger.addHandler(handler)
    yield records
    registrations.end()
    for logger in loggers:
        logger.removeHandler(handler)


def settings() -> SerializationSettings:
    """The settings of another registration."""
    return SerializationSettings(ImageConfig(Image("default", "acme/etl", "1")))


def nothing() -> int:
    return 1


def decorated(config: Dask) -> DaskTask:
    made: Any = task(task_config=config, limits=Resources(cpu="2", mem="8Gi"))(nothing)
    assert isinstance(made, DaskTask)
    return made


FRACTIONAL = [presets.medium(number).with_workers(cpu=1.5) for number in (2, 3, 4)]


class TestRegistrations:
    """Several registrations in a process."""

    def test_one_ends_when_another_begins(self, records: Records) -> None:
        first, second = settings(), settings()
        for config in FRACTIONAL:
            decorated(config).get_custom(first)
        (own,) = records.taken()
        assert CONSEQUENCE["fractional-cpu"] in own
        decorated(presets.medium(2)).get_custom(second)  # no advice
        assert records.taken() == [last("fractional-cpu (2 tasks)")]
        decorated(FRACTIONAL[0]).get_custom(second)
        (again,) = records.taken()
        assert CONSEQUENCE["fractional-cpu"] in again
        registrations.end()
        assert records.taken() == []

    def test_a_task_is_counted_once(self, records: Records) -> None:
        registration = settings()
        for made in map(decorated, FRACTIONAL[:2]):
            made.get_custom(registration)
            made.get_custom(registration)
        registrations.end()
        assert records.taken()[1:] == [last("fractional-cpu (1 task)")]

    def test_info_counts_if_it_is_logged(self, records: Records) -> None:
        """And its line then has level INFO."""
        many = [presets.medium(workers).with_workers(mem="40Gi") for workers in (30, 40)]
        quiet = settings()
        for config in many:
            decorated(config).get_custom(quiet)
        registrations.end()
        assert records.taken() == []
        logger = logging.getLogger("flytekit.dask.advice")
        level = logger.level
        logger.setLevel(logging.INFO)
        try:
            verbose = settings()
            for config in many:
                decorated(config).get_custom(verbose)
            registrations.end()
        finally:
            logger.setLevel(level)
        assert [each.levelno for each in records.found] == [logging.INFO] * 2
        assert "info poor-bin-packing: workers.requests:" in records.taken()[0]

    def test_flyte_2(self, records: Records) -> None:
        environment = flyte.TaskEnvironment(
            name="etl", plugin_config=Dask(workers=2), env_vars={"DASK_WORKER_NAME": "one"}
        )
        context = SerializationContext(version="1", root_dir=Path(os.curdir))
        for _ in range(3):
            made: Any = environment.task(nothing)
            made.custom_config(context)
        registrations.end()
        first, second, number = records.taken()
        assert "error reserved-env-var: task.environment.DASK_WORKER_NAME" in first
        assert "missing-worker-memory" in second
        assert number == last("reserved-env-var (2 tasks)", "missing-worker-memory (2 tasks)")

    def test_without_settings_each_task_is_alone(self, records: Records) -> None:
        environment = flyte.TaskEnvironment(
            name="etl", plugin_config=FRACTIONAL[0].with_workers(gpu=0)
        )
        for _ in range(2):
            made: Any = environment.task(nothing)
            made.custom_config(cast("Any", None))
        one, other = records.taken()
        assert one == other
