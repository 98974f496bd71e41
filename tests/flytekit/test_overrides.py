"""``with_overrides(task_config=...)``: each node has its own, or it is an error."""

# pyright: reportReturnType=false, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false
# pyright: reportArgumentType=false, reportFunctionMemberAccess=false
# (as in examples/: promises, and what `task` returns)

from __future__ import annotations

import gzip
import logging
import re
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import cloudpickle
import flytekit
import pytest
from flytekit import ImageSpec, Workflow, conditional, dynamic, map_task, task, workflow
from flytekit.core.node_creation import create_node
from flytekit.core.python_auto_container import PICKLE_FILE_PATH, default_task_resolver
from flytekit.core.testing import task_mock
from flytekit.remote.remote import _get_pickled_target_dict
from flytekit.tools.module_loader import load_object_from_module
from flytekit.tools.translator import get_serializable
from google.protobuf.json_format import MessageToDict

from flyte_dask import Dask, InvalidConfig, WorkerGroup, presets
from flytekitplugins.dask import overrides
from flytekitplugins.dask.task import DaskTask
from tests.flytekit.test_task import SETTINGS
from tests.support.processes import BIN, run


class Pair(NamedTuple):
    """Two outputs."""

    number: int
    text: str


@task(task_config=Dask(workers=1))
def one(x: int = 1) -> int:
    return x


@task(task_config=Dask(workers=1))
def two(x: int = 1) -> Pair:
    return Pair(x, "")


@task(task_config=Dask(workers=1))
def none(x: int = 1) -> None:
    """A task without outputs."""


@task(task_config=Dask(workers=1))
async def waits(x: int = 1) -> int:
    return x


@dynamic(task_config=Dask(workers=1))
def builds(x: int = 1) -> int:
    return one(x=x)


FIVE, SIX = Dask(workers=5), Dask(workers=6)


def nodes_of(flow: Any) -> list[tuple[int, str]]:
    """The number of workers and the task's name for each node of a workflow, as registered."""
    entities: OrderedDict[Any, Any] = OrderedDict()
    spec = get_serializable(entities, SETTINGS, flow)
    customs = {
        entity.template.id.name: entity.template.custom["workers"]["numberOfWorkers"]
        for entity in entities.values()
        if hasattr(entity, "template") and hasattr(entity.template, "custom")
    }
    names = [node.task_node.reference_id.name for node in spec.template.nodes]
    return [(customs[name], name) for name in names]


def numbers_of(flow: Any) -> list[int]:
    return [number for number, _ in nodes_of(flow)]


class TestEachNodeHasItsOwn:
    """For every kind of task, and however the node was created."""

    def test_next_to_one_without(self) -> None:
        @workflow
        def flow() -> int:
            one()
            one().with_overrides(task_config=FIVE)
            one().with_overrides(task_config=SIX)
            return one()

        (first, *_) = found = nodes_of(flow)
        assert [number for number, _ in found] == [1, 5, 6, 1]
        assert first[1] == one.name
        assert len({name for _, name in found}) == 3
        assert all(re.fullmatch(rf"{re.escape(one.name)}(-[0-9a-f]{{8}})?", n) for _, n in found)

    @pytest.mark.parametrize("each", [one, two, none, waits, builds], ids=lambda each: each.name)
    def test_of_any_kind_of_task(self, each: Any) -> None:
        @workflow
        def flow() -> None:
            each()
            each().with_overrides(task_config=FIVE)
            create_node(each).with_overrides(task_config=SIX)

        assert numbers_of(flow) == [1, 5, 6]

    def test_by_position_and_with_other_overrides(self) -> None:
        @workflow
        def flow() -> None:
            node: Any = create_node(one)
            node.with_overrides("named", None, None, None, None, 4, None, None, FIVE)
            promise: Any = one()
            promise.with_overrides(task_config=SIX, limits=flytekit.Resources(cpu="1"), retries=2)

        nodes = flow.nodes
        assert [node.flyte_entity.task_config for node in nodes] == [FIVE, SIX]
        assert [node.id for node in nodes] == ["named", "n1"]
        assert [node.metadata.retries.retries for node in nodes] == [4, 2]
        assert [str(entry.value) for entry in nodes[1]._resources.limits] == ["1"]

    def test_the_last_override_of_a_node_counts(self) -> None:
        @workflow
        def flow() -> int:
            result = one().with_overrides(task_config=FIVE)
            return result.with_overrides(task_config=SIX)

        assert nodes_of(flow) == [(6, one.variant(SIX).name)]

    def test_in_an_imperative_workflow_and_a_condition(self) -> None:
        flow = Workflow(name="imperative")
        flow.add_task(one, x=1).with_overrides(task_config=FIVE)
        flow.add_task(one, x=1)
        assert numbers_of(flow) == [5, 1]

        @workflow
        def branches(x: int = 1) -> int:
            fork: Any = conditional("fork").if_(x == 1).then(one().with_overrides(task_config=FIVE))
            return fork.else_().then(one())

        (node,) = branches.nodes
        block = node.flyte_entity._ifelse_block
        cases = [block.case.then_node, block.else_node]
        assert [each.flyte_entity.task_config for each in cases] == [FIVE, Dask(workers=1)]

    def test_none_does_not_override(self) -> None:
        @workflow
        def flow() -> int:
            return one().with_overrides(task_config=None, retries=1)

        assert nodes_of(flow) == [(1, one.name)]

    def test_the_task_itself_stays_as_it_is(self) -> None:
        one.variant(FIVE)
        assert one.task_config == Dask(workers=1)
        custom: Any = one.get_custom(SETTINGS)
        assert custom["workers"]["numberOfWorkers"] == 1


