"""The Flyte 2 task of a `Dask` config: its registration and its execution."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, cast

import flyte
from flyte.errors import NonRecoverableError
from flyte.models import SerializationContext

from flyte_dask.config.dask import Dask
from flyte_dask.errors import ConfigError, Problem
from flyte_dask.errors.call_site import CallSite, decoration_site
from flyte_dask.errors.recording import raise_or_record
from flyte_dask_engine.task_configs import rejection, runtime_problems
from flyteplugins.flyte_dask.threads import OnLoop, in_thread

if TYPE_CHECKING:
    from flyte_dask.advice import Advice, Job
    from flyte_dask.prediction.platform import Platform
    from flyte_dask_engine.registration.cluster import TaskCluster
    from flyte_dask_engine.registration.review import Review
    from flyte_dask_engine.session.session import Session

__all__ = ["ADOPTED", "DaskTask"]

ADOPTED: dict[type, Callable[[Any], Dask]] = {}
"""Functions that make a config of ours from one of another class."""


@dataclass(kw_only=True)
class DaskTask(flyte.AsyncFunctionTaskTemplate[Any, Any, Any]):
    """A task whose function runs next to its own Dask cluster, with a client of that cluster.

    On Flyte the backend starts the cluster; in a local run one of the same shape, scaled to the
    machine, is started for the task and closed with it. Either way its client is Dask's default
    while the function runs, so a bare ``.compute()`` uses the cluster. The function may be a
    coroutine function, which runs on the SDK's event loop; what blocks does not: the cluster is
    opened and closed in a thread.
    """

    plugin_config: Any = None
    task_type: str = "dask"
    is_report_of_config: bool = False
    """Whether it has a report because its config, which may be overridden, says so."""

    def __post_init__(self) -> None:
        """Complete the task.

        Raises:
            InvalidConfig: if its config cannot be used on Flyte 2.
        """
        self.call_site: CallSite | None = decoration_site(self.func)
        """Where the task was decorated, or where its override was called."""
        self._is_advised = False
        self.cluster_config = _as_dask(self.plugin_config)
        """The config of its cluster."""
        subject = f"@env.task of {self.func.__qualname__}"
        problems, config = _problems(self), self.plugin_config
        if not raise_or_record(subject, problems, self, config=config, at=self.call_site):
            self.cluster_config = Dask()
        super().__post_init__()  # type: ignore[no-untyped-call]  # the SDK's
        is_asked_for = self.report and not self.is_report_of_config
        self.is_report_of_config = bool(self.cluster_config.runtime.report) and not is_asked_for
        self.report = is_asked_for or self.is_report_of_config

    def container_args(self, serialize_context: SerializationContext) -> list[str]:
        """The arguments of its container, which loads a task with this config.

        By default it would load the task of the module, which does not know of an override.
        """
        from flyteplugins.flyte_dask.overrides import with_own_config  # noqa: PLC0415  # slow

        base = flyte.AsyncFunctionTaskTemplate[Any, Any, Any]
        return base.container_args(with_own_config(self), serialize_context)

    def custom_config(self, sctx: SerializationContext) -> dict[str, Any]:
        """The template's ``custom``: what the config sets and inherits.

        There is no review in a pod, where a task serializes those that it calls.
        """
        from flyteplugins.flyte_dask.host import FLYTE  # noqa: PLC0415  # as below

        cluster = self.cluster()
        FLYTE.logger.debug("%s %s", self.name, cluster)
        if not FLYTE.is_on_flyte():
            review = self.review(sctx, cluster)
            review.enforce()
            if not self._is_advised:
                review.log(sctx)
            self._is_advised = True
        # a role without resources has no message of them here, other than in flytekit's templates
        return {
            role: {name: value for name, value in fields.items() if value != {}}
            for role, fields in cluster.custom.items()
        }

    def cluster(self) -> TaskCluster:
        """The cluster that the template asks for."""
        # betterproto is needed only here, and importing the plugin must stay fast
        from flyteplugins.flyte_dask.registration import cluster_of  # noqa: PLC0415

        return cluster_of(self, self.cluster_config, self.call_site)

    def review(
        self,
        settings: SerializationContext | None,
        cluster: TaskCluster | None = None,
        with_options: Callable[[Platform], Platform] | None = None,
    ) -> Review:
        """The review of the task's cluster before registration.

        Args:
            settings: the settings of the registration; None if there is none.
            cluster: the task's cluster; by default it is computed.
            with_options: changes the team file's platform; by default that is used.

        Raises:
            InvalidConfig: with every problem of the team file.
        """
        from flyteplugins.flyte_dask.registration import review_of  # noqa: PLC0415  # as above

        return review_of(self, cluster or self.cluster(), settings, with_options)

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function next to its cluster.

        Raises:
            NonRecoverableError: instead of an error in the configuration, which stays the same.
        """
        function: Callable[[], Any] = partial(self.func, *args, **kwargs)
        inputs = {**dict(zip(self.interface.inputs, args, strict=False)), **kwargs}
        cancel = None
        if iscoroutinefunction(self.func):
            function = on_loop = OnLoop(asyncio.get_running_loop(), function)
            cancel = on_loop.cancel
        try:
            return await in_thread(
                lambda: self._run(function, inputs), f"flyte-dask {self.short_name}", cancel
            )
        except ConfigError as error:
            raise NonRecoverableError(str(error), type(error).__name__) from error

    def _run(self, function: Callable[[], Any], inputs: Mapping[str, object]) -> Any:
        """Call *function* in a session, and let the workers write the collections it returns.

        Its report has the sizes of the *inputs*.
        """
        # distributed is slow to import, and only a task that runs needs it
        from flyte_dask_engine.local.import_root import import_root  # noqa: PLC0415
        from flyte_dask_engine.session.session import session  # noqa: PLC0415
        from flyteplugins.flyte_dask.host import Flyte  # noqa: PLC0415

        cluster = self.cluster()
        opening = session(
            self.cluster_config,
            self.name,
            cluster.parent,
            import_root(self.func),
            flyte_retries(self),
            has_deck=self.report,
            assess=lambda: self._assess(cluster),
            host=Flyte(self.parent_env_name),
            inputs=inputs,
        )
        with opening as opened:
            outputs = opened.run(function)
            self._keep(outputs, opened)
            return outputs

    def _keep(self, outputs: Any, opened: Session) -> None:
        """Check that *outputs* outlive the cluster, and let the workers write its collections."""
        kinds = self.interface.outputs
        values = (outputs,) if len(kinds) == 1 or not isinstance(outputs, tuple) else outputs
        named = dict(zip(kinds, values, strict=False))  # the SDK reports a wrong number of them
        opened.check_outputs(named)
        if "dask.dataframe" in sys.modules:
            from flyte_dask_engine.collections.outputs import write_outputs  # noqa: PLC0415
            from flyteplugins.flyte_dask.collections.outputs import Flyte2Types  # noqa: PLC0415

            write_outputs(named, kinds, Flyte2Types(), opened.write, self.name)

    def _assess(self, cluster: TaskCluster) -> tuple[Job, tuple[Advice, ...]]:
        """The job and its advice while it runs."""
        review = self.review(None, cluster)
        return review.job, review.advice


