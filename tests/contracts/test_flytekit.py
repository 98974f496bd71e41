"""Private or undocumented parts of flytekit that are used here."""

from __future__ import annotations

import dataclasses
import inspect
from functools import cached_property
from typing import Annotated, Any

import flytekit
import pytest
from flytekit import ImageSpec, StructuredDataset
from flytekit.configuration import FastSerializationSettings
from flytekit.core.base_task import PythonTask, TaskMetadata
from flytekit.core.context_manager import CompilationState, FlyteContextManager
from flytekit.core.node import Node
from flytekit.core.promise import VoidPromise
from flytekit.core.python_function_task import PythonFunctionTask
from flytekit.core.task import TaskPlugins
from flytekit.core.type_engine import TypeEngine
from flytekit.deck import deck
from flytekit.exceptions.system import FlyteNonRecoverableSystemException
from flytekit.exceptions.user import FlyteUserRuntimeException
from flytekit.types.structured.structured_dataset import (
    StructuredDatasetTransformerEngine,
    extract_cols_and_format,
)

from flytekitplugins.dask import ReadOptions
from tests.flytekit.test_task import increment


def returns_nothing() -> None:
    """A function without an output."""


def node_of(function: Any) -> tuple[Node, Any]:
    """A node of a plain task, and what calling it in a workflow returns."""
    context = FlyteContextManager.current_context()
    state = CompilationState(prefix="")
    with FlyteContextManager.with_context(context.with_compilation_state(state)):
        task: Any = flytekit.task(function)
        promise = task(number=1) if function is increment else task()
    (made,) = state.nodes  # the last one is that of the task which was just called
    assert isinstance(made, Node)
    return made, promise


@pytest.fixture
def node() -> Node:
    """A node of a plain task."""
    return node_of(increment)[0]


class TestNodes:
    """`CompilationState.mode`, `Node._flyte_entity`, `Node.with_overrides`."""

    def test_flytekit_compiles_in_the_first_mode(self, node: Node) -> None:
        """The default of `CompilationState.mode`, a number without a name."""
        assert CompilationState(prefix="").mode == CompilationState.mode
        assert node.flyte_entity.task_function is increment

    def test_a_node_has_its_task_as_flyte_entity(self, node: Node) -> None:
        assert node._flyte_entity is node.flyte_entity is node.run_entity

    def test_a_node_overrides_the_config_in_the_task(self, node: Node) -> None:
        """`PythonTask._task_config`."""
        node.run_entity._task_config = 1
        node.with_overrides(task_config=2)
        assert node.flyte_entity.task_config == node.run_entity._task_config == 2

    def test_a_node_keeps_what_it_overrides(self, node: Node) -> None:
        """`Node._resources` and `Node._container_image`, which are registered."""
        assert (node._resources, node._container_image) == (None, None)
        node.with_overrides(limits=flytekit.Resources(cpu=1), container_image="acme/etl:3")
        assert node._resources is not None
        assert [each.value for each in node._resources.limits] == ["1"]
        assert (node._resources.requests, node._container_image) == ([], "acme/etl:3")

    def test_a_condition_has_the_nodes_of_its_branches(self) -> None:
        """`BranchNode._ifelse_block`."""
        task: Any = flytekit.task(increment)

        @flytekit.workflow
        def flow(x: int) -> int:
            given: Any = x
            fork: Any = flytekit.conditional("fork").if_(given == 1).then(task(number=1))
            fork = fork.elif_(given == 2).then(task(number=2))
            chosen: int = fork.else_().then(task(number=3))
            return chosen

        compiled: Any = flow
        compiled.compile()
        block = compiled.nodes[0].flyte_entity._ifelse_block
        assert [each.then_node.id for each in (block.case, *block.other)] == ["n0", "n1"]
        assert block.else_node.id == "n2"

    @pytest.mark.parametrize("function", [increment, returns_nothing])
    def test_promises_look_up_with_overrides_on_the_instance_of_a_node(self, function: Any) -> None:
        made, promise = node_of(function)
        overrides: list[object] = []
        vars(made)["with_overrides"] = lambda **given: overrides.append(given["retries"])
        promise.with_overrides(retries=3)
        assert isinstance(promise, VoidPromise) == (function is returns_nothing)
        assert overrides == [3]


