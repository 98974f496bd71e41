"""The session of a task: its cluster is opened, used while the function runs, and closed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

import attrs
from distributed import Client, Scheduler

from flyte_dask.config.dask import Dask
from flyte_dask.config.runtime import Runtime, with_environment
from flyte_dask.inheritance.parent import Parent
from flyte_dask.inheritance.resolution import Resolved
from flyte_dask_engine.attribution.error_mapping import mapping_errors
from flyte_dask_engine.attribution.hints import hinting
from flyte_dask_engine.cluster_plugins.task_errors import pass_all_errors
from flyte_dask_engine.collections.writing import Writer, write_all, writing
from flyte_dask_engine.collections.written import Written
from flyte_dask_engine.distributed_internals import current_client
from flyte_dask_engine.errors import NoCluster
from flyte_dask_engine.host import NO_SDK, Host
from flyte_dask_engine.local.cluster import Shape, describe, exited, is_to_scale, local_cluster
from flyte_dask_engine.local.progress import progress
from flyte_dask_engine.monitor.diagnosis import Subject
from flyte_dask_engine.monitor.monitor import Monitor, monitoring
from flyte_dask_engine.monitor.verdict import Assessment
from flyte_dask_engine.session.address import ADDRESS, scheduler_address
from flyte_dask_engine.session.connection import connect, wait_for_workers
from flyte_dask_engine.session.default_client import default_cluster
from flyte_dask_engine.session.installation import install
from flyte_dask_engine.session.outputs import check_outputs
from flyte_dask_engine.session.scopes import Scope, open_scope
from flyte_dask_engine.session.session_log import (
    dashboard_url,
    log_activity,
    show_logs,
    start_line,
)
from flyte_dask_engine.session.storage import storage_here
from flyte_dask_engine.session.versions import (
    Installed,
    check_joined,
    check_versions,
    installed_here,
    overview,
)
from flyte_dask_engine.session.worker_waits import limiting_worker_waits

if TYPE_CHECKING:
    from flyte_dask_engine.report.collection import Adviser, Reporting

__all__ = ["Session", "session"]

_T = TypeVar("_T")


@attrs.frozen
class Session:
    """An open session."""

    client: Client
    """A synchronous client of the cluster; Dask's default unless Runtime(client=False)."""
    _monitor: Monitor
    _cluster: ExitStack
    _report: Reporting | None = None

    def run(self, function: Callable[[], _T]) -> _T:
        """Call *function* and return its result.

        Raises:
            ClusterFailure: if the cluster failed.
            WrongEnvironment: if the images of the task and its cluster cannot work together.
        """
        with mapping_errors(self._monitor), hinting(self._monitor):
            self._monitor.mark_begin()
            with nullcontext() if self._report is None else self._report.report.run.timing():
                result = function()
            self._monitor.mark_return()
            return result

    def check_outputs(self, outputs: Mapping[str, object]) -> None:
        """Check that no output, by its name, refers to what is in the cluster.

        Raises:
            InvalidOutput: if one does.
        """
        subject = self._monitor.subject
        check_outputs(subject.task, outputs, subject.host)

    def write(self, writers: Sequence[Writer]) -> list[Written]:
        """Let the workers write Dask collections, also with Runtime(client=False).

        Raises:
            InvalidOutput: if one cannot be written.
            ClusterFailure: if the cluster failed.
        """
        subject = self._monitor.subject
        with mapping_errors(self._monitor), writing(subject.task, subject.host):
            return write_all(writers, self._compute)

    def _compute(self, collections: Sequence[Any]) -> Sequence[Any]:
        client: Any = self.client
        return cast("Sequence[Any]", client.gather(client.compute([*collections])))

    def end(self) -> None:
        """End the session before its block ends: only its report is still shown until then.

        An SDK that does more in the block, such as rendering pages, calls it when that begins.
        """
        self._cluster.close()


