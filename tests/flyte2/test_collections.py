"""Dask DataFrames as inputs and outputs of Flyte 2 tasks, written and read by the workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from s3fs import S3FileSystem

from tests.support import flyte2_collected as tasks
from tests.support.backend import Cluster, cluster
from tests.support.flyte2_runner import run_task
from tests.support.runner import without_flytekit
from tests.support.s3 import Store, s3_store, without_keys

pytestmark = pytest.mark.once

TOTAL = sum(range(tasks.ROWS))
PARTS = [f"part-{each:05}.parquet" for each in range(12)]


def files(uri: str) -> list[str]:
    """The names of the data files in a folder."""
    return sorted(each.name for each in Path(uri).iterdir() if not each.name.startswith("_"))


class TestFrames:
    """From a task to another."""

    def test_the_workers_write_and_read_them(self, two: Cluster, tmp_path: Path) -> None:
        made = run_task(tasks.makes, tmp_path / "makes", two.env)
        assert files(made.output.scalar.structured_dataset.uri) == PARTS
        done = run_task(tasks.sums, tmp_path / "sums", two.env, made.output)
        assert done.result == TOTAL
        options = run_task(tasks.counts_partitions, tmp_path / "counts", two.env, made.output)
        assert options.result == 12

    def test_in_the_dataframes_of_the_sdk(self, two: Cluster, tmp_path: Path) -> None:
        made = run_task(tasks.wraps, tmp_path / "wraps", two.env)
        assert files(made.output.scalar.structured_dataset.uri) == PARTS
        assert run_task(tasks.opens, tmp_path / "opens", two.env, made.output).result == TOTAL

    def test_of_some_columns(self, two: Cluster, tmp_path: Path) -> None:
        import pandas as pd

        made = run_task(tasks.makes_one_column, tmp_path, two.env)
        assert [*pd.read_parquet(made.output.scalar.structured_dataset.uri).columns] == ["n"]

    def test_as_a_frame_of_pandas(self, two: Cluster, tmp_path: Path) -> None:
        """A plain task reads what the workers have written, by the handler of the SDK."""
        made = run_task(tasks.makes, tmp_path / "makes", two.env)
        done = run_task(tasks.sums_in_pandas, tmp_path / "sums", {}, made.output)
        assert done.result == TOTAL

    def test_from_a_task_without_a_cluster(self, two: Cluster, tmp_path: Path) -> None:
        made = run_task(tasks.makes_without_a_cluster, tmp_path / "makes", {})
        assert run_task(tasks.sums, tmp_path / "sums", two.env, made.output).result == TOTAL

    def test_several_in_one_output(self, two: Cluster, tmp_path: Path) -> None:
        """Wherever they are; one that is in three places is written once."""
        done = run_task(tasks.makes_several, tmp_path, two.env)
        assert not (tmp_path / "error.pb").exists(), done.log
        folders = [each for each in (tmp_path / "raw").iterdir() if each.is_dir()]
        assert len(folders) == 2


@pytest.mark.parametrize(
    ("task", "text"),
    [
        (
            tasks.of_another_type,
            "the type of the output o0 is dask.dataframe.DataFrame, but it is a pandas.DataFrame",
        ),
        (
            tasks.is_said_to_be_pandas,
            "the output o0 is a Dask DataFrame, but its type is pandas.DataFrame",
        ),
        (tasks.in_two_types, "the output o0: the column 'n' has the type "),
    ],
    ids=["pandas for Dask", "Dask for pandas", "two schemas"],
)
def test_what_cannot_be_written_fails_for_good(
    task: Any, text: str, two: Cluster, tmp_path: Path
) -> None:
    done = run_task(task, tmp_path, two.env)
    done.failed("InvalidOutput", text, is_retried=False)
    assert not (tmp_path / "outputs.pb").exists()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with without_keys(tmp_path_factory.mktemp("home")), s3_store() as made:
        yield made


def test_in_a_store_whose_keys_only_the_environment_has(store: Store, tmp_path: Path) -> None:
    """Workers whose image has neither the SDK nor flyte-dask write and read there."""
    image = without_flytekit(tmp_path)
    raw = "s3://acme/raw"
    with cluster(workers=2, env={**image, **store.env}) as two:
        env = {**two.env, **store.env}
        made = run_task(tasks.makes, tmp_path / "makes", env, raw=raw)
        uri = made.output.scalar.structured_dataset.uri
        assert uri.startswith(f"{raw}/")
        kind: Any = S3FileSystem
        found = kind(**store.options, skip_instance_cache=True).find(uri)
        assert sorted(each.rpartition("/")[2] for each in found) == PARTS
        done = run_task(tasks.sums, tmp_path / "sums", env, made.output, raw=raw)
        assert done.result == TOTAL
        read = run_task(tasks.reads_csv, tmp_path / "reads", env, raw=raw)
        assert read.result == 15
    assert store.secret not in made.log + done.log + read.log
