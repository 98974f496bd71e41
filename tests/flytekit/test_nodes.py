"""What nodes override of their task, as flytekit registers it: resources and images."""

# pyright: reportReturnType=false, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false
# pyright: reportArgumentType=false, reportFunctionMemberAccess=false
# (as in examples/: promises, and what `task` returns)

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import Any

import flytekit
import pytest
from flytekit import ImageSpec, Workflow, conditional, map_task, task, workflow
from flytekit.core.node_creation import create_node
from flytekit.tools.translator import get_serializable

from flyte_dask import Dask, InvalidConfig, Resources
from flyte_dask.errors import CallSite
from flyte_dask.inheritance import NodeOverrides
from flyte_dask.roles.resources import KUBERNETES_NAMES, amounts
from flyte_dask_cli.loading.nodes import OverriddenNode, overridden_nodes
from flytekitplugins.dask.nodes import overrides_of
from tests.flytekit.test_task import SETTINGS


@task(task_config=Dask(workers=1))
def one(x: int = 1) -> int:
    return x


Sizes = flytekit.Resources

OVERRIDES: dict[str, tuple[dict[str, Any], NodeOverrides | None]] = {
    "nothing": ({"retries": 2}, None),
    "empty resources": ({"requests": Sizes(), "limits": Sizes()}, None),
    "requests": ({"requests": Sizes(cpu=2)}, NodeOverrides(Resources(cpu=2))),
    "limits": (
        {"limits": Sizes(mem="8Gi", gpu=1)},
        NodeOverrides(limits=Resources(mem="8Gi", gpu=1)),
    ),
    "both": (
        {"requests": Sizes(cpu="3"), "limits": Sizes(cpu="2", ephemeral_storage="1Gi")},
        NodeOverrides(Resources(cpu=3), Resources(cpu=2, ephemeral_storage="1Gi")),
    ),
    "resources": (
        {"resources": Sizes(cpu=("1", "2"), mem="4Gi")},
        NodeOverrides(Resources(cpu=1, mem="4Gi"), Resources(cpu=2)),
    ),
    "zeros, which flytekit writes": (
        {"requests": Sizes(cpu=0, gpu=0), "limits": Sizes(mem="0", cpu="1")},
        NodeOverrides(Resources(gpu=0), Resources(cpu=1), zeros=["requests.cpu", "limits.mem"]),
    ),
    "an image": ({"container_image": "acme/etl:2"}, NodeOverrides(image="acme/etl:2")),
    "all, and a config": (
        {"limits": Sizes(cpu="1"), "container_image": "a:1", "task_config": Dask(workers=3)},
        NodeOverrides(limits=Resources(cpu=1), image="a:1"),
    ),
}


@pytest.mark.parametrize("kind", OVERRIDES)
def test_a_node_overrides_what_is_registered(kind: str) -> None:
    arguments, expected = OVERRIDES[kind]

    @workflow
    def flow() -> None:
        one()
        one().with_overrides(**arguments)
        create_node(one).with_overrides(**arguments)

    flow.compile()
    assert [overrides_of(node) for node in flow.nodes] == [None, expected, expected]
    spec: Any = get_serializable(OrderedDict(), SETTINGS, flow)
    for node in spec.to_flyte_idl().template.nodes[1:]:
        assert written(node.task_node.overrides) == written_by(expected)


def written(overrides: Any) -> tuple[dict[str, str], str]:
    """The amounts of registered overrides, by path, and the image."""
    names = ["UNKNOWN", "cpu", "gpu", "memory", "STORAGE", "ephemeral-storage"]
    found = {
        f"{side}.{names[entry.name]}": entry.value
        for side in ("requests", "limits")
        for entry in getattr(overrides.resources, side)
    }
    return found, overrides.container_image


