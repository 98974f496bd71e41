"""What configurations cost: making them, and what is registered of them."""

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
from flytekit import Resources, task
from flytekit.configuration import ImageConfig, SerializationSettings
from flytekitplugins.dask import Dask, Scheduler, WorkerGroup
settings = SerializationSettings(ImageConfig.auto(img_name="acme/etl:1"))
"""
_ROLES = """Dask(
    Scheduler("img", Resources(cpu="1", mem="8Gi"), Resources(cpu="1", mem="8Gi")),
    WorkerGroup({n}, None, Resources(cpu="2", mem="32Gi"), Resources(cpu="2", mem="32Gi")),
)"""
_PRESETS = "from flytekitplugins.dask import presets"
_VERBS = 'presets.medium(5).with_workers(mem="32Gi").with_scheduler(mem="8Gi")'
_WITHOUT_ORIGINS = """
from flyte_dask import presets, roles
roles.origins_of = roles.merge_origins = lambda *_: {}
"""
_FIVE = _ROLES.format(n=5)
_GET_ALL = "for each in tasks: each.get_custom(settings)"
# What nobody has advice for, since to tell that takes longer than all else.
_TASKS = (
    _IMPORT
    + """
def config(number):
    scheduler = Resources(cpu="1", mem="4Gi")
    worker = Resources(cpu="2", mem=f"{8 + number // 200}Gi")
    return Dask(
        Scheduler(requests=scheduler, limits=scheduler),
        WorkerGroup(number % 200 + 1, requests=worker, limits=worker),
    )

def task_with(config):
    return task(task_config=config, limits=Resources(cpu="2", mem="8Gi"))(day)
"""
)
_ONE_TASK = f"{_TASKS}\none = task_with(config(next(numbers)))\none.get_custom(settings)"
_DISTINCT_TASKS = f"{_TASKS}\ntasks = [task_with(config(next(numbers))) for _ in range({MANY})]"
_SHARING_TASKS = (
    f"{_TASKS}\nshared = config(next(numbers))\ntasks = [task_with(shared) for _ in range({MANY})]"
)

WRITTEN_OUT = "a config written out, with flytekit's Resources"
REPEATED = "`get_custom` of the same task, again and again"
DISTINCT = f"`get_custom` of {MANY:,} tasks with a config of their own, each"
SHARED = f"`get_custom` of {MANY:,} tasks that share a config, each"
BOTH: Code = {
    WRITTEN_OUT: (_IMPORT, _FIVE, 0),
    REPEATED: (_ONE_TASK, "one.get_custom(settings)", 0),
    DISTINCT: (_DISTINCT_TASKS, _GET_ALL, MANY),
    SHARED: (_SHARING_TASKS, _GET_ALL, MANY),
}
PRESET = "a preset, `presets.medium(5)`"
VERBS = "a preset with two verbs"
NO_ORIGINS = "the same preset and verbs without origins"
OURS: Code = {
    **BOTH,
    PRESET: (_PRESETS, "presets.medium(5)", 0),
    VERBS: (_PRESETS, _VERBS, 0),
    NO_ORIGINS: (_WITHOUT_ORIGINS, _VERBS, 0),
}


def report(sides: Sides) -> Section:
    """A table in Markdown."""
    ours, theirs = alternate(
        TURNS, partial(_measure, sides.ours, OURS), partial(_measure, sides.incumbent, BOTH)
    )
    rows = [
        row(
            name, *([each[name] for each in of if name in each] for of in (ours, theirs)), unit="µs"
        )
        for name in OURS
    ]
    repeated = ratio([each[REPEATED] for each in ours], [each[REPEATED] for each in theirs])
    origins = statistics.median(each[VERBS] - each[NO_ORIGINS] for each in ours)
    text = f"""## Configurations

Those of a side in one interpreter, another one in each of {TURNS} turns; `get_custom` is what
flytekit asks a task when it is registered.

| | flyte-dask | incumbent | ratio |
|---|---|---|---|
{chr(10).join(rows)}

The origins of a preset with two verbs, who said what, cost {origins:.0f} µs. The incumbent has
neither presets nor verbs, and checks nothing.
"""
    return Section(text, [at_most("repeated `get_custom`, of the incumbent's time", 0.3, repeated)])


def _measure(side: Side, code: Code) -> dict[str, float]:
    """Microseconds of each."""
    found: dict[str, float] = json.loads(side.output("-I", str(_MEASURE), json.dumps(code)))
    return found
