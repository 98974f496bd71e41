"""The mapping from exceptions in a task's function to the cluster failures that caused them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from typing import Any

from distributed.client import FuturesCancelledError
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker, NoValidWorkerError, NoWorkerError

from flyte_dask.errors import FlyteDaskError
from flyte_dask_engine.attribution.missing_modules import scheduler_lacks, workers_lack
from flyte_dask_engine.attribution.origin import (
    is_from_process_of_cluster,
    is_raised_by_client,
    is_raised_in_task,
    is_without_scheduler,
)
from flyte_dask_engine.cluster_plugins.modules import has_module
from flyte_dask_engine.errors import (
    ClusterFailure,
    ClusterShutDown,
    NoValidWorker,
    TooFewWorkers,
    WrongEnvironment,
)
from flyte_dask_engine.foreign_errors import chain_of, describe, is_a, tame, text_of
from flyte_dask_engine.monitor.monitor import Monitor

__all__ = ["mapping_errors"]

_OF_SESSIONS = ClusterFailure, ClusterShutDown, NoValidWorker, TooFewWorkers, WrongEnvironment
"""What a session raises in the function, which may wrap it, as a group of tasks does."""

_LOST = "scheduler-connection-lost"  # the reason that distributed gives for cancelled futures
_UNREADABLE_GRAPH = "Error during deserialization of the task graph"


@contextmanager
def mapping_errors(monitor: Monitor) -> Iterator[None]:
    """Raise the errors of the block that the cluster of *monitor* caused as errors of ours.

    The function's own stay as they are; those that raise when they are read are made harmless.
    """
    try:
        yield
    except Exception as error:
        tame(error)
        ours = _ours(error, monitor)
        if ours is None:
            raise
        raise ours from _cause_of(ours, monitor.subject.host.failure(error) or error)


def _ours(error: Exception, monitor: Monitor) -> Exception | None:
    """The exception to raise instead of *error*; None to keep it."""
    subject = monitor.subject
    try:
        return subject.host.mapped(error, lambda wrapped: _mapped(wrapped, monitor))
    except Exception:  # of a class that cannot be made harmless; its error must not be replaced
        subject.logger.exception("%s: cannot tell what caused its error", subject.task)
        return None


def _cause_of(ours: Exception, error: BaseException) -> BaseException | None:
    """The cause to raise *ours* from: *error*, once nothing in its chain refers to *ours*.

    Otherwise the chain would be a circle, which loops whatever prints it.
    """
    beyond = ours.__cause__ or ours.__context__
    chain = [*chain_of(error, with_contexts=True)]
    for each in chain:
        with suppress(Exception):  # raised by a setter of its class
            if each.__cause__ is ours:
                each.__cause__ = beyond
            if each.__context__ is ours:
                each.__context__ = beyond
    is_member = any(each is ours for each in chain_of(error, with_contexts=True))  # of a group
    return ours.__cause__ if is_member else error


def _mapped(error: Exception, monitor: Monitor) -> Exception | None:
    """The error of ours for *error*; None if it is the function's own.

    The cluster's error can be anywhere in the chain of causes, since code and libraries wrap it.
    Contexts, in whose handling an error was raised, count only if they are unambiguous.
    """
    if is_a(error, FlyteDaskError):
        return None
    if isinstance(error, ModuleNotFoundError):
        return _unimportable(error, monitor)
    for cause in chain_of(error):
        found = _map_one(cause, monitor, _MAPPINGS)
        if found is not None:
            return found
    for context in chain_of(error, with_contexts=True):
        found = _map_one(context, monitor, _UNAMBIGUOUS)
        if found is not None:
            return found
    return None


def _map_one(error: BaseException, monitor: Monitor, mappings: _Mappings) -> Exception | None:
    """The error of ours for *error*, without its chain."""
    if isinstance(error, _OF_SESSIONS):
        return error
    if is_raised_in_task(error):  # by the user's code there, which may use anything
        return None
    found = (mapping(error, monitor) for kinds, mapping in mappings if is_a(error, kinds))
    ours = next(filter(None, found), None)
    return None if ours is None else monitor.assessment.verdict or ours


def _lost(monitor: Monitor) -> Exception | None:
    """The verdict that the scheduler is lost, which also aborts all other waiting."""
    monitor.assessment.conclude(monitor.subject.disconnected(monitor.assessment.snapshot))
    return monitor.assessment.verdict


def _unimportable(error: ModuleNotFoundError, monitor: Monitor) -> Exception | None:
    """Map the error of a worker that lacks a module which the runner has.

    The function can raise one itself, and so can its Dask tasks, next to workers that have it.
    """
    subject, module = monitor.subject, error.name
    if subject.is_local or not module or not has_module(module):
        return None
    is_ours = is_from_process_of_cluster(error) and is_raised_by_client(error, monitor) is not False
    if not is_ours or workers_lack(module, monitor) is False:
        return None
    return subject.unimportable(error)


def _killed(error: KilledWorker, monitor: Monitor) -> Exception | None:
    if len(error.args) != len(("task", "last worker", "allowed failures")):  # set by other code
        return None
    task = str(error.task)
    is_ours = is_raised_by_client(error, monitor)
    if is_ours is False:
        return None
    evidence = monitor.evidence(task)
    if is_ours is None and not (evidence and any(each.is_of_task for each in evidence.deaths)):
        return None  # nor did that task kill a worker here, and another worker pass on the error
    return monitor.subject.killed(task, error.allowed_failures + 1, evidence)


def _cancelled(error: CancelledError, monitor: Monitor) -> Exception | None:
    """Map cancelled futures, if the scheduler is lost; otherwise the user cancelled them."""
    if isinstance(error, FuturesCancelledError):
        is_lost = any(group.reason == _LOST for group in error.error_groups)
    else:
        is_lost = getattr(error, "reason", None) == _LOST
    is_ours = is_raised_by_client(error, monitor) if is_lost else False
    if is_ours is False:
        return None
    if not monitor.is_responding():
        return _lost(monitor)
    return monitor.subject.cut(error) if is_ours else None


def _unreadable(error: RuntimeError, monitor: Monitor) -> Exception | None:
    """Map the error of a scheduler that could not unpickle the graph.

    A local one has the runner's own environment.
    """
    why = error.__cause__
    is_of_graph = text_of(error).lstrip().startswith(_UNREADABLE_GRAPH)
    if not is_of_graph or not isinstance(why, (ImportError, AttributeError)):
        return None
    if monitor.subject.is_local or is_raised_by_client(error, monitor) is False:
        return None
    if isinstance(why, ModuleNotFoundError) and why.name:
        is_ours = has_module(why.name) and scheduler_lacks(why.name, monitor) is not False
    else:
        is_ours = is_from_process_of_cluster(error)
    if not is_ours:
        return None
    return monitor.subject.unreadable("scheduler", "the scheduler", describe(why))


def _unable(error: Exception, monitor: Monitor) -> Exception | None:
    """Map the error of a scheduler that itself gave up waiting for a worker."""
    return monitor.subject.unable(error) if is_raised_by_client(error, monitor) else None


def _invalid(error: Exception, monitor: Monitor) -> Exception | None:
    """Map the error of a scheduler that itself gave up waiting for a worker that fits."""
    return monitor.subject.invalid(error) if is_raised_by_client(error, monitor) else None


def _unavailable(error: BaseException, monitor: Monitor) -> Exception | None:
    """Map a timeout of ``wait_for_workers``, also of versions without a class for it."""
    is_of_workers = "workers arrived after" in text_of(error)
    if not is_of_workers or not is_raised_by_client(error, monitor):
        return None
    return monitor.subject.unavailable(error)


def _cut(error: BaseException, monitor: Monitor) -> Exception | None:
    """Map what is raised once the scheduler is lost or unreachable."""
    is_cut = is_a(error, CommClosedError)
    text = describe(error)
    # of a closed client, for which older versions have no class
    closed = ("ClosedClientError", "Exception: Tried sending message after closing")
    is_lost = is_cut or "trying to connect to" in text or text.startswith(closed)
    is_ours = is_raised_by_client(error, monitor) if is_lost else False
    if is_ours is False:
        return None
    if monitor.is_unresponsive or monitor.assessment.verdict is not None:
        return _lost(monitor)
    return monitor.subject.cut(error) if is_cut and is_ours else None


def _unusable(error: BaseException, monitor: Monitor) -> Exception | None:
    """Map what is raised for lack of a client that the function closed by a shutdown."""
    is_ours = monitor.is_shut_down and is_without_scheduler(error)
    if not is_ours or is_raised_by_client(error, monitor) is False:
        return None
    return monitor.assessment.verdict


_Mappings = tuple[tuple[Any, Callable[[Any, Monitor], Exception | None]], ...]

_UNAMBIGUOUS: _Mappings = ((KilledWorker, _killed), (CancelledError, _cancelled))
"""For errors that only a cluster's failure raises."""

_MAPPINGS: _Mappings = (
    *_UNAMBIGUOUS,
    (RuntimeError, _unreadable),
    (NoWorkerError, _unable),
    (NoValidWorkerError, _invalid),
    (asyncio.TimeoutError, _unavailable),
    (Exception, _cut),
    ((AttributeError, RuntimeError), _unusable),
)
