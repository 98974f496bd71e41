"""Private parts of flytekit, wrapped under public names; contract tests cover each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import replace
from typing import Any, TypeVar

from flytekit.core.base_task import TaskResolverMixin
from flytekit.core.condition import BranchNode
from flytekit.core.context_manager import ExecutionParameters, FlyteContext
from flytekit.core.node import Node
from flytekit.core.python_function_task import AsyncPythonFunctionTask
from flytekit.core.tracked_abc import FlyteTrackedABC
from flytekit.models.task import Resources as Entries

from flytekitplugins.dask.output_errors import errors_of_outputs

__all__ = [
    "OpenTask",
    "branches_of",
    "deck_page",
    "function_of",
    "override",
    "overrides_in",
    "set_task",
    "write_deck",
]

C = TypeVar("C")
T = TypeVar("T", bound="OpenTask[Any]")


class OpenTask(AsyncPythonFunctionTask[C], metaclass=FlyteTrackedABC):
    """A flytekit task whose subclasses control what flytekit keeps in private attributes."""

    def replace_config(self, config: C) -> None:
        """Called before flytekit replaces the config, which all nodes share."""
        raise NotImplementedError

    @property
    def has_deck(self) -> bool:
        """Whether the task has a deck."""
        raise NotImplementedError

    def before_decks(self, values: Iterable[object]) -> None:
        """Called when outputs are converted, before flytekit makes decks of inputs and outputs.

        Args:
            values: these inputs and outputs.
        """
        raise NotImplementedError

    def writes_page(self, parameters: ExecutionParameters | None) -> bool:
        """Whether a local run writes the page of its decks itself, rather than flytekit."""
        raise NotImplementedError

    def renamed(self: T, name: str, config: object, resolver: TaskResolverMixin) -> T:
        """A copy with another *name* and *config*, which *resolver* loads."""
        task = copy(self)
        for attribute, value in vars(self).items():
            if getattr(value, "__self__", None) is self:  # a method of this task, not of the copy
                delattr(task, attribute)
        vars(task).update(
            _name=name,
            _own_config=config,
            _task_resolver=resolver,
            # a new one, because flytekit stores in it whether there is a deck
            _metadata=replace(self.metadata, generates_deck=False),
        )
        task.set_command_fn(task.get_default_command)
        return task

    @property
    def task_config(self) -> C:
        """The config that was passed to ``@task``, or to the nodes of this variant."""
        config: C = vars(self)["_own_config"]
        return config

    @property
    def _task_config(self) -> C:
        return self.task_config

    @_task_config.setter
    def _task_config(self, config: C) -> None:
        if "_own_config" in vars(self):
            self.replace_config(config)
        vars(self)["_own_config"] = config

    @property
    def _disable_deck(self) -> bool:
        return not self.has_deck

    @_disable_deck.setter
    def _disable_deck(self, is_disabled: bool) -> None:
        """Ignored: `has_deck` decides."""

    async def _output_to_literal_map(self, native_outputs: Any, ctx: FlyteContext) -> Any:
        with errors_of_outputs() as errors:
            try:
                return await super()._output_to_literal_map(native_outputs, ctx)
            except Exception as error:
                original = errors.restored(error)
        raise original  # outside of the handler, so that its context stays what it was

    def _write_decks(
        self,
        native_inputs: Any,
        native_outputs_as_map: Any,
        ctx: FlyteContext,
        new_user_params: ExecutionParameters | None,
    ) -> None:
        self.before_decks([*native_inputs.values(), *native_outputs_as_map.values()])
        if self.writes_page(new_user_params):
            ctx = _without_execution(ctx)  # by which flytekit decides whether to write it
        super()._write_decks(  # type: ignore[no-untyped-call]  # flytekit's
            native_inputs, native_outputs_as_map, ctx, new_user_params
        )


def _without_execution(context: FlyteContext) -> FlyteContext:
    """*context* without its state of the execution."""
    builder = context.new_builder()
    builder.execution_state = None
    return builder.build()


def set_task(node: Node, task: object) -> None:
    """Make *node* run *task*."""
    vars(node)["_flyte_entity"] = task


def branches_of(condition: BranchNode) -> list[Node]:
    """The nodes of all branches of *condition*."""
    block = condition._ifelse_block
    cases = [block.case, *(block.other or ())]
    return [each for each in (*(case.then_node for case in cases), block.else_node) if each]


def overrides_in(node: Node) -> tuple[Entries | None, object]:
    """The resources and the image that are registered for *node*; None for the task's own."""
    return vars(node)["_resources"], vars(node)["_container_image"]


def override(target: object, method: Callable[..., Any]) -> None:
    """Replace ``with_overrides`` of one node or promise by *method*."""
    vars(target)["with_overrides"] = method


def function_of(entity: object) -> Callable[..., Any] | None:
    """The function of a task or workflow; None if it has none."""
    function: Callable[..., Any] | None = getattr(
        entity, "task_function", getattr(entity, "_workflow_function", None)
    )
    return function


def deck_page(parameters: ExecutionParameters) -> str:
    """The HTML page of all decks so far."""
    from flytekit.deck.deck import _get_deck  # noqa: PLC0415  # slow to import

    return str(_get_deck(parameters, ignore_jupyter=True))


def write_deck(task: str, parameters: ExecutionParameters) -> None:
    """Write that page to where Flyte looks for it."""
    from flytekit.deck.deck import _output_deck  # noqa: PLC0415  # slow to import

    _output_deck(task, parameters)