class TestVariants:
    """The tasks that are registered for overrides."""

    def test_the_same_config_is_the_same_task(self) -> None:
        first = one.variant(Dask(workers=WorkerGroup(5)))
        assert first is one.variant(FIVE) is one.variant(SIX).variant(FIVE)
        assert first.variant(Dask(workers=1)) is one.variant(one.task_config) is one

    def test_another_spelling_is_another_task(self) -> None:
        """The template keeps it."""
        config = FIVE.with_workers(mem="1Gi")
        assert config == FIVE.with_workers(mem="1024Mi")
        assert one.variant(config).name != one.variant(FIVE.with_workers(mem="1024Mi")).name

    def test_the_name_is_the_same_in_every_process(self) -> None:
        assert overrides.variant_name("etl.monthly", presets.medium(5)) == "etl.monthly-29b5f103"

    def test_what_the_template_lacks_is_in_the_loader_arguments(self) -> None:
        """The runtime settings, and the silenced advice."""
        config = FIVE.with_runtime(min_workers=3, worker_timeout=None)
        variant = one.variant(config.without_advice("tiny-memory", "poor-bin-packing"))
        loaded = overrides.resolver.load_task(overrides.resolver.loader_args(SETTINGS, variant))
        assert loaded.task_config.runtime == variant.task_config.runtime != FIVE.runtime
        assert loaded.task_config.silence == variant.task_config.silence != FIVE.silence
        assert loaded.name == variant.name != one.variant(FIVE).name

    def test_the_template_is_the_tasks_but_for_name_custom_and_loader(self) -> None:
        variant = one.variant(FIVE.with_workers(mem="1Gi"))
        own, others = (
            MessageToDict(get_serializable(OrderedDict(), SETTINGS, each).to_flyte_idl())[
                "template"
            ]
            for each in (one, variant)
        )
        assert others["custom"] == variant.get_custom(SETTINGS) != own["custom"]
        assert others["container"]["args"][:12] == own["container"]["args"][:12]
        same = {"id": own["id"], "custom": own["custom"], "container": own["container"]}
        assert {**others, **same} == own

    def test_the_resolver_makes_it_again(self) -> None:
        variant = one.variant(FIVE.with_workers(mem="1Gi"))
        loaded = overrides.resolver.load_task(overrides.resolver.loader_args(SETTINGS, variant))
        assert isinstance(loaded, DaskTask)
        assert (loaded.name, loaded.original) == (variant.name, one)
        assert loaded.get_custom(SETTINGS) == variant.get_custom(SETTINGS)

    def test_images_with_equal_ids_in_flytekit_differ(self) -> None:
        """Its id of a spec leaves fields out."""
        specs = [ImageSpec(name="etl", builder=builder) for builder in ("envd", "noop")]
        assert specs[0].id == specs[1].id
        variants = [one.variant(Dask().with_image(spec)) for spec in specs]
        assert variants[0].name != variants[1].name
        assert [each.task_config.workers.image for each in variants] == specs

    def test_a_pickled_variant_is_found_by_its_name(self, tmp_path: Path, monkeypatch: Any) -> None:
        """As flytekit does it from notebooks: all tasks in one pickle."""

        @workflow
        def flow() -> None:
            one()
            one().with_overrides(task_config=FIVE)
            two().with_overrides(task_config=SIX)

        tasks: list[Any] = [node.flyte_entity for node in flow.nodes]
        try:
            _, pickled = _get_pickled_target_dict(flow)
            monkeypatch.chdir(tmp_path)
            with gzip.open(PICKLE_FILE_PATH, "wb") as file:
                cloudpickle.dump(pickled, file)
            for each in tasks:
                command = each.get_command(SETTINGS)
                resolver = load_object_from_module(command[command.index("--resolver") + 1])
                loaded = resolver.load_task(command[command.index("--") + 1 :])
                assert (loaded.name, loaded.task_config) == (each.name, each.task_config)
        finally:
            for each in (one, two):
                each.set_resolver(default_task_resolver)
                each._variants.clear()

    def test_a_mock_of_the_task_is_not_the_variants(self) -> None:
        with task_mock(one) as mock:
            mock.return_value = 7
            result: Any = one()
            assert result == 7
        assert one.variant(SIX).execute.__self__ is one.variant(SIX)
        one._variants.clear()

    def test_threads_get_the_same_one(self) -> None:
        with ThreadPoolExecutor(8) as pool:
            for number in range(2, 50):
                found = pool.map(lambda _: one.variant(Dask(workers=number)), range(8))  # noqa: B023
                assert len({id(each) for each in found}) == 1


