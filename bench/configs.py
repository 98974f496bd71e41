"""The cost of configs: creating them, and their part of a registration."""

from __future__ import annotations

import json
import statistics
from functools import partial
from pathlib import Path

from bench.alternating import alternate, ratio, row
from bench.results import Section, at_most
from bench.venvs import Side, Sides

TURNS = 5
MANY = 1000
_MEASURE = Path(__file__).with_name("measure.py")

Code = dict[str, tuple[str, str, int]]

_IMPORT = """
import logging
from flytekit import Resources, task
from flytekit.configuration import ImageConfig, SerializationSettings
from flytekitplugins.dask import Dask, Scheduler, WorkerGroup
logging.getLogger("flytekit").handlers[:] = [logging.NullHandler()]  # the log is measured elsewhere
settings = SerializationSettings(ImageConfig.auto(img_name="acme/etl:1"))
"""
_ROLES = """Dask(
    Scheduler("img", Resources(cpu="1", mem="8Gi"), Resources(cpu="1", mem="8Gi")),
    WorkerGroup({n}, None, Resources(cpu="2", mem="32Gi"), Resources(cpu="2", mem="32Gi")),
)"""
_PRESETS = "from flytekitplugins.dask import presets"
_METHODS = 'presets.medium(5).with_workers(mem="32Gi").with_scheduler(mem="8Gi")'
_WITHOUT_ORIGINS = """
from flyte_dask import presets
from flyte_dask.roles import roles
roles.origins_of = roles.merge_origins = lambda *_: {}
"""
_FIVE = _ROLES.format(n=5)
_GET_ALL = "for each in tasks: each.get_custom(settings)"
_TASKS = (
    _IMPORT
    + """
def plain(number):
    scheduler = Resources(cpu="1", mem="4Gi")
    worker = Resources(cpu="2", mem=f"{8 + number // 200}Gi")
    return Dask(
        Scheduler(requests=scheduler, limits=scheduler),
        WorkerGroup(number % 200 + 1, requests=worker, limits=worker),
    )

def with_memory(number, least, most):
    low, high = Resources(cpu="500m", mem="512Mi"), Resources(cpu="1", mem="1Gi")
    requests, limits = Resources(cpu="500m", mem=least), Resources(cpu="1500m", mem=most)
    return Dask(
        Scheduler(requests=low, limits=high),
        WorkerGroup(number % 200 + 1, requests=requests, limits=limits),
    )

def advised(number):
    return with_memory(number, f"{1 + number // 200}Gi", f"{2 + number // 200}Gi")

def unique(number):
    return with_memory(number, f"{1024 + number}Mi", f"{2048 + number}Mi")

def task_with(config):
    return task(task_config=config, limits=Resources(cpu="2", mem="8Gi"))(day)
"""
)


def _repeated(config: str) -> tuple[str, str, int]:
    one = f"one = task_with({config}(next(numbers)))\none.get_custom(settings)"
    return f"{_TASKS}\n{one}", "one.get_custom(settings)", 0


def _distinct(config: str) -> tuple[str, str, int]:
    tasks = f"tasks = [task_with({config}(next(numbers))) for _ in range({MANY})]"
    return f"{_TASKS}\n{tasks}", _GET_ALL, MANY


def _shared(config: str) -> tuple[str, str, int]:
    tasks = f"tasks = [task_with(shared) for _ in range({MANY})]"
    return f"{_TASKS}\nshared = {config}(next(numbers))\n{tasks}", _GET_ALL, MANY


WRITTEN_OUT = "an explicit config, with flytekit's Resources"
REPEATED = {
    kind: f"`get_custom` of the same task, {what}, repeated"
    for kind, what in (("plain", "without advice"), ("advised", "with advice"))
}
BOTH: Code = {
    WRITTEN_OUT: (_IMPORT, _FIVE, 0),
    **{name: _repeated(kind) for kind, name in REPEATED.items()},
    f"`get_custom` of {MANY:,} tasks, each with its own config, without advice": _distinct("plain"),
    f"`get_custom` of {MANY:,} tasks, each with its own config, with advice": _distinct("advised"),
    "the same, each with another amount of memory": _distinct("unique"),
    f"`get_custom` of {MANY:,} tasks that share a config, without advice": _shared("plain"),
    f"`get_custom` of {MANY:,} tasks that share a config, with advice": _shared("advised"),
}
PRESET = "a preset, `presets.medium(5)`"
METHODS = "a preset with two `with_*` methods"
NO_ORIGINS = "the same without origins"
OURS: Code = {
    **BOTH,
    PRESET: (_PRESETS, "presets.medium(5)", 0),
    METHODS: (_PRESETS, _METHODS, 0),
    NO_ORIGINS: (_WITHOUT_ORIGINS, _METHODS, 0),
}


def report(sides: Sides) -> Section:
    """The section, in Markdown."""
    ours, theirs = alternate(
        TURNS, partial(_measure, sides.ours, OURS), partial(_measure, sides.official, BOTH)
    )
    rows = [
        row(
            name, *([each[name] for each in of if name in each] for of in (ours, theirs)), unit="µs"
        )
        for name in OURS
    ]
    targets = [
        at_most(
            f"{name}, against the official plugin",
            0.3,
            ratio([each[name] for each in ours], [each[name] for each in theirs]),
        )
        for name in REPEATED.values()
    ]
    origins = statistics.median(each[METHODS] - each[NO_ORIGINS] for each in ours)
    text = f"""## Configs

Each side in one interpreter, a new one in each of {TURNS} turns; flytekit calls `get_custom` to
register a task. Configs with advice set requests below limits and little memory, as many do: their
CPUs are fractional, and the scheduler is too small for many workers. The log is disabled here.

| operation | flyte-dask | official plugin | ratio |
|---|---|---|---|
{chr(10).join(rows)}

Origins cost {origins:.0f} µs for a preset with two `with_*` methods. The official plugin has
neither, and validates nothing.
"""
    return Section(text, targets)


def _measure(side: Side, code: Code) -> dict[str, float]:
    """Microseconds of each operation."""
    found: dict[str, float] = json.loads(side.output("-I", str(_MEASURE), json.dumps(code)))
    return found
