"""Nodes that override resources or images are shown as they are registered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flyteidl.admin.workflow_pb2 import WorkflowSpec
from flyteidl.core.workflow_pb2 import Node

from tests.support.command import flyte_dask
from tests.support.runner import package

pytestmark = pytest.mark.once

PIPELINE = """
from flytekit import Resources, Workflow, conditional, dynamic, map_task, task, workflow
from flytekitplugins.dask import Dask, presets


@task(task_config=Dask(workers=4), limits=Resources(cpu="2", mem="8Gi"))
def total(day: int) -> int:
    return day


@task
def plain(day: int) -> int:
    return day


@dynamic
def unknown(day: int) -> int:
    return total(day=day).with_overrides(limits=Resources(mem="9Gi"))


@workflow
def inner(day: int) -> int:
    return total(day=day).with_overrides(limits=Resources(mem="16Gi"), node_name="large")


@workflow
def outer(day: int) -> int:
    plain(day=day).with_overrides(limits=Resources(mem="7Gi"))
    total(day=day).with_overrides(requests=Resources(cpu=0, gpu=0), limits=Resources(cpu="1"))
    total(day=day).with_overrides(retries=3)
    total(day=day).with_overrides(task_config=presets.small(), container_image="acme/etl:4")
    map_task(total)(day=[1, 2]).with_overrides(resources=Resources(mem=("1Gi", "2Gi")))
    fork = conditional("fork").if_(day == 1).then(inner(day=unknown(day=day)))
    larger = fork.elif_(day == 2).then(total(day=day).with_overrides(limits=Resources(mem="4Gi")))
    return larger.else_().then(total(day=day))


made = Workflow(name="made")
made.add_entity(total, day=1).with_overrides(container_image="acme/etl:5")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, with the output of ``pyflyte package``."""
    return package(PIPELINE, tmp_path_factory.mktemp("project"), "none")


def explained(folder: Path, *args: str) -> list[Any]:
    """The nodes of the project, explained by the command."""
    done = flyte_dask(folder / "source", "explain", "pipeline.py", "--format", "json", *args)
    assert done.returncode == 0, done.stderr
    return [each for each in json.loads(done.stdout)["tasks"] if each["node"]]


def registered(folder: Path) -> dict[str, tuple[str, Any]]:
    """The nodes of Dask tasks with overrides in all packaged workflows: task and overrides."""
    found: dict[str, tuple[str, Any]] = {}
    for path in folder.glob("*_2.pb"):
        template = WorkflowSpec.FromString(path.read_bytes()).template
        for name, node in nodes_in(template.nodes):
            task, overrides = node.task_node.reference_id.name, node.task_node.overrides
            if node.HasField("array_node"):
                inner = node.array_node.node.task_node
                task, overrides = "pipeline.total", inner.overrides
            if not task.endswith(".plain") and overrides.ByteSize():
                found[f"{template.id.name}[{name}]"] = task, overrides
    return found


def nodes_in(nodes: Any, path: str = "") -> Iterator[tuple[str, Node]]:
    """All nodes, those of conditions too, with their ids."""
    for node in nodes:
        name = f"{path}{node.id}"
        yield name, node
        block = node.branch_node.if_else
        if node.HasField("branch_node"):
            branches = [block.case, *block.other]
            inside = [*(each.then_node for each in branches), block.else_node]
            yield from nodes_in(inside, f"{name}-")


def test_nodes_are_those_with_registered_overrides(folder: Path) -> None:
    found = {each["name"]: each["node"] for each in explained(folder)}
    packaged = registered(folder)
    assert {name: each["task"] for name, each in found.items()} == {
        name: task for name, (task, _) in packaged.items()
    }
    assert len(found) == 6
    assert all(f"{each['workflow']}[{each['id']}]" == name for name, each in found.items())


def test_their_pods_have_what_is_registered(folder: Path) -> None:
    """Of images and limits; an amount of zero changes nothing."""
    packaged = registered(folder)
    for each in explained(folder, "--image", "acme/etl:3"):
        _, overrides = packaged[each["name"]]
        runner = each["pods"]["runner"]
        assert runner["image"] == (overrides.container_image or "acme/etl:3")
        expected = {"cpu": "2", "memory": "8Gi"}
        names = {1: "cpu", 3: "memory"}
        expected |= {names[entry.name]: entry.value for entry in overrides.resources.limits}
        assert runner["resources"]["limits"] == expected


def test_nodes_have_pods_but_no_templates(folder: Path) -> None:
    """Since the template is that of their task."""
    source = folder / "source"
    names = {}
    for form in ("custom", "template", "pods"):
        done = flyte_dask(source, "render", "pipeline.py", "--as", form)
        names[form] = set(json.loads(done.stdout))
    assert names["custom"] == names["template"]
    assert names["pods"] - names["custom"] == set(registered(folder))


def test_flyte_2_ignores_them(folder: Path) -> None:
    done = flyte_dask(folder / "source", "render", "pipeline.py", "--as", "pods", "--backend", "v2")
    pods = json.loads(done.stdout)
    assert pods["pipeline.inner[large]"] == pods["pipeline.total"]


def test_a_node_adds_only_findings_of_its_own(tmp_path: Path) -> None:
    """What the task has is not repeated for each of its nodes."""
    (tmp_path / "pipeline.py").write_text(PIPELINE)
    done = flyte_dask(tmp_path, "check", "pipeline.py", "--format", "json", "--backend", "v1")
    output = json.loads(done.stdout)
    tasks, nodes = output["summary"]["tasks"], output["summary"]["nodes"]
    assert (tasks, nodes) == (2, 6)
    found = output["findings"]
    of_task = {(each["code"], each["path"], each["message"]) for each in found if not each["node"]}
    of_nodes = [(each["code"], each["path"], each["message"]) for each in found if each["node"]]
    assert of_task.isdisjoint(of_nodes)
