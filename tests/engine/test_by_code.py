"""Plugins are made in the cluster of their own code, where no flyte-dask can be imported."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from distributed.diagnostics.plugin import NannyPlugin, SchedulerPlugin, WorkerPlugin
from distributed.protocol.pickle import dumps

from flyte_dask_engine.cluster_plugins import MODULES
from flyte_dask_engine.cluster_plugins.by_code import ByCode, code_of
from flyte_dask_engine.cluster_plugins.code import CodeOnScheduler, CodeOnWorker
from flyte_dask_engine.cluster_plugins.lifecycle import SchedulerObserver
from flyte_dask_engine.cluster_plugins.recorder import Recorder
from flyte_dask_engine.cluster_plugins.several import SeveralOnScheduler, SeveralOnWorker
from flyte_dask_engine.cluster_plugins.shutdown import ShutdownObserver
from flyte_dask_engine.cluster_plugins.storage import StorageOnScheduler, StorageOnWorker
from flyte_dask_engine.cluster_plugins.task_errors import TaskErrors
from flyte_dask_engine.cluster_plugins.worker_metrics import WorkerRecorder
from flyte_dask_engine.cluster_plugins.worker_observers import NannyObserver, WorkerObserver

PLUGINS: list[Any] = [
    CodeOnScheduler(None, ("src",)),
    CodeOnWorker(b"archive", ("src", ".")),
    NannyObserver("topic"),
    Recorder("recorder"),
    SchedulerObserver("observer"),
    SeveralOnScheduler(SchedulerObserver("observer"), Recorder("recorder")),
    SeveralOnWorker(TaskErrors("observer"), WorkerObserver("topic")),
    ShutdownObserver("observer"),
    StorageOnScheduler(dict),
    StorageOnWorker(dict),
    TaskErrors("observer"),
    WorkerObserver("topic"),
    WorkerRecorder("metric"),
]

# A process of a cluster whose image has no flyte-dask: it makes each plugin twice, as for two
# sessions, and prints what it made, and what it imported of flyte-dask.
PROCESS = """
import json, sys
from importlib.abc import MetaPathFinder
from pathlib import Path

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0].startswith("flyte"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from distributed.protocol.pickle import loads

made = []
for file in sys.argv[1:]:
    one, other = (loads(Path(file).read_bytes()) for _ in range(2))
    made.append([type(one).__name__, one.name, type(one) is type(other)])
imported = [name for name in sys.modules if name.startswith("flyte")]
print(json.dumps({"made": made, "imported": imported}))
"""


def test_where_no_flyte_dask_is_installed(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.pickle" for number in range(len(PLUGINS))]
    for file, plugin in zip(files, PLUGINS, strict=True):
        file.write_bytes(dumps(plugin))
    done = subprocess.run(
        [sys.executable, "-c", PROCESS, *files], check=True, stdout=subprocess.PIPE, cwd=tmp_path
    )
    assert json.loads(done.stdout) == {
        "made": [[type(each).__name__, each.name, True] for each in PLUGINS],
        "imported": [],
    }


def test_all_plugins_are_sent_so() -> None:
    """But the one that is only for Dask's own performance report."""
    kinds = {
        kind
        for module in MODULES
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, (SchedulerPlugin, WorkerPlugin, NannyPlugin))
        and kind.__module__ == module.__name__
    }
    others = {kind.__name__ for kind in kinds if not issubclass(kind, ByCode)}
    assert others == {"BoundedTaskStream"}
    assert {kind.__name__ for kind in kinds} - others == {
        *(type(each).__name__ for each in PLUGINS),
        "Observer",
    }


def test_only_what_is_needed_is_sent() -> None:
    package = "flyte_dask_engine.cluster_plugins"
    assert {*code_of(f"{package}.task_errors")} == {
        *(f"{package}.{name}" for name in ("by_code", "task_errors")),
        *(f"flyte_dask_engine.{name}" for name in ("distributed_internals", "foreign_errors")),
    }


def test_another_version_gets_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sessions with different versions of flyte-dask can share a cluster."""
    module = "flyte_dask_engine.cluster_plugins.restrictions"
    before = code_of.__wrapped__(module)[module]
    other = compile("changed = True", "restrictions.py", "exec")
    monkeypatch.setattr("flyte_dask_engine.cluster_plugins.by_code._compiled", lambda _: other)
    name, data = code_of.__wrapped__(module)[module]
    assert name != before[0]
    assert data != before[1]
