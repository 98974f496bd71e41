"""Images of roles: rendered and built like the task's own."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flytekit
import pytest
from flyteidl.core.dynamic_job_pb2 import DynamicJobSpec
from flytekit import ImageSpec
from flytekit.configuration import (
    FastSerializationSettings,
    Image,
    ImageConfig,
    SerializationSettings,
)
from flytekit.core.context_manager import ExecutionState, FlyteContextManager, FlyteEntities
from flytekit.core.python_function_task import PythonFunctionTask
from flytekit.image_spec.image_spec import ImageBuildEngine, ImageSpecBuilder
from flytekit.tools.translator import get_serializable
from google.protobuf.json_format import MessageToDict

from flyte_dask import Dask, InvalidConfig, Scheduler, WorkerGroup, presets
from flyte_dask_engine.registration import serialization as wire
from flytekitplugins.dask.task import DaskTask
from tests.flytekit.test_task import increment


class Builder(ImageSpecBuilder):
    """A builder that records the requested builds, and needs no registry."""

    def __init__(self) -> None:
        self.built: list[ImageSpec] = []

    def should_build(self, image_spec: ImageSpec) -> bool:  # noqa: ARG002  # flytekit's
        return True

    def build_image(self, image_spec: ImageSpec) -> str:
        self.built.append(image_spec)
        return f"registry.example.com/{image_spec.name}:{len(self.built)}"


@pytest.fixture
def builder() -> Iterator[Builder]:
    """The builder that flytekit uses for specs that select it; their tasks are removed."""
    builder, tasks = Builder(), [*FlyteEntities.entities]
    # it stays for other tests, which look through all tasks of this module
    ImageBuildEngine.register("recording", builder, priority=0)
    ImageBuildEngine.build.cache_clear()
    yield builder
    FlyteEntities.entities[:] = tasks


def spec(name: str) -> ImageSpec:
    return ImageSpec(name=name, packages=["dask"], builder="recording")


def settings(folder: Path, *, fast: bool = False) -> SerializationSettings:
    return SerializationSettings(
        image_config=ImageConfig(default_image=Image("default", "acme/task", "1"), images=[]),
        source_root=str(folder),
        fast_serialization_settings=FastSerializationSettings(enabled=fast, destination_dir="."),
    )


def images(custom: dict[str, Any]) -> list[str | None]:
    return [custom[role].get("image") for role in ("scheduler", "workers")]


@pytest.mark.parametrize("fast", [False, True])
def test_a_spec_is_built_and_named_as_the_tasks_own(
    builder: Builder, tmp_path: Path, fast: bool
) -> None:
    (tmp_path / "etl.py").write_text("")
    config = presets.medium(image=spec("etl")).with_scheduler(image=spec("other"))
    task = flytekit.task(task_config=config, container_image=spec("etl"))(increment)
    template: Any = get_serializable(OrderedDict(), settings(tmp_path, fast=fast), task)
    own = template.template.container.image
    assert images(template.template.custom) == ["registry.example.com/other:2", own]
    assert own == "registry.example.com/etl:1"
    assert [each.name for each in builder.built] == ["etl", "other"]
    roots = {each.source_root for each in builder.built}
    assert roots == ({None} if fast else {str(tmp_path)})


def test_what_is_unset_stays_empty(tmp_path: Path) -> None:
    task = flytekit.task(task_config=Dask(), container_image="acme/other:2")(increment)
    assert images(task.get_custom(settings(tmp_path)) or {}) == [None, None]


class Imitation:
    """A class that type checkers accept as a spec."""

    def image_name(self) -> str:
        return "acme/etl:3"


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (
            "{{.image.gone.fqn}}:1",
            (
                "cannot be rendered (Image Config with name gone not found in the configuration): "
                "register with --image name=reference, or use a reference"
            ),
        ),
        (
            "{{ inputs.x }}",
            (
                "is not a template that flytekit renders: "
                "use '{{.image.name.fqn}}:{{.image.name.version}}' or '{{.image.name}}'"
            ),
        ),
        (Imitation(), "is not a flytekit ImageSpec: use one, or an image reference"),
    ],
)
def test_an_image_without_a_reference_is_an_error(image: Any, reason: str, tmp_path: Path) -> None:
    """Of both roles, with the task's line."""
    task = flytekit.task(task_config=Dask().with_image(image))(increment)
    with pytest.raises(InvalidConfig) as caught:
        task.get_custom(settings(tmp_path))
    assert caught.value.subject == f"@task of {task.name}"
    assert caught.value.call_site is not None
    assert caught.value.call_site.file == __file__
    assert [each.path for each in caught.value.problems] == ["scheduler.image", "workers.image"]
    assert all(str(each).endswith(reason) for each in caught.value.problems)


