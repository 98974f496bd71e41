"""The promised examples, verbatim: they run on a cluster, and their templates are as written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from flytekit.configuration import Image, ImageConfig, SerializationSettings

from tests.support.paths import PROJECT

PROMISED = PROJECT / "tests" / "promised"
SETTINGS = SerializationSettings(
    image_config=ImageConfig(default_image=Image("default", "acme/task", "1"))
)


@pytest.fixture
def example(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    """The module of a promised example, imported as a user's script is."""
    monkeypatch.syspath_prepend(PROMISED)
    yield import_module(request.param)
    del sys.modules[request.param]


@pytest.mark.parametrize("example", ["basic"], indirect=True)
def test_basic_dask_task(example: ModuleType, tmp_path: Path) -> None:
    csv = tmp_path / "table.csv"
    pd.DataFrame({"x": range(11)}).to_csv(csv)
    assert example.my_dask_dataframe_task(csv_path=str(csv)) == 5.0
    assert example.my_dask_dataframe_task.get_custom(SETTINGS) == {
        "scheduler": {"resources": {}},
        "workers": {"numberOfWorkers": 1, "resources": {}},
    }


@pytest.mark.parametrize("example", ["resources"], indirect=True)
def test_scheduler_and_worker_resources(example: ModuleType) -> None:
    assert example.my_distributed_array_task(size=2000) == pytest.approx(0.5, abs=0.01)
    assert example.my_distributed_array_task.get_custom(SETTINGS) == {
        "scheduler": {
            "resources": {"requests": _entries("1", "2Gi"), "limits": _entries("2", "4Gi")}
        },
        "workers": {
            "numberOfWorkers": 5,
            "resources": {"requests": _entries("0.5", "1Gi"), "limits": _entries("1", "2Gi")},
        },
    }


@pytest.mark.parametrize("example", ["images"], indirect=True)
def test_images(example: ModuleType, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for part in range(3):
        pd.DataFrame({"x": range(7)}).to_parquet(data / f"{part}.parquet")
    assert example.process_large_dataset_with_custom_dask(data_path=str(data)) == 21
    assert example.process_large_dataset_with_custom_dask.get_custom(SETTINGS) == {
        "scheduler": {"image": "my_custom_dask_image:latest", "resources": {}},
        "workers": {
            "numberOfWorkers": 3,
            "image": "my_custom_dask_image:latest",
            "resources": {},
        },
    }


def _entries(cpu: str, mem: str) -> list[dict[str, Any]]:
    return [{"name": "CPU", "value": cpu}, {"name": "MEMORY", "value": mem}]
