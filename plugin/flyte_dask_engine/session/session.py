"""The session of a task: its cluster, ready and used, while its function runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

import attrs
from distributed import Client, Scheduler
from distributed.comm.addressing import normalize_address

from flyte_dask.config.dask import Dask
from flyte_dask.config.runtime import Runtime, with_environment
from flyte_dask.inheritance.parent import Parent
from flyte_dask.inheritance.resolution import Resolved
from flyte_dask_engine.errors import NoCluster
from flyte_dask_engine.host import NO_SDK, Host
from flyte_dask_engine.local.cluster import Shape, ended, is_to_scale, local_cluster, told
from flyte_dask_engine.local.progress import progress
from flyte_dask_engine.monitor.diagnosis import Subject
from flyte_dask_engine.monitor.error_mapping import translating
from flyte_dask_engine.monitor.monitor import Monitor, monitoring
from flyte_dask_engine.monitor.verdict import Assessment
from flyte_dask_engine.session.code_upload import Code, ship
from flyte_dask_engine.session.connection import connect, wait_for_workers
from flyte_dask_engine.session.default_client import joined
from flyte_dask_engine.session.session_log import log_activity, show_logs, start_line
from flyte_dask_engine.session.versions import (
    Installed,
    check_versions,
    installed_here,
    overview,
    wrong_in_joined,
)

if TYPE_CHECKING:
    from flyte_dask_engine.report.collection import Adviser

__all__ = ["Session", "session"]

_T = TypeVar("_T")

_ADDRESS = "DASK_SCHEDULER_ADDRESS"


@attrs.frozen
class Session:
    """An open session."""

    client: Client
    """A synchronous client of the cluster, which is Dask's default unless the runtime says no."""
    _monitor: Monitor

    def run(self, function: Callable[[], _T]) -> _T:
        """What *function* returns.

        Raises:
            ClusterFailure: if its cluster failed it.
            WrongEnvironment: if its cluster cannot work like this.
        """
        with translating(self._monitor):
            return function()


@contextmanager
def session(  # noqa: PLR0913  # what a task knows
    config: Dask,
    task_name: str,
    parent: Parent | None = None,
    root: Path | None = None,
    retries: int | None = None,
    *,
    has_deck: bool = False,
    judge: Adviser | None = None,
    host: Host = NO_SDK,
) -> Iterator[Session]:
    """A session with *task_name*'s cluster, whose client is Dask's default until the block ends.

    The cluster is the one at ``DASK_SCHEDULER_ADDRESS``, which Flyte sets; without that, and not on
    Flyte, a local one of the shape that *config* has in a task which asks for *parent*, and whose
    code is imported from the folder *root*. That ends with the block. Errors tell of *retries*.

    A report goes into the deck, if the runtime says so, or if it says nothing and the task
    *has_deck*; it tells what *judge* says of the task.

    Raises:
        NoCluster: on Flyte without an address, unless require_cluster=False.
        ClusterFailure: if the scheduler or the workers are not there in time, or are lost.
        WrongEnvironment: if versions differ so that the cluster cannot work.
        InvalidConfig: with every bad variable of the environment.
        MissingBokeh: if a local cluster is to serve the dashboard, and bokeh is not installed.
    """
    runtime = with_environment(config.runtime, os.environ)
    show_logs(host)
    resolved = config.resolve(parent)
    with ExitStack() as stack:
        report = None
        if has_deck if runtime.report is None else runtime.report:
            # what it is made with takes a while to import
            from flyte_dask_engine.report.collection import reporting  # noqa: PLC0415

            opening = reporting(task_name, config, runtime, parent, judge, host)
            report = stack.enter_context(opening)
        place = stack.enter_context(_place(config, runtime, task_name, resolved, root, host))
        subject = Subject(
            task_name,
            place.address,
            _images(config, host.image() or ""),
            resolved,
            retries,
            place.is_local,
            host,
        )
        clients = stack.enter_context(joined(place.address))
        client = connect(runtime, subject)
        stack.callback(client.close)
        assessment = Assessment(runtime, subject)
        monitor = stack.enter_context(monitoring(runtime, assessment, client, clients))
        if runtime.client:
            # not by entering the client, for functions do that with the default one, and leave it
            stack.enter_context(client.as_current())
        with translating(monitor):
            wait_for_workers(client, place.workers, runtime, subject, place.ended)
            info = client.scheduler_info(n_workers=-1)
            where = None
            if not place.is_local:
                where = _prepare(client, info, runtime, subject, assessment)
            if report is not None:
                known = installed_here() if place.is_local else where
                report.is_about(place, overview(known) if known else {})
        monitor.begin(in_processes=place.in_processes, recorded=report is not None)
        shows = runtime.dashboard or not place.is_local
        dashboard = urlsplit(place.address).hostname if shows else None
        subject.logger.info("%s %s", task_name, start_line(config, info, place.where, dashboard))
        stack.enter_context(log_activity(monitor, paid=not place.is_local))
        stack.enter_context(report.of(monitor) if report else nullcontext())
        stack.enter_context(translating(monitor))  # of outputs that are converted later
        yield Session(client, monitor)


