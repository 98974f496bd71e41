"""The DSL's costs: importing it, making configs, and the share of that for origins.

Interpreters of this project's venv and of one with the real incumbent take turns; what is reported
are medians over all turns.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from bench.incumbent import incumbent

PROJECT = Path(__file__).parent.parent
TURNS = 7
IMPORTS = 31

Code = dict[str, tuple[str, str]]

_PLUGIN = (
    "from flytekit import Resources\nfrom flytekitplugins.dask import Dask, Scheduler, WorkerGroup"
)
_ROLES = """Dask(
    Scheduler("img", Resources(cpu="1", mem="8Gi"), Resources(cpu="1", mem="8Gi")),
    WorkerGroup(5, None, Resources(cpu="2", mem="32Gi"), Resources(cpu="2", mem="32Gi")),
)"""
_VERBS = 'presets.medium(5).with_workers(mem="32Gi").with_scheduler(mem="8Gi")'
_WITHOUT_ORIGINS = """
from flyte_dask import presets, roles
roles.origins_of = roles.merge_origins = lambda *_: {}
"""

WRITTEN_OUT, PRESET, NO_ORIGINS = (
    "a config written out, with flytekit's Resources",
    "a preset with two verbs",
    "the same preset and verbs without origins",
)
OURS: Code = {
    WRITTEN_OUT: (_PLUGIN, _ROLES),
    PRESET: ("from flyte_dask import presets", _VERBS),
    NO_ORIGINS: (_WITHOUT_ORIGINS, _VERBS),
}
INCUMBENT: Code = {WRITTEN_OUT: (_PLUGIN, _ROLES)}

_IMPORT = """
import attrs, sys, time
start = time.perf_counter()
import flyte_dask
print((time.perf_counter() - start) * 1000)
"""


def report() -> str:
    """The table, in Markdown."""
    _output(sys.executable, "-c", _IMPORT)  # which writes the byte code, if need be
    importing = statistics.median(
        float(_output(sys.executable, "-c", _IMPORT)) for _ in range(IMPORTS)
    )
    ours, incumbents = _take_turns()
    mine, theirs = ours[WRITTEN_OUT], incumbents[WRITTEN_OUT]
    return f"""## Configuration

| | flyte-dask | incumbent | ratio |
|---|---|---|---|
| `import flyte_dask` after `import attrs` | {importing:.1f} ms | | |
| {WRITTEN_OUT} | {mine:.1f} µs | {theirs:.1f} µs | {mine / theirs:.1f} |
| {PRESET} | {ours[PRESET]:.1f} µs | | |
| {NO_ORIGINS} | {ours[NO_ORIGINS]:.1f} µs | | |

What the origins cost is the difference of the last two lines. The incumbent has neither presets nor
verbs, and checks nothing.
"""


def _take_turns() -> tuple[dict[str, float], dict[str, float]]:
    """The medians of both, each interpreter started anew for each turn."""
    times: dict[str, dict[str, list[float]]] = {}
    with incumbent() as python:
        for _ in range(TURNS):
            for interpreter, code in ((sys.executable, OURS), (str(python), INCUMBENT)):
                of_this = times.setdefault(interpreter, defaultdict(list))
                measured = _output(interpreter, str(PROJECT / "bench/measure.py"), json.dumps(code))
                for name, time in json.loads(measured).items():
                    of_this[name].append(time)
    ours, theirs = (
        {name: statistics.median(each) for name, each in of_this.items()}
        for of_this in times.values()
    )
    return ours, theirs


def _output(*command: str) -> str:
    """What *command* prints, outside of this project, and with byte code as an installation has."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run(
        command,
        cwd=tempfile.gettempdir(),
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout
