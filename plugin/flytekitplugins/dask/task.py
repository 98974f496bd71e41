"""The flytekit task of a `Dask` config: its registration and its execution."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from contextvars import ContextVar
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

import attrs
from flytekit.configuration import ImageConfig, SerializationSettings
from flytekit.core.base_task import TaskResolverMixin
from flytekit.core.context_manager import (
    CompilationState,
    ExecutionParameters,
    ExecutionState,
    FlyteContext,
    FlyteContextManager,
)
from flytekit.core.promise import async_flyte_entity_call_handler, flyte_entity_call_handler
from flytekit.core.python_auto_container import DefaultNotebookTaskResolver
from flytekit.core.python_function_task import AsyncPythonFunctionTask, PythonFunctionTask
from flytekit.core.task import TaskPlugins
from flytekit.core.tracked_abc import FlyteTrackedABC
from flytekit.models.literals import LiteralMap
from flytekit.models.task import K8sPod

from flyte_dask.config.dask import Dask
from flyte_dask.errors import raise_if_any
from flyte_dask.errors.call_site import decoration_site
from flyte_dask.errors.recording import raise_or_record
from flyte_dask.roles.roles import Scheduler, WorkerGroup
from flytekitplugins.dask import overrides  # the module: in a variant's pod it may import this one
from flytekitplugins.dask.flytekit_internals import OpenTask
from flytekitplugins.dask.rejected_configs import reject_all_but
from flytekitplugins.dask.task_problems import deck_problems, deck_setting, task_problems

if TYPE_CHECKING:
    from flyte_dask.advice import Advice, Job
    from flyte_dask.inheritance.parent import NodeOverrides
    from flyte_dask.prediction.platform import Platform
    from flyte_dask_engine.registration.cluster import TaskCluster
    from flyte_dask_engine.registration.review import Review
    from flyte_dask_engine.session.session import Session

# The configs too: the official plugin exports them here.
__all__ = ["Dask", "DaskTask", "Scheduler", "WorkerGroup"]

logger = logging.getLogger("flytekit.dask")  # below flytekit's, whose level and format it has


@attrs.define
class _Dispatch:
    """A call of `DaskTask.dispatch_execute`."""

    stack: ExitStack
    """On it the session is opened, to last until outputs are converted."""
    session: Session | None = None


_dispatch: ContextVar[_Dispatch | None] = ContextVar("_dispatch", default=None)

_NO_SETTINGS = SerializationSettings(ImageConfig())  # where nothing is registered

_WORKFLOW_MODES = (
    ExecutionState.Mode.LOCAL_WORKFLOW_EXECUTION,
    ExecutionState.Mode.LOCAL_DYNAMIC_TASK_EXECUTION,
)


class DaskTask(OpenTask[Dask], metaclass=FlyteTrackedABC):
    """A task whose function runs next to its own Dask cluster, with a client of that cluster.

    On Flyte the backend starts the cluster; elsewhere a local one of the same shape, scaled to the
    machine, is started for the task and closed with it. Either way its client is Dask's default
    while the function runs, so a bare ``.compute()`` uses the cluster. The function may be a
    coroutine function.
    """

    _DASK_TASK_TYPE = "dask"

    def __init__(self, task_config: Dask, task_function: Callable[..., Any], **kwargs: Any) -> None:
        # the base class lists the task for registration: so it is validated, and complete, before
        is_dynamic = kwargs.get("execution_mode") == self.ExecutionBehavior.DYNAMIC
        enables_deck = deck_setting(kwargs)
        problems = task_problems(task_config, task_function, is_dynamic, enables_deck)
        self.call_site = decoration_site(task_function)
        """Where the task was decorated."""
        subject = f"@task of {task_function.__qualname__}"
        raise_or_record(subject, problems, self, config=task_config, at=self.call_site)
        self.original = self
        """The task of which this is a variant; otherwise itself."""
        self._is_advised = False
        self._enables_deck = enables_deck
        self.built_image: str | None = None
        """The reference of its pod's image, once known."""
        self._variants: dict[str, DaskTask] = {}
        if not enables_deck:
            kwargs["deck_fields"] = None  # with a report, that is the only one
        super().__init__(task_config, task_function, task_type=self._DASK_TASK_TYPE, **kwargs)

    def replace_config(self, config: Dask) -> None:
        """Raise an error: a node cannot replace the config of all nodes."""
        raise overrides.shared_config(self.name, config)

    @property
    def has_deck(self) -> bool:
        """Whether the task has a deck, if only for the report."""
        return bool(self._enables_deck or self.task_config.runtime.report)

    @property
    def _is_async(self) -> bool:
        return iscoroutinefunction(self.task_function)

    @property
    def variants(self) -> tuple[DaskTask, ...]:
        """The variants for nodes that override the config."""
        return tuple(self._variants.values())

    def variant(self, config: Dask) -> DaskTask:
        """This task with another config and name; the same variant for the same config.

        Raises:
            InvalidConfig: if *config* is not a `Dask`, its *min_workers* is above its number of
                workers, or it enables a report and the task disables its deck.
        """
        if self.original is not self:
            return self.original.variant(config)
        overrides.check(config)
        raise_if_any(
            f"with_overrides(...) of {self.name}", deck_problems(config, self._enables_deck)
        )
        if repr(config) == repr(self.task_config):
            return self
        variant = self.make_variant(overrides.variant_name(self.name, config), config)
        return self._variants.setdefault(repr(config), variant)

    def make_variant(self, name: str, config: Dask) -> DaskTask:
        """A copy of this task with another *name* and *config*; a new one each time."""
        variant = self.renamed(name, config, overrides.resolver)
        vars(variant).update(original=self, _is_advised=False)
        return variant

    def set_resolver(self, resolver: TaskResolverMixin) -> None:
        """Set the resolver, as for any task; a pickled variant gets one of its own."""
        is_pickled = isinstance(resolver, DefaultNotebookTaskResolver)
        is_variant = self.original is not self
        super().set_resolver(overrides.pickled_resolver if is_pickled and is_variant else resolver)

    def get_custom(self, settings: SerializationSettings) -> dict[str, Any]:
        """The template's ``custom``: what the config sets and inherits, with image references.

        There is no review while a task is running, such as a dynamic one that registers others.
        """
        # one import only, since this is called for each task of a registration
        from flytekitplugins.dask import registration  # noqa: PLC0415  # as below

        cluster = registration.cluster_of(self, self.task_config, self.call_site, settings)
        logger.info("%s %s", self.name, cluster)
        if not registration.is_on_flyte():
            review = registration.review_of(self, cluster, settings)
            review.enforce()
            registration.enforce_nodes(self, settings)
            if not self._is_advised:
                review.log(settings)
        custom = cluster.custom
        self._is_advised = True
        return custom

    def review(
        self,
        settings: SerializationSettings,
        cluster: TaskCluster | None = None,
        with_options: Callable[[Platform], Platform] | None = None,
        node: NodeOverrides | None = None,
    ) -> Review:
        """The review of the task's cluster before registration.

        Args:
            settings: the settings of the registration.
            cluster: the task's cluster; by default it is computed.
            with_options: changes the team file's platform; by default that is used.
            node: the overrides of a node, whose review it is then.

        Raises:
            InvalidConfig: with every problem of the team file.
        """
        from flytekitplugins.dask.registration import review_of  # noqa: PLC0415  # as below

        cluster = cluster or self.cluster(settings)
        return review_of(self, cluster, settings, with_options, node)

    def get_image(self, settings: SerializationSettings) -> str:
        """The image, as of any task; it is stored, since asking again would build it again."""
        self.built_image = image = super().get_image(settings)
        return image

    def get_k8s_pod(self, settings: SerializationSettings) -> K8sPod:
        """The pod, as of any task; the image that its pod template sets is stored, too."""
        pod = super().get_k8s_pod(settings)
        if self.pod_template is not None:
            name = self.pod_template.primary_container_name
            containers = pod.pod_spec.get("containers", ())
            images = (each["image"] for each in containers if each["name"] == name)
            self.built_image = next(images, self.built_image)
        return pod

    def cluster(self, settings: SerializationSettings) -> TaskCluster:
        """The cluster that the template asks for."""
        # betterproto is needed only here, and importing the plugin must stay fast
        from flytekitplugins.dask.registration import cluster_of  # noqa: PLC0415

        return cluster_of(self, self.task_config, self.call_site, settings)

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Create a node if a workflow is compiled, otherwise run; awaitable for `async def`.

        Unlike flytekit's it is not a coroutine function: workflows call it without awaiting.
        """
        context = FlyteContextManager.current_context()
        compilation, execution = context.compilation_state, context.execution_state
        if compilation is not None and compilation.mode == CompilationState.mode:
            promise = flyte_entity_call_handler(self, *args, **kwargs)
            overrides.give_own_config(compilation.nodes[-1])  # the one that flytekit has just added
            return promise
        if execution is not None and execution.mode in _WORKFLOW_MODES:
            return overrides.warn_of_overrides(flyte_entity_call_handler(self, *args, **kwargs))
        if self._is_async:
            return async_flyte_entity_call_handler(self, *args, **kwargs)
        return flyte_entity_call_handler(self, *args, **kwargs)

    def execute(self, **kwargs: Any) -> Any:
        """Run the function next to its cluster.

        Flyte starts one for a dynamic task too, by the task's type: it is there for the function,
        while that builds the workflow.
        """
        base = AsyncPythonFunctionTask if self._is_async else PythonFunctionTask
        # distributed is slow to import, and only a task that runs needs it
        from flyte_dask_engine.local.import_root import import_root  # noqa: PLC0415
        from flyte_dask_engine.session.session import session  # noqa: PLC0415
        from flytekitplugins.dask.host import DYNAMIC, FLYTEKIT  # noqa: PLC0415

        is_dynamic = self.execution_mode == self.ExecutionBehavior.DYNAMIC

        cluster = self._running
        root, retries = import_root(self.task_function), self.metadata.retries
        opening = session(
            self.task_config,
            self.name,
            cluster.parent,
            root,
            retries,
            has_deck=self.enable_deck,
            assess=lambda: self._assess(cluster),
            host=DYNAMIC if is_dynamic else FLYTEKIT,
            inputs=kwargs,
        )
        with ExitStack() as own:
            dispatch = _dispatch.get() or _Dispatch(own)
            dispatch.session = opened = dispatch.stack.enter_context(opening)
            token = _dispatch.set(None)  # for tasks that this one calls
            try:
                outputs = opened.run(lambda: base.execute(self, **kwargs))
            finally:
                _dispatch.reset(token)
            if is_dynamic:  # flytekit has made literals of them, or a workflow that will
                return outputs
            named = self._named(outputs)
            opened.check_outputs(named)
            if "dask.base" in sys.modules:
                from flyte_dask_engine.collections.outputs import write_outputs  # noqa: PLC0415
                from flytekitplugins.dask.collections.outputs import FlytekitTypes  # noqa: PLC0415

                kinds = self.python_interface.outputs
                write_outputs(named, kinds, FlytekitTypes(), opened.write, self.name)
            return outputs

    def _named(self, outputs: Any) -> dict[str, object]:
        """What the function returned, by the names of its outputs."""
        names = [*self.python_interface.outputs]
        is_single = len(names) == 1 and not self.python_interface.output_tuple_name
        values = (outputs,) if is_single or not isinstance(outputs, tuple) else outputs
        return dict(zip(names, values, strict=False))  # flytekit reports a wrong number of them

    @property
    def _running(self) -> TaskCluster:
        """Its cluster while it runs, without resolving images."""
        from flyte_dask_engine.registration.cluster import TaskCluster  # noqa: PLC0415
        from flytekitplugins.dask.requested import requested_by  # noqa: PLC0415

        requested = requested_by(self, _NO_SETTINGS)
        return TaskCluster(self.task_config, requested, self.name, self.call_site)

    def _assess(self, cluster: TaskCluster) -> tuple[Job, tuple[Advice, ...]]:
        """The job and its advice while it runs."""
        from flytekitplugins.dask.host import FLYTEKIT  # noqa: PLC0415  # as above

        settings = SerializationSettings(ImageConfig.auto(img_name=FLYTEKIT.image()))
        review = self.review(settings, cluster)
        return review.job, review.advice

    def dispatch_execute(self, ctx: FlyteContext, input_literal_map: LiteralMap) -> Any:
        """Run as any task does, but keep the session open while outputs are converted."""
        with ExitStack() as stack:
            token = _dispatch.set(_Dispatch(stack))
            try:
                return super().dispatch_execute(ctx, input_literal_map)
            finally:
                _dispatch.reset(token)

    def before_decks(self, values: Iterable[object]) -> None:
        """End the session, unless rendering *values* may use it.

        Rendering decks takes seconds, of which the cluster knows nothing.
        """
        dispatch = _dispatch.get()
        session = None if dispatch is None else dispatch.session
        if session is None:  # it runs no function of its own
            return
        from flytekitplugins.dask.deck import may_compute  # noqa: PLC0415  # slow to import

        if not any(map(may_compute, values)):
            session.end()

    def writes_page(self, parameters: ExecutionParameters | None) -> bool:
        """Whether the report's page is written locally when the task ends, with all its decks."""
        dispatch = _dispatch.get()
        if parameters is None or dispatch is None or dispatch.session is None:
            return False
        state = FlyteContextManager.current_context().execution_state
        if state is None or not state.is_local_execution():
            return False
        from flytekitplugins.dask.deck import is_shown  # noqa: PLC0415  # as above

        return is_shown(self.name, parameters)


TaskPlugins.register_pythontask_plugin(Dask, DaskTask)
reject_all_but(Dask)