@attrs.frozen
class _Place:
    """Where a session is."""

    address: str
    workers: int
    """How many to wait for."""
    where: str
    is_local: bool = False
    in_processes: bool = True
    """Whether its workers are."""
    is_to_scale: bool = True
    """Whether it has the shape that the config says."""
    ended: Callable[[], Sequence[int]] = tuple
    """What tells with which statuses processes of workers have ended, as far as they are ours."""


@contextmanager
def _place(  # noqa: PLR0913, PLR0917  # what a session knows
    config: Dask,
    runtime: Runtime,
    task_name: str,
    resolved: Resolved,
    root: Path | None,
    host: Host,
) -> Iterator[_Place]:
    """The cluster that Flyte has started; else a local one, until the block ends."""
    address = os.environ.get(_ADDRESS)
    if address:
        address = normalize_address(address)  # as clients have it
        yield _Place(address, runtime.min_workers, f"on {address}")
        return
    if runtime.require_cluster and host.is_on_flyte():
        raise host.error(NoCluster)(
            f"{task_name} runs on Flyte, but {_ADDRESS} is not set: Flyte started no Dask cluster "
            "for it. Enable the dask plugin in this site's Flyte (enabled_plugins), or run the "
            f"function as a plain {host.decorator}; Runtime(require_cluster=False) starts a "
            "cluster in its pod"
        )
    wanted = Shape.on_flyte(config.workers.number_of_workers, resolved)
    shape = wanted.on_this_machine(runtime)
    with ExitStack() as stack:
        cluster = stack.enter_context(local_cluster(shape, runtime, root, host))
        if runtime.progress:
            stack.enter_context(progress(cast("Scheduler", cluster.scheduler), task_name))
        yield _Place(
            cluster.scheduler_address,
            shape.workers,
            told(shape, wanted, runtime),
            is_local=True,
            in_processes=runtime.local == "processes",
            is_to_scale=is_to_scale(shape, wanted, runtime),
            ended=partial(ended, cluster),
        )


def _prepare(
    client: Client,
    info: Mapping[str, Any],
    runtime: Runtime,
    subject: Subject,
    assessment: Assessment,
) -> Installed | None:
    """Make sure that the cluster can run what the runner sends; what is installed, if checked."""
    where = None
    if runtime.check_versions:
        names = {address: str(each["name"]) for address, each in info["workers"].items()}
        where = found = check_versions(client, names, subject)
        assessment.version_check = lambda name, told: wrong_in_joined(found, name, told, subject)
    if runtime.ship_code:
        archive = subject.host.code()
        if archive is not None:
            ship(client, Code(archive))
    return where


def _images(config: Dask, tasks: str) -> dict[str, str]:
    """The images of runner, scheduler and workers; empty where it is not known."""
    images = {"runner": tasks}
    for name, role in (("scheduler", config.scheduler), ("workers", config.workers)):
        image = tasks if role.image is None else role.image
        images[name] = image if isinstance(image, str) else "an ImageSpec"
    return images