@contextmanager
def session(  # noqa: PLR0913  # what a task knows
    config: Dask,
    task_name: str,
    parent: Parent | None = None,
    root: Path | None = None,
    retries: int | None = None,
    *,
    has_deck: bool = False,
    assess: Adviser | None = None,
    host: Host = NO_SDK,
    inputs: Mapping[str, object] = MappingProxyType({}),
) -> Iterator[Session]:
    """Open a session with a task's cluster, whose client is Dask's default until the block ends.

    The cluster is the one at ``DASK_SCHEDULER_ADDRESS``, which Flyte sets. Without that variable,
    and not on Flyte, a local cluster of the same shape is started and closed with the block.

    Args:
        config: the task's config.
        task_name: its name, for logs, errors and the report.
        parent: the task from which the roles inherit.
        root: the folder from which workers of a local cluster import the task's code.
        retries: the task's number of retries, for errors; None if unknown.
        has_deck: whether the task has a deck. Then a report is added, unless the runtime sets
            *report*.
        assess: returns the job and its advice, for the report.
        host: the SDK in which the task runs.
        inputs: the inputs of its function, by name, whose sizes the report has.

    Raises:
        NoCluster: on Flyte without an address, unless require_cluster=False.
        ClusterFailure: if the scheduler or the workers do not come up in time, or are lost.
        WrongEnvironment: if versions differ so that the cluster cannot work.
        InvalidConfig: with every invalid environment variable, or an invalid address.
        MissingBokeh: if a local cluster should serve the dashboard and bokeh is not installed.
    """
    runtime = with_environment(config.runtime, os.environ)
    show_logs(host)
    pass_all_errors()
    resolved = config.resolve(parent)
    with ExitStack() as shown:
        if runtime.configure_storage:
            shown.enter_context(storage_here(host))  # for the record, too
        report = None
        is_shown = bool(has_deck if runtime.report is None else runtime.report)
        if is_shown or runtime.record is not None:
            from flyte_dask_engine.report.collection import reporting  # noqa: PLC0415  # slow

            opening = reporting(task_name, config, runtime, parent, assess, host, inputs, is_shown)
            report = shown.enter_context(opening)
        stack = shown.enter_context(ExitStack())  # what `Session.end` ends
        # a process on Flyte has one session only
        scope = stack.enter_context(open_scope(follow_threads=not host.is_on_flyte()))
        cluster = stack.enter_context(_cluster(config, runtime, task_name, resolved, root, host))
        if report is not None and cluster.is_local:
            report.report.run.where = runtime.local
        subject = Subject(
            task_name,
            cluster.address,
            _images(config, host.image() or ""),
            resolved,
            retries,
            host.attempt(),
            cluster.is_local,
            host,
            is_in_threads=not cluster.in_processes,
        )
        client, clients = stack.enter_context(_joined(runtime, subject, scope))
        configured = config.workers.number_of_workers
        here = cluster.workers if cluster.is_local else configured
        assessment = Assessment(runtime, subject)
        monitor = stack.enter_context(monitoring(runtime, assessment, client, clients))
        with mapping_errors(monitor):
            info = wait_for_workers(client, cluster.workers, runtime, subject, cluster.exited)
            installed = None
            if not cluster.is_local and runtime.check_versions:
                installed = _checked(client, info, subject, assessment)
            # both at the same time, since each waits for all workers
            with monitor.beginning(in_processes=cluster.in_processes, recorded=report is not None):
                install(
                    client,
                    host,
                    code=runtime.ship_code and not cluster.is_local,
                    storage=runtime.configure_storage and cluster.in_processes,
                    on_scheduler=not cluster.is_local,
                )
            if report is not None:
                if cluster.is_local:
                    installed = installed_here()  # which takes a while to import
                about = report.report
                about.where, about.is_to_scale = cluster.where, cluster.is_to_scale
                about.shares_process = not cluster.in_processes
                about.versions = overview(installed) if installed else {}
        stack.enter_context(limiting_worker_waits(subject, configured, here, runtime))
        has_dashboard = runtime.dashboard or not cluster.is_local
        on = urlsplit(cluster.address).hostname if has_dashboard else None
        dashboard = dashboard_url(info, on, monitor.dashboard_prefix)
        line = start_line(config, info, cluster.where, dashboard)
        subject.logger.info("%s: %s", task_name, line)
        # the line first, so that both end at the same time: completing a report can take a while
        stack.enter_context(report.of(monitor) if report else nullcontext())
        stack.enter_context(log_activity(monitor, is_paid=not cluster.is_local))
        # of outputs that are converted later
        stack.enter_context(mapping_errors(monitor))
        stack.enter_context(hinting(monitor))
        yield Session(client, monitor, stack, report)


