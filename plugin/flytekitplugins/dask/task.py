"""The flytekit task of a `Dask` config: what it registers as, and what happens when it runs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from contextvars import ContextVar
from inspect import iscoroutinefunction
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.errors.call_site import decoration_site
from flyte_dask.roles.roles import Scheduler, WorkerGroup
from flytekitplugins.dask import overrides  # whole: in a variant's pod it may be what imports us
from flytekitplugins.dask.flytekit_internals import OpenTask
from flytekitplugins.dask.rejected_configs import reject_all_but, rejection

if TYPE_CHECKING:
    from flyte_dask.advice import Advice, Job
    from flyte_dask.prediction.platform import Platform
    from flyte_dask_engine.registration.cluster import TaskCluster
    from flyte_dask_engine.registration.review import Review

# The configs too: the incumbent has them here, and people import them from here.
__all__ = ["Dask", "DaskTask", "Scheduler", "WorkerGroup"]

logger = logging.getLogger("flytekit.dask")  # below flytekit's, whose level and format it has

_stack: ContextVar[ExitStack | None] = ContextVar("_stack", default=None)
"""Where `DaskTask.dispatch_execute` wants the session, so that it lasts as long as that."""

_NO_SETTINGS = SerializationSettings(ImageConfig())  # where nothing is registered

_WORKFLOW_MODES = (
    ExecutionState.Mode.LOCAL_WORKFLOW_EXECUTION,
    ExecutionState.Mode.LOCAL_DYNAMIC_TASK_EXECUTION,
)


class DaskTask(OpenTask[Dask], metaclass=FlyteTrackedABC):
    """A task whose function runs beside a Dask cluster of its own, with a client of that cluster.

    On Flyte the backend has started the cluster; elsewhere a local one of the same shape, scaled
    to the host, is started for the task and closed with it. In both the cluster's client is
    Dask's default while the function runs: a bare ``.compute()`` uses the cluster. The function may
    be a coroutine function.
    """

    _DASK_TASK_TYPE = "dask"

    def __init__(self, task_config: Dask, task_function: Callable[..., Any], **kwargs: Any) -> None:
        # flytekit lists the task for registration at once: so it is judged, and complete, by then
        is_dynamic = kwargs.get("execution_mode") == self.ExecutionBehavior.DYNAMIC
        wants_deck = _wants_deck(kwargs)
        problems = _task_problems(task_config, task_function, is_dynamic, wants_deck)
        self.call_site = decoration_site(task_function)
        """Where it was decorated."""
        raise_if_any(f"@task of {task_function.__qualname__}", problems, at=self.call_site)
        self.original = self
        """The task that this is a variant of, if it is one."""
        self._is_advised = False
        self._is_dynamic = is_dynamic  # then it has no cluster of its own
        self._wants_deck = wants_deck
        self.built_image: str | None = None
        """The reference of its pod's image, once that is known."""
        self._variants: dict[str, DaskTask] = {}
        if not wants_deck:
            kwargs["deck_fields"] = None  # with a report alone, the deck has nothing else
        super().__init__(task_config, task_function, task_type=self._DASK_TASK_TYPE, **kwargs)

    def replace_config(self, config: Dask) -> None:
        """Raise that a node cannot replace the config of all nodes."""
        raise overrides.shared_config(self.name, config)

    @property
    def has_deck(self) -> bool:
        """Whether it has a deck, if only for the report."""
        has_report = bool(self.task_config.runtime.report) and not self._is_dynamic
        return bool(self._wants_deck) or has_report

    @property
    def _is_async(self) -> bool:
        return iscoroutinefunction(self.task_function)

    @property
    def variants(self) -> tuple[DaskTask, ...]:
        """What nodes with configs of their own have made of it."""
        return tuple(self._variants.values())

    def variant(self, config: Dask) -> DaskTask:
        """This task with another config, under another name; the same one for the same config.

        Raises:
            InvalidConfig: if *config* is no `Dask`, its *min_workers* are more than its workers, or
                it wants a report of a task that is to have no deck.
        """
        if self.original is not self:
            return self.original.variant(config)
        overrides.check(config)
        raise_if_any(
            f"with_overrides(...) of {self.name}", _deck_problems(config, self._wants_deck)
        )
        if repr(config) == repr(self.task_config):
            return self
        made = self.make_variant(overrides.variant_name(self.name, config), config)
        return self._variants.setdefault(repr(config), made)

    def make_variant(self, name: str, config: Dask) -> DaskTask:
        """A copy of this task with that name and config; whoever asks again gets another one."""
        made = self.renamed(name, config, overrides.resolver)
        vars(made).update(original=self, _is_advised=False)
        return made

    def set_resolver(self, resolver: TaskResolverMixin) -> None:
        """As of any task; but a variant that is pickled is found by its own name."""
        is_pickled = isinstance(resolver, DefaultNotebookTaskResolver)
        is_variant = self.original is not self
        super().set_resolver(overrides.pickled_resolver if is_pickled and is_variant else resolver)

    def get_custom(self, settings: SerializationSettings) -> dict[str, Any]:
        """The template's ``custom``: what the config says and inherits, with real images.

        Where a task is running, such as a dynamic one that registers others, nothing is judged.
        """
        from flytekitplugins.dask.images import is_on_flyte  # noqa: PLC0415  # as below

        cluster = self.cluster(settings)
        logger.info("%s %s", self.name, cluster)
        if not is_on_flyte():
            review = self.review(settings, cluster)
            review.enforce()
            if not self._is_advised:
                review.log()
        custom = cluster.custom
        self._is_advised = True
        return custom

    def review(
        self,
        settings: SerializationSettings,
        cluster: TaskCluster | None = None,
        site: Callable[[Platform], Platform] | None = None,
    ) -> Review:
        """What there is to say of the cluster, before it is registered.

        Args:
            settings: those of the registration.
            cluster: what the template says, if it is known already.
            site: makes the platform of the team file's; unsaid, it is that.

        Raises:
            InvalidConfig: with every problem of the team file.
        """
        from flytekitplugins.dask.registration import review_of  # noqa: PLC0415  # as below

        return review_of(self, cluster or self.cluster(settings), settings, site)

    def get_image(self, settings: SerializationSettings) -> str:
        """As of any task; it is remembered, since to ask again would build it again."""
        self.built_image = image = super().get_image(settings)
        return image

    def get_k8s_pod(self, settings: SerializationSettings) -> K8sPod:
        """As of any task; the image that its pod template says for it is remembered, too."""
        pod = super().get_k8s_pod(settings)
        if self.pod_template is not None:
            name = self.pod_template.primary_container_name
            containers = pod.pod_spec.get("containers", ())
            images = (each["image"] for each in containers if each["name"] == name)
            self.built_image = next(images, self.built_image)
        return pod

    def cluster(self, settings: SerializationSettings) -> TaskCluster:
        """What the template says of the cluster, and why."""
        # betterproto is needed only here, and importing the plugin must stay almost free.
        from flytekitplugins.dask.registration import cluster_of  # noqa: PLC0415

        return cluster_of(self, self.task_config, self.call_site, settings)

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """A node where a workflow is compiled, else a run; awaitable if the function is `async`.

        Not a coroutine function itself, as flytekit's is: workflows call without awaiting.
        """
        context = FlyteContextManager.current_context()
        compilation, execution = context.compilation_state, context.execution_state
        if compilation is not None and compilation.mode == CompilationState.mode:
            promise = flyte_entity_call_handler(self, *args, **kwargs)
            overrides.give_own_config(compilation.nodes[-1])  # which flytekit has just added
            return promise
        if execution is not None and execution.mode in _WORKFLOW_MODES:
            return overrides.warn_of_overrides(flyte_entity_call_handler(self, *args, **kwargs))
        if self._is_async:
            return async_flyte_entity_call_handler(self, *args, **kwargs)
        return flyte_entity_call_handler(self, *args, **kwargs)

    def execute(self, **kwargs: Any) -> Any:
        """Run the function beside its cluster; a dynamic task builds a workflow, without one."""
        base = AsyncPythonFunctionTask if self._is_async else PythonFunctionTask
        if self.execution_mode != self.ExecutionBehavior.DEFAULT:
            return base.execute(self, **kwargs)
        # distributed takes a while to import, and only a task that runs needs them.
        from flyte_dask_engine.session.session import session  # noqa: PLC0415
        from flytekitplugins.dask.host import FLYTEKIT  # noqa: PLC0415

        cluster = self._running
        root, retries = _root_of(self.task_function), self.metadata.retries
        opening = session(
            self.task_config,
            self.name,
            cluster.parent,
            root,
            retries,
            has_deck=self.enable_deck,
            judge=lambda: self._judged(cluster),
            host=FLYTEKIT,
        )
        until_outputs_are_converted = _stack.get()
        if until_outputs_are_converted is None:
            with opening as opened:
                return opened.run(lambda: base.execute(self, **kwargs))
        _stack.set(None)  # which is not that of tasks which this one calls
        opened = until_outputs_are_converted.enter_context(opening)
        return opened.run(lambda: base.execute(self, **kwargs))

    @property
    def _running(self) -> TaskCluster:
        """Its cluster while it runs, when images are what they are."""
        from flyte_dask_engine.registration.cluster import TaskCluster  # noqa: PLC0415
        from flytekitplugins.dask.requested import requested_by  # noqa: PLC0415

        asked = requested_by(self, _NO_SETTINGS)
        return TaskCluster(self.task_config, asked, self.name, self.call_site)

    def _judged(self, cluster: TaskCluster) -> tuple[Job, tuple[Advice, ...]]:
        """What there is to say of its *cluster* while it runs."""
        from flytekitplugins.dask.host import FLYTEKIT  # noqa: PLC0415  # as above

        settings = SerializationSettings(ImageConfig.auto(img_name=FLYTEKIT.image()))
        review = self.review(settings, cluster)
        return review.job, review.advice

    def dispatch_execute(self, ctx: FlyteContext, input_literal_map: LiteralMap) -> Any:
        """As of any task; its outputs are converted in its session, for some compute then."""
        with ExitStack() as stack:
            token = _stack.set(stack)
            try:
                return super().dispatch_execute(ctx, input_literal_map)
            finally:
                _stack.reset(token)

    def before_decks(self, parameters: ExecutionParameters) -> None:
        """Complete the report: making decks takes seconds, which are not its cluster's."""
        from flytekitplugins.dask.deck import complete  # noqa: PLC0415  # as above

        complete(parameters, self.name)