def written_by(overrides: NodeOverrides | None) -> tuple[dict[str, str], str]:
    """The same of ours."""
    found: dict[str, str] = {}
    names = {**KUBERNETES_NAMES, "gpu": "gpu"}
    for side in ("requests", "limits"):
        for name, amount in amounts(getattr(overrides, side, None)).items():
            found[f"{side}.{names[name]}"] = amount.text
    for path in overrides.zeros if overrides else ():
        side, _, name = path.partition(".")
        found[f"{side}.{names[name]}"] = "0"
    return found, (overrides and overrides.image) or ""


def test_the_last_override_counts_and_the_line_is_known() -> None:
    @workflow
    def flow() -> None:
        node = one().with_overrides(limits=Sizes(cpu="1"))
        node.with_overrides(limits=Sizes(mem="1Gi"))
        node.with_overrides(retries=1)

    line = sys._getframe().f_lineno - 3
    flow.compile()
    overrides = overrides_of(flow.nodes[0])
    assert overrides == NodeOverrides(limits=Resources(mem="1Gi"))
    assert overrides.call_site == CallSite(__file__, line)


def test_what_kubernetes_would_reject_is_an_error_at_its_line() -> None:
    image: Any = ImageSpec("etl")

    @workflow
    def flow() -> None:
        one().with_overrides(limits=Sizes(mem="16GB"), container_image=image)

    line = sys._getframe().f_lineno - 2
    with pytest.raises(InvalidConfig) as caught:
        flow.compile()
    assert caught.value.subject == "with_overrides(...)"
    assert caught.value.call_site == CallSite(__file__, line)
    assert [(each.path, each.rule) for each in caught.value.problems] == [
        ("container_image", "must be a str, not ImageSpec: flytekit builds no images of nodes"),
        ("limits.mem", "is not a Kubernetes quantity"),
    ]


LARGE: dict[str, Any] = {"limits": Sizes(mem="8Gi")}


def found_in(flow: Any) -> list[tuple[str, str]]:
    """The name and the task of each node with overrides."""
    flow.compile()
    nodes = [each for each in overridden_nodes(flow) if isinstance(each, OverriddenNode)]
    return [(each.subject.name, each.task.name) for each in nodes]


class TestWhereNodesAre:
    """In workflows of all kinds."""

    def test_in_sub_workflows(self) -> None:
        @workflow
        def inner() -> int:
            return one().with_overrides(**LARGE)

        @workflow
        def outer() -> int:
            one().with_overrides(node_name="mine", **LARGE)
            return inner()

        assert found_in(outer) == [
            (f"{outer.name}[mine]", one.name),
            (f"{inner.name}[n0]", one.name),
        ]

    def test_in_conditions_and_conditions_in_them(self) -> None:
        @workflow
        def flow(x: int = 1) -> int:
            fork: Any = conditional("fork").if_(x == 1).then(one().with_overrides(**LARGE))
            fork = fork.elif_(x == 2).then(one())
            nested: Any = conditional("nested").if_(x == 3).then(one())
            return fork.else_().then(nested.else_().then(one().with_overrides(**LARGE)))

        assert [name for name, _ in found_in(flow)] == [
            f"{flow.name}[n0-n0]",
            f"{flow.name}[n0-n2-n1]",
        ]

    def test_in_imperative_workflows(self) -> None:
        flow = Workflow(name="imperative")
        flow.add_entity(one, x=1).with_overrides(**LARGE)
        assert found_in(flow) == [("imperative[n0]", one.name)]

    def test_of_map_tasks(self) -> None:
        @workflow
        def flow() -> None:
            map_task(one)(x=[1, 2]).with_overrides(**LARGE)

        assert found_in(flow) == [(f"{flow.name}[n0]", one.name)]

    def test_of_a_node_with_a_config_of_its_own(self) -> None:
        @workflow
        def flow() -> int:
            return one().with_overrides(task_config=Dask(workers=7), **LARGE)

        assert found_in(flow) == [(f"{flow.name}[n0]", one.variant(Dask(workers=7)).name)]