@contextmanager
def _joined(
    runtime: Runtime, subject: Subject, scope: Scope
) -> Iterator[tuple[Client, Callable[[], list[Client]]]]:
    """A client of *subject*'s cluster, and a function that returns all that the block has opened.

    Nothing closes that client before the block ends.
    """
    with default_cluster(subject.address, scope, has_client=runtime.client) as clients:
        client = connect(runtime, subject)
        client.is_kept = True
        try:
            with current_client(client) if runtime.client else nullcontext():
                yield client, clients
        finally:
            client.end()


@attrs.frozen
class _Cluster:
    """The cluster of a session."""

    address: str
    workers: int
    """The number of workers to wait for."""
    where: str
    """Its description for logs and the report."""
    is_local: bool = False
    in_processes: bool = True
    """Whether its workers are processes."""
    is_to_scale: bool = True
    """Whether it has the shape that the config asks for."""
    exited: Callable[[], Sequence[int]] = tuple
    """Returns the exit statuses of worker processes, if the session started them."""


@contextmanager
def _cluster(  # noqa: PLR0913, PLR0917  # what a session knows
    config: Dask,
    runtime: Runtime,
    task_name: str,
    resolved: Resolved,
    root: Path | None,
    host: Host,
) -> Iterator[_Cluster]:
    """The cluster that Flyte started; otherwise a local one, until the block ends."""
    address = scheduler_address(os.environ)
    if address is not None:
        yield _Cluster(address, runtime.min_workers, f"cluster at {address}")
        return
    if runtime.require_cluster and host.is_on_flyte():
        raise host.error(NoCluster)(
            f"{task_name} runs on Flyte, but {ADDRESS} is not set: Flyte started no Dask cluster "
            "for it. Enable the dask plugin of the Flyte platform (enabled_plugins), or use a "
            f"plain {host.decorator}; Runtime(require_cluster=False) starts a cluster in the "
            "task's pod"
        )
    requested = Shape.on_flyte(config.workers.number_of_workers, resolved)
    shape = requested.on_this_machine(runtime)
    with ExitStack() as stack:
        cluster = stack.enter_context(local_cluster(shape, runtime, root, host))
        if runtime.progress:
            stack.enter_context(progress(cast("Scheduler", cluster.scheduler), task_name))
        yield _Cluster(
            cluster.scheduler_address,
            shape.workers,
            describe(shape, requested, runtime),
            is_local=True,
            in_processes=runtime.local == "processes",
            is_to_scale=is_to_scale(shape, requested, runtime),
            exited=partial(exited, cluster),
        )


def _checked(
    client: Client, info: Mapping[str, Any], subject: Subject, assessment: Assessment
) -> Installed:
    """The versions in a cluster, whose workers are those of *info*, after a check."""
    names = {address: str(each["name"]) for address, each in info["workers"].items()}
    found = check_versions(client, names, subject)
    assessment.version_check = lambda name, versions: check_joined(found, name, versions, subject)
    return found


def _images(config: Dask, tasks: str) -> dict[str, str]:
    """The images of runner, scheduler and workers; empty where unknown."""
    images = {"runner": tasks}
    for name, role in (("scheduler", config.scheduler), ("workers", config.workers)):
        image = tasks if role.image is None else role.image
        images[name] = image if isinstance(image, str) else "an ImageSpec"
    return images
