"""Whether processes of a cluster lack a module; they are asked."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from distributed.protocol.pickle import dumps

from flyte_dask_engine.cluster_plugins.modules import has_module
from flyte_dask_engine.monitor.monitor import Monitor

__all__ = ["scheduler_lacks", "workers_lack"]

_PATIENCE = 5.0  # seconds


def workers_lack(module: str, monitor: Monitor) -> bool | None:
    """Whether any worker lacks *module*; None if unknown, as when one does not answer in time."""
    message = {"op": "run", "wait": True, **_call(module)}
    with suppress(Exception):  # whatever it is, nothing is known then
        answers = monitor.ask("broadcast", _PATIENCE, msg=message, on_error="return_pickle")
        found = [each for each in map(_answer, answers.values()) if each is not None]
        return not all(found) if found else None
    return None


def scheduler_lacks(module: str, monitor: Monitor) -> bool | None:
    """Whether the scheduler lacks *module*; None if it does not answer in time."""
    with suppress(Exception):  # as above
        found = _answer(monitor.ask("run_function", _PATIENCE, wait=True, **_call(module)))
        return None if found is None else not found
    return None


def _call(module: str) -> dict[str, bytes]:
    return {"function": dumps(has_module), "args": dumps((module,)), "kwargs": dumps({})}


def _answer(response: Any) -> bool | None:
    """What a process answers; None if it cannot."""
    is_one = isinstance(response, dict) and response.get("status") == "OK"
    return bool(response["result"]) if is_one else None