def flyte_retries(task: flyte.AsyncFunctionTaskTemplate[Any, Any, Any]) -> int | None:
    """The number of retries of *task*; None if unknown."""
    return task.retries if isinstance(task.retries, int) else getattr(task.retries, "count", None)


def _as_dask(config: Any) -> Dask:
    """The config of a cluster for the *config* of a task; invalid ones are unchanged.

    Raises:
        InvalidConfig: if it is of an adopted class, and invalid.
    """
    adopt = ADOPTED.get(type(config))
    return cast("Dask", config) if adopt is None else adopt(config)


def _problems(task: DaskTask) -> Iterator[Problem]:
    """What keeps *task* from having its config on Flyte 2."""
    config: object = task.cluster_config
    if not isinstance(config, Dask):
        yield rejection(config, "plugin_config")
        return
    if task.reusable is not None:
        rule = "needs pods of its own, but the environment is reusable"
        remedy = "use an environment that is not reusable, or add reusable='off' to the override"
        yield Problem("plugin_config", config, rule, remedy)
    yield from runtime_problems(config)
    images = {"scheduler": config.scheduler.image, "workers": config.workers.image}
    for name, image in images.items():
        if image is None or (isinstance(image, str) and "{{" not in image):
            continue
        if isinstance(image, str):
            rule = "is a template, which flytekit renders and Flyte 2 does not"
        else:
            rule = "is an ImageSpec, which flytekit builds and Flyte 2 does not"
        remedy = "use a reference such as 'acme/etl:3', or omit it to use the environment's image"
        yield Problem(f"{name}.image", image, rule, remedy)