def _root_of(function: Callable[..., Any]) -> Path | None:
    """The folder from which the module of *function* is imported.

    ``pyflyte run`` has it among Python's own for as long as it imports, and no longer.
    """
    module = sys.modules.get(function.__module__)
    file = getattr(module, "__file__", None)
    if not file:
        return None  # in a notebook
    path = Path(file).parent if Path(file).stem == "__init__" else Path(file)
    parents, depth = path.parents, function.__module__.count(".")
    return parents[depth] if depth < len(parents) else None  # loaded under a name that it chose


def _wants_deck(said: Mapping[str, Any]) -> bool | None:
    """Whether the task's line wants a deck; None if it says nothing."""
    wants, does_not = said.get("enable_deck"), said.get("disable_deck")
    return wants if does_not is None else not does_not


def _task_problems(
    config: object, function: Callable[..., Any], is_dynamic: bool, wants_deck: bool | None
) -> Iterator[Problem]:
    """What keeps the two from being a task."""
    if not isinstance(config, Dask):
        yield rejection(config)
    else:
        yield from overrides.runtime_problems(config)
        yield from _deck_problems(config, wants_deck)
    if is_dynamic and iscoroutinefunction(function):
        rule = "is a coroutine function, and flytekit's dynamic tasks can't be"
        remedy = "write def: calls in it make nodes, for which there is nothing to wait"
        yield Problem("task_function", function, rule, remedy)


def _deck_problems(config: Dask, wants_deck: bool | None) -> Iterator[Problem]:
    report = config.runtime.report
    if report and wants_deck is False:
        rule = "is shown in the task's deck, and enable_deck=False wants none"
        remedy = "leave out enable_deck, or say with_runtime(report=False)"
        yield Problem("runtime.report", report, rule, remedy)


TaskPlugins.register_pythontask_plugin(Dask, DaskTask)
reject_all_but(Dask)