_WARNING = "the task ran with its own config: a local run ignores overrides of it"


_FLOW = """
from flytekit import task, workflow
from flytekitplugins.dask import presets

@task(task_config=presets.small())
def one() -> int:
    return 1

@workflow
def flow() -> int:
    return one().with_overrides(task_config=presets.large())
"""


class TestLocally:
    """A local run has run the task before an override is known, and warns about it."""

    @pytest.fixture
    def logged(self, caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
        """The messages of our log, whatever level other tests have set."""
        caplog.set_level(logging.WARNING, "flytekit.dask")
        records: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: records.append(record.getMessage())  # type: ignore[method-assign]
        logger = logging.getLogger("flytekit.dask")
        logger.addHandler(handler)
        yield records
        logger.removeHandler(handler)

    @pytest.mark.parametrize("each", [one, two, none, waits], ids=lambda each: each.name)
    def test_of_any_kind_of_task(self, each: Any, logged: list[str]) -> None:
        @workflow
        def flow() -> None:
            each().with_overrides(task_config=FIVE)
            each().with_overrides(retries=2)

        flow()
        assert logged == [_WARNING]

    @pytest.mark.once
    def test_pyflyte_run_shows_it(self, tmp_path: Path) -> None:
        (tmp_path / "etl.py").write_text(_FLOW)
        done = run(BIN / "pyflyte", "run", "etl.py", "flow", cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert " ".join(done.stdout.split()).count(_WARNING) == 1  # which flytekit wraps

    def test_in_a_dynamic_task(self, logged: list[str]) -> None:
        @dynamic
        def flow() -> int:
            return one().with_overrides(task_config=FIVE)

        result: Any = flow()
        assert result == 1
        assert len(logged) == 1

    def test_what_is_not_a_config_is_rejected_here_too(self) -> None:
        @dynamic
        def flow() -> int:
            return one().with_overrides(task_config=presets.medium)

        with pytest.raises(InvalidConfig, match="is a Preset, which makes configs"):
            flow()


class TestErrors:
    """If a node cannot have its own config, it is an error."""

    def test_map_tasks(self) -> None:
        @workflow
        def flow() -> None:
            map_task(one)(x=[1, 2]).with_overrides(task_config=FIVE)

        with pytest.raises(InvalidConfig) as caught:
            flow.compile()
        (problem,) = caught.value.problems
        assert caught.value.subject == "with_overrides(...)"
        assert f" of {one.name}, " in problem.rule
        assert caught.value.call_site is not None
        assert caught.value.call_site.file == __file__
        assert (problem.path, problem.value) == ("task_config", FIVE)
        assert problem.remedy == "define another @task function with this config, and use it here"
        assert one.task_config == Dask(workers=1)

    @pytest.mark.parametrize(
        ("config", "reason"),
        [
            (presets.medium, "is a Preset, which makes configs: call it, as in presets.medium()"),
            (WorkerGroup(5), "is a WorkerGroup, one part of a config: write Dask(workers=...)"),
            (Dask, "is a class, not a config: call it: Dask(...)"),
            ({"workers": 5}, "is not a Dask: write Dask(...), or call a preset"),
        ],
    )
    def test_what_is_not_a_config(self, config: Any, reason: str) -> None:
        @workflow
        def flow() -> int:
            return one().with_overrides(task_config=config)

        with pytest.raises(InvalidConfig) as caught:
            flow.compile()
        assert str(caught.value.problems[0]).endswith(reason)