class TestTasks:
    """`_name`, `_task_resolver`, `_metadata`, `_disable_deck`, `_write_decks`."""

    def test_a_task_keeps_its_name_resolver_and_metadata_under_these_names(
        self, node: Node
    ) -> None:
        task = node.flyte_entity
        name, metadata = f"{task.instantiated_in}.other", TaskMetadata(retries=7)
        task._name, task._task_resolver, task._metadata = name, "resolver", metadata
        assert (task.name, task.task_resolver, task.metadata) == (name, "resolver", metadata)

    def test_a_task_keeps_its_command_as_its_own_method(self, node: Node) -> None:
        """A copy of a task replaces it, by `set_command_fn`."""
        task = node.flyte_entity
        methods = [each for each in vars(task).values() if inspect.ismethod(each)]
        assert methods == [task.get_default_command]
        task.set_command_fn(lambda _: ["other"])
        settings: Any = None
        assert task.get_command(settings) == ["other"]

    def test_metadata_notes_that_there_is_a_deck(self) -> None:
        assert "generates_deck" in {each.name for each in dataclasses.fields(TaskMetadata)}

    def test_a_task_knows_whether_it_has_a_deck(self) -> None:
        with_deck: Any = flytekit.task(increment, enable_deck=True)
        without: Any = flytekit.task(increment)
        assert (with_deck._disable_deck, without._disable_deck) == (False, True)
        assert (with_deck.enable_deck, without.enable_deck) == (True, False)

    def test_decks_are_written_once_the_function_has_ended(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By `_write_decks`, which gets the parameters that hold them."""
        written: list[tuple[Any, ...]] = []
        monkeypatch.setattr(
            PythonFunctionTask, "_write_decks", lambda _, *args: written.append(args)
        )
        task: Any = flytekit.task(increment, enable_deck=True)
        assert task(number=1) == 2
        ((inputs, outputs, _, parameters),) = written
        assert (inputs, outputs) == ({"number": 1}, {"o0": 2})
        assert isinstance(parameters.decks, list)
        names = ["self", "native_inputs", "native_outputs_as_map", "ctx", "new_user_params"]
        assert list(inspect.signature(PythonTask._write_decks).parameters) == names

    def test_a_workflow_has_its_function(self) -> None:
        """As `_workflow_function`, where a task has `task_function`."""

        def flow() -> None: ...

        made: Any = flytekit.workflow(flow)
        assert made._workflow_function is flow
        assert not hasattr(made, "task_function")


def test_decks_are_written_as_a_page() -> None:
    """By `_get_deck` and `_output_deck`."""
    parameters: Any = flytekit.current_context()
    built = parameters.with_enable_deck(enable_deck=True).build()
    page = deck._get_deck(built, ignore_jupyter=True)
    assert "flyte-frame-container" in str(page)
    assert list(inspect.signature(deck._output_deck).parameters) == ["task_name", "new_user_params"]


def test_the_list_of_decks_is_that_of_the_context() -> None:
    """Not a copy, since ours is put into it."""
    parameters: Any = flytekit.current_context()
    assert parameters.decks is parameters.decks


def test_plugins_are_looked_up_by_the_exact_type() -> None:
    """Subclasses of a config would make plain tasks, so there can be none."""

    class Config: ...

    class Special(Config): ...

    class Plugin(PythonFunctionTask[Config]): ...

    TaskPlugins.register_pythontask_plugin(Config, Plugin)
    assert TaskPlugins.find_pythontask_plugin(Config) is Plugin
    assert TaskPlugins.find_pythontask_plugin(Special) is PythonFunctionTask


def test_an_image_spec_caches_its_id_and_tag() -> None:
    """They are in its own dictionary, and a changed copy has to drop them."""
    assert isinstance(vars(ImageSpec)["id"], cached_property)
    assert isinstance(vars(ImageSpec)["tag"], cached_property)


def test_a_fast_registration_names_its_archive_and_folder() -> None:
    names = {each.name for each in dataclasses.fields(FastSerializationSettings)}
    assert {"enabled", "destination_dir", "distribution_location"} <= names


@pytest.mark.parametrize("wrapper", [FlyteUserRuntimeException, FlyteNonRecoverableSystemException])
def test_wrappers_of_errors_have_them_as_value(wrapper: Any) -> None:
    error = ValueError("no number")
    assert wrapper(error).value is error


def test_outputs_are_converted_by_one_method_that_replaces_the_arguments_of_errors() -> None:
    """By `_output_to_literal_map`, which looks up `TypeEngine.async_to_literal` for each."""
    names = ["self", "native_outputs", "ctx"]
    assert list(inspect.signature(PythonTask._output_to_literal_map).parameters) == names
    source = inspect.getsource(PythonTask._output_to_literal_map)
    assert "TypeEngine.async_to_literal(ctx, v, py_type, literal_type)" in source
    assert "e.args = (" in source


def test_handlers_of_datasets_are_loaded_by_a_function_of_their_module() -> None:
    """It is looked up at each call, and so can be wrapped."""
    line = "from flytekit.types.structured import lazy_import_structured_dataset_handler"
    for caller in (TypeEngine.lazy_import_transformers, StructuredDataset.open):
        source = inspect.getsource(caller)
        assert line in source
        assert "lazy_import_structured_dataset_handler()" in source


def test_annotations_of_a_dataset_with_annotations_of_its_own_are_columns() -> None:
    """So our options have none."""
    options = ReadOptions(blocksize=1)
    assert not hasattr(options, "__annotations__")
    assert extract_cols_and_format(Annotated[int, options]) == (int, None, "", None)


def test_an_encoded_dataset_is_known_by_its_literal() -> None:
    """What has one is not encoded again."""
    assert "python_val._literal_sd is not None" in inspect.getsource(
        StructuredDatasetTransformerEngine.async_to_literal
    )
    assert StructuredDataset(dataframe=1).literal is None