def test_an_image_that_is_not_built_cannot_be_serialized() -> None:
    config = Dask().with_image(spec("etl"))
    with pytest.raises(TypeError, match="is not built yet"):
        wire.custom(config, config.resolve())


def test_serializing_changes_neither_the_config_nor_the_settings(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though flytekit puts the sources' folder into a spec that it builds."""
    given = spec("etl")
    config = Dask().with_image(given)
    before, hashed = repr(config), hash(config)
    task = flytekit.task(task_config=config, container_image=given)(increment)
    where = settings(tmp_path)
    monkeypatch.setattr(FlyteEntities, "entities", [])  # with a dynamic task it would be handed on
    get_serializable(OrderedDict(), where, task)
    assert [each.source_root for each in builder.built] == [str(tmp_path)]
    assert (repr(config), hash(config)) == (before, hashed)
    assert given.source_root == str(tmp_path)  # the task's own: there it is flytekit's way
    assert where.image_config.images == []


@flytekit.task(task_config=Dask(workers=WorkerGroup(image=spec("etl"))))
def on_a_spec(x: int) -> int:
    return x


@flytekit.dynamic
def building(x: int) -> int:
    return on_a_spec(x=x)  # type: ignore[return-value]  # a promise


@pytest.mark.usefixtures("builder")
def test_a_dynamic_task_names_the_image_that_was_built(tmp_path: Path) -> None:
    """In its pod nothing is built, and without what was built before flytekit would guess."""
    assert isinstance(on_a_spec, DaskTask)
    assert isinstance(building, PythonFunctionTask)
    packaging = settings(tmp_path, fast=True)
    built = on_a_spec.get_custom(packaging)
    container = building.get_container(packaging.with_serialized_context())
    (template,) = in_its_pod(container.env["_F_SS_C"]).tasks
    assert MessageToDict(template.custom) == built
    assert images(built) == [None, "registry.example.com/etl:1"]


def test_a_dynamic_task_that_was_registered_before_it_is_an_error(tmp_path: Path) -> None:
    """Instead of naming an image that was not built."""
    assert isinstance(building, PythonFunctionTask)
    container = building.get_container(settings(tmp_path).with_serialized_context())
    with pytest.raises(InvalidConfig) as caught:
        in_its_pod(container.env["_F_SS_C"])
    (problem,) = caught.value.problems
    assert problem.path == "workers.image"
    assert str(problem).endswith(
        "was not built when the dynamic task was registered: "
        "define its task above the dynamic one, or use a reference"
    )


def in_its_pod(serialized: str) -> DynamicJobSpec:
    """The result of the dynamic task, registered with these settings."""
    assert isinstance(building, PythonFunctionTask)
    ImageBuildEngine._IMAGE_NAME_TO_REAL_NAME.clear()
    context = FlyteContextManager.current_context()
    state = context.new_execution_state().with_params(mode=ExecutionState.Mode.TASK_EXECUTION)
    with FlyteContextManager.with_context(
        context.with_execution_state(state).with_serialization_settings(
            SerializationSettings.from_transport(serialized)
        )
    ) as pod:
        job = building.compile_into_workflow(pod, building.task_function, x=1).to_flyte_idl()
    assert isinstance(job, DynamicJobSpec)
    return job


class TestSpecsInConfigs:
    """A spec is a value like other images."""

    def test_compares_shows_merges_and_copies(self) -> None:
        one, same, other = spec("etl"), spec("etl"), spec("other")
        config = Dask(Scheduler(one)).with_workers(image=other)
        assert config == Dask(Scheduler(same), WorkerGroup(image=other)) != Dask().with_image(one)
        assert hash(config) == hash(Dask(Scheduler(same), WorkerGroup(image=other)))
        assert (config | Dask(Scheduler("acme/etl:3"))).scheduler.image == "acme/etl:3"
        assert (Dask(Scheduler("acme/etl:3")) | config).scheduler.image == one
        for each in (pickle.loads(pickle.dumps(config)), copy.deepcopy(config)):
            assert each == config
        assert "image=ImageSpec(name='etl'" in repr(config)
        assert config.origins["workers.image"].by == "with_workers(...)"
