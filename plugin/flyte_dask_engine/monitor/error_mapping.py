"""The mapping from exceptions in a task's function to the cluster failures that caused them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

from distributed.client import FuturesCancelledError
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker, NoValidWorkerError, NoWorkerError

from flyte_dask.errors import FlyteDaskError
from flyte_dask_engine.errors import ClusterFailure, WrongEnvironment
from flyte_dask_engine.monitor.monitor import Monitor

__all__ = ["mapping_errors"]

_LOST = "scheduler-connection-lost"  # the reason that distributed gives for cancelled futures
_UNREADABLE_GRAPH = "Error during deserialization of the task graph"


@contextmanager
def mapping_errors(monitor: Monitor) -> Iterator[None]:
    """Raise the errors of the block that the cluster of *monitor* caused as errors of ours."""
    try:
        yield
    except Exception as error:
        host = monitor.subject.host
        ours = host.mapped(error, lambda wrapped: _mapped(wrapped, monitor))
        if ours is None:
            raise
        raise ours from _cause_of(ours, error)


def _cause_of(ours: Exception, error: Exception) -> BaseException | None:
    """The cause to raise *ours* from: *error*, once nothing in its chain refers to *ours*.

    Otherwise the chain would be a circle, which loops whatever prints it.
    """
    beyond = ours.__cause__ or ours.__context__
    for each in [*_causes(error, with_contexts=True)]:
        if each.__cause__ is ours:
            each.__cause__ = beyond
        if each.__context__ is ours:
            each.__context__ = beyond
    is_member = any(each is ours for each in _causes(error, with_contexts=True))  # of a group
    return ours.__cause__ if is_member else error


def _mapped(error: Exception, monitor: Monitor) -> Exception | None:
    """The error of ours for *error*; None if it is the function's own.

    The cluster's error can be anywhere in the chain of causes, since code and libraries wrap it.
    Contexts, in whose handling an error was raised, count only if they are unambiguous.
    """
    if isinstance(error, FlyteDaskError):
        return None
    if isinstance(error, ModuleNotFoundError):
        return monitor.subject.unimportable(error)
    for cause in _causes(error):
        found = _map_one(cause, monitor, _MAPPINGS)
        if found is not None:
            return found
    for context in _causes(error, with_contexts=True):
        found = _map_one(context, monitor, _UNAMBIGUOUS)
        if found is not None:
            return found
    return None


def _map_one(error: BaseException, monitor: Monitor, mappings: _Mappings) -> Exception | None:
    """The error of ours for *error*, without its chain."""
    if isinstance(error, (ClusterFailure, WrongEnvironment)):
        return error
    found = (mapping(error, monitor) for kinds, mapping in mappings if isinstance(error, kinds))
    ours = next(filter(None, found), None)
    return None if ours is None else monitor.assessment.verdict or ours


def _lost(monitor: Monitor) -> Exception | None:
    """The verdict that the scheduler is lost, which also aborts all other waiting."""
    monitor.assessment.conclude(monitor.subject.disconnected(monitor.assessment.snapshot))
    return monitor.assessment.verdict


def _killed(error: KilledWorker, monitor: Monitor) -> Exception:
    subject = monitor.subject
    if len(error.args) != 3:  # an SDK can replace them by a text of its own
        return subject.killed("", None, monitor.assessment.snapshot)
    task = str(error.task)
    return subject.killed(task, error.allowed_failures + 1, monitor.evidence(task))


def _cancelled(error: CancelledError, monitor: Monitor) -> Exception | None:
    """Map cancelled futures, if the scheduler is lost; otherwise the user cancelled them."""
    if isinstance(error, FuturesCancelledError):
        is_lost = any(group.reason == _LOST for group in error.error_groups)
    else:
        is_lost = getattr(error, "reason", None) == _LOST
    if not is_lost:
        return None
    return monitor.subject.cut(error) if monitor.is_responding() else _lost(monitor)


def _unreadable(error: RuntimeError, monitor: Monitor) -> Exception | None:
    """Map the error of a scheduler that could not unpickle the graph."""
    why = error.__cause__
    is_of_graph = str(error).lstrip().startswith(_UNREADABLE_GRAPH)
    if not is_of_graph or not isinstance(why, (ImportError, AttributeError)):
        return None
    text = f"{type(why).__name__}: {why}"
    return monitor.subject.unreadable("scheduler", "the scheduler", text)


def _unavailable(error: BaseException, monitor: Monitor) -> Exception | None:
    """Map a timeout of ``wait_for_workers``, also of versions without a class for it."""
    if "workers arrived after" not in str(error):
        return None
    return monitor.subject.unavailable(error)


def _cut(error: BaseException, monitor: Monitor) -> Exception | None:
    """Map what is raised once the scheduler is lost or unreachable."""
    is_cut = isinstance(error, CommClosedError)
    text = f"{type(error).__name__}: {error}"
    # of a closed client, for which older versions have no class
    closed = ("ClosedClientError", "Exception: Tried sending message after closing")
    is_lost = is_cut or "trying to connect to" in text or text.startswith(closed)
    if is_lost and monitor.is_unresponsive:
        return _lost(monitor)
    return monitor.subject.cut(error) if is_cut else None


_Mappings = tuple[tuple[Any, Callable[[Any, Monitor], Exception | None]], ...]

_UNAMBIGUOUS: _Mappings = ((KilledWorker, _killed), (CancelledError, _cancelled))
"""For errors that only a cluster's failure raises."""

_MAPPINGS: _Mappings = (
    *_UNAMBIGUOUS,
    (RuntimeError, _unreadable),
    (NoWorkerError, lambda error, monitor: monitor.subject.unable(error)),
    (NoValidWorkerError, lambda error, monitor: monitor.subject.invalid(error)),
    (asyncio.TimeoutError, _unavailable),
    (Exception, _cut),
)


def _causes(error: BaseException, *, with_contexts: bool = False) -> Iterator[BaseException]:
    """*error*, its causes and the members of groups; also their contexts, if *with_contexts*."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        context = each.__context__ if with_contexts and not each.__suppress_context__ else None
        members = getattr(each, "exceptions", ())  # of a group
        others = [each.__cause__, context, *(members if isinstance(members, tuple) else ())]
        waiting += [also for also in others if isinstance(also, BaseException)]
