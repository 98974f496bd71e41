"""`flyte-dask render` prints what is registered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from flyte_dask import Dask, Parent, presets
from flyte_dask.prediction.backend import predict
from flyte_dask.prediction.platform import Platform
from flyte_dask.roles.resources import Resources
from tests.support.processes import BIN, run
from tests.support.runner import package, packaged

pytestmark = pytest.mark.once

PIPELINE = """
from flytekit import ImageSpec, PodTemplate, Resources, task, workflow
from flytekitplugins.dask import presets
from kubernetes.client import V1Container, V1EnvVar, V1PodSpec

SECRET = "s3cret"


@task(
    task_config=presets.medium(5).with_workers(mem=("8Gi", "12Gi")),
    limits=Resources(cpu="2", ephemeral_storage="20Gi"),
    environment={"TOKEN": SECRET},
    retries=3,
)
def plain(day: int) -> int:
    return day


@task(
    task_config=presets.small().with_image("{{.image.default.fqn}}:{{.image.default.version}}"),
    pod_template=PodTemplate(
        V1PodSpec(
            containers=[
                V1Container(name="primary", env=[V1EnvVar(name="TOKEN", value=SECRET)]),
                V1Container(name="proxy", image="acme/proxy:1"),
            ]
        )
    ),
)
def in_a_pod(day: int) -> int:
    return day


@task(task_config=presets.small())
async def awaited(day: int) -> int:
    return day


@workflow
def flow(day: int) -> int:
    return plain(day=in_a_pod(day=day)).with_overrides(task_config=presets.large())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, with the output of ``pyflyte package``."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "pod").mkdir()
    return package(PIPELINE, folder, "none")


def rendered(folder: Path, *args: str) -> Any:
    """The tasks of the project, rendered by the command."""
    command: list[str | Path] = [BIN / "flyte-dask", "render", *args]
    done = run(*command, "--image", "acme/etl:3", cwd=folder / "source")
    assert done.returncode == 0, done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    return json.loads(done.stdout)


def test_templates_equal_packaged_templates(folder: Path) -> None:
    """Also those of nodes; but values of variables are not shown."""
    templates = {each.id.name: MessageToDict(each) for each in packaged(folder)}
    assert len(templates) == 4
    text = json.dumps(templates).replace('"s3cret"', '"(not shown)"')
    assert rendered(folder, "pipeline.py", "--as", "template") == json.loads(text)


def test_customs_equal_packaged_customs(folder: Path) -> None:
    customs = {each.id.name: MessageToDict(each.custom) for each in packaged(folder)}
    found = rendered(folder, "pipeline")
    assert found == customs
    assert rendered(folder, "pipeline.py:awaited") == customs["pipeline.awaited"]
    assert {name: Dask.from_custom(each) for name, each in found.items()}  # needs integers


def test_pods_equal_predicted_pods(folder: Path) -> None:
    found = rendered(folder, "pipeline.py:plain", "--as", "pods", "--backend", "v2")
    config = presets.medium(5).with_workers(mem=("8Gi", "12Gi"))
    parent = Parent(limits=Resources(cpu=2, ephemeral_storage="20Gi"), image="acme/etl:3")
    assert found == predict(config, parent, Platform(backend="v2")).as_dict()
