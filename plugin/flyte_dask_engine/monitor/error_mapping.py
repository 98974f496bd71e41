"""What an exception of a task's function means, if it is the cluster's and not the function's."""

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

__all__ = ["causes", "translated", "translating"]

_LOST = "scheduler-connection-lost"  # distributed's word, of futures
_UNREADABLE_GRAPH = "Error during deserialization of the task graph"


@contextmanager
def translating(monitor: Monitor) -> Iterator[None]:
    """Raise in our words what the cluster of *monitor* makes the block fail with."""
    try:
        yield
    except Exception as error:
        host = monitor.assessment.subject.host
        ours = host.mapped(error, lambda carried: translated(carried, monitor))
        if ours is None:
            raise
        raise ours from _cause_of(ours, error)


def _cause_of(ours: Exception, error: Exception) -> BaseException | None:
    """What to raise *ours* from: *error*, of which what came of *ours* now comes of its cause.

    Otherwise it would be a circle, which those who print errors follow for ever.
    """
    beyond = ours.__cause__ or ours.__context__
    for each in [*causes(error, with_contexts=True)]:
        if each.__cause__ is ours:
            each.__cause__ = beyond
        if each.__context__ is ours:
            each.__context__ = beyond
    is_member = any(each is ours for each in causes(error, with_contexts=True))  # of a group
    return ours.__cause__ if is_member else error


def translated(error: Exception, monitor: Monitor) -> Exception | None:
    """What *error* means, as one of our errors; None if it is the function's own.

    What happened to a cluster can be anywhere in the chain, for code and libraries raise errors of
    their own about it. What an error was raised in handling of counts only if it is beyond doubt.
    """
    if isinstance(error, FlyteDaskError):
        return None
    if isinstance(error, ModuleNotFoundError):
        return monitor.assessment.subject.unimportable(error)
    for cause in causes(error):
        found = _of_cluster(cause, monitor, _MEANINGS)
        if found is not None:
            return found
    for context in causes(error, with_contexts=True):
        found = _of_cluster(context, monitor, _SURE_MEANINGS)
        if found is not None:
            return found
    return None


def _of_cluster(error: BaseException, monitor: Monitor, meanings: _Meanings) -> Exception | None:
    """What *error*, alone, means."""
    if isinstance(error, (ClusterFailure, WrongEnvironment)):
        return error
    found = (meaning(error, monitor) for kinds, meaning in meanings if isinstance(error, kinds))
    ours = next(filter(None, found), None)
    return None if ours is None else monitor.assessment.verdict or ours


def _lost(monitor: Monitor) -> Exception | None:
    """The verdict that the scheduler is, which ends all that waits for it elsewhere."""
    assessment = monitor.assessment
    assessment.say(assessment.subject.disconnected(assessment.snapshot))
    return assessment.verdict


def _killed(error: KilledWorker, monitor: Monitor) -> Exception:
    subject = monitor.assessment.subject
    if len(error.args) != 3:  # an SDK can write a text of its own there
        return subject.killed("", None, monitor.assessment.snapshot)
    task = str(error.task)
    return subject.killed(task, error.allowed_failures + 1, monitor.evidence(task))


def _cancelled(error: CancelledError, monitor: Monitor) -> Exception | None:
    """Futures are cancelled because the scheduler is lost; else it was by somebody's wish."""
    if isinstance(error, FuturesCancelledError):
        is_lost = any(group.reason == _LOST for group in error.error_groups)
    else:
        is_lost = getattr(error, "reason", None) == _LOST
    if not is_lost:
        return None
    return monitor.assessment.subject.cut(error) if monitor.does_answer() else _lost(monitor)


def _unreadable(error: RuntimeError, monitor: Monitor) -> Exception | None:
    """The scheduler could not unpickle the graph."""
    why = error.__cause__
    is_of_graph = str(error).lstrip().startswith(_UNREADABLE_GRAPH)
    if not is_of_graph or not isinstance(why, (ImportError, AttributeError)):
        return None
    told = f"{type(why).__name__}: {why}"
    return monitor.assessment.subject.unreadable("scheduler", "the scheduler", told)


def _unable(error: NoWorkerError | NoValidWorkerError, monitor: Monitor) -> Exception:
    return monitor.assessment.subject.unable(error)


def _unavailable(error: BaseException, monitor: Monitor) -> Exception | None:
    """The function itself has waited for workers; before distributed had a class for that, too."""
    if "workers arrived after" not in str(error):
        return None
    return monitor.assessment.subject.unavailable(error)


def _cut(error: BaseException, monitor: Monitor) -> Exception | None:
    """What code sees once the scheduler is lost or cannot be reached."""
    is_cut = isinstance(error, CommClosedError)
    text = f"{type(error).__name__}: {error}"
    # of a closed client, before and after distributed had a class for that
    closed = ("ClosedClientError", "Exception: Tried sending message after closing")
    if (is_cut or "trying to connect to" in text or text.startswith(closed)) and monitor.is_silent:
        return _lost(monitor)
    return monitor.assessment.subject.cut(error) if is_cut else None


_Meanings = tuple[tuple[Any, Callable[[Any, Monitor], Exception | None]], ...]

_SURE_MEANINGS: _Meanings = ((KilledWorker, _killed), (CancelledError, _cancelled))
"""Of what nothing but a cluster's failure raises."""

_MEANINGS: _Meanings = (
    *_SURE_MEANINGS,
    (RuntimeError, _unreadable),
    ((NoWorkerError, NoValidWorkerError), _unable),
    (asyncio.TimeoutError, _unavailable),
    (Exception, _cut),
)


def causes(error: BaseException, *, with_contexts: bool = False) -> Iterator[BaseException]:
    """*error*, its causes and members; on demand what it was raised in handling of, too."""
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
