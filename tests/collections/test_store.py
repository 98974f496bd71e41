"""Workers write to and read from a real S3 server, whose keys only the environment has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flyteidl.core.literals_pb2 import LiteralMap
from s3fs import S3FileSystem

from tests.support import collected
from tests.support.backend import ADDRESS, Cluster, cluster
from tests.support.faults import is_not_retried
from tests.support.network import Network, network_to
from tests.support.parts import needs_arrays
from tests.support.runner import run_task, without_flytekit
from tests.support.s3 import Store, s3_store, without_keys

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with without_keys(tmp_path_factory.mktemp("home")), s3_store() as made:
        yield made


@pytest.fixture(scope="module")
def started(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two workers whose image has neither flytekit nor flyte-dask."""
    image = without_flytekit(tmp_path_factory.mktemp("image"))
    with cluster(workers=2, env={**image, **store.env}) as made:
        yield made


@pytest.fixture(scope="module")
def recorded(started: Cluster, store: Store) -> Iterator[tuple[Network, dict[str, str]]]:
    """What is sent between the runner and the scheduler, and the runner's environment."""
    with network_to(started.address) as network:
        network.is_recording = True
        yield network, {**started.env, **store.env, ADDRESS: network.address}


RAW = "s3://acme/raw"


def one(name: str, literals: LiteralMap) -> LiteralMap:
    """The first output, as the input *name* of another task."""
    return LiteralMap(literals={name: literals.literals["o0"]})


def objects(store: Store, folder: str) -> list[str]:
    """The names of the objects in a folder."""
    kind: Any = S3FileSystem
    files = kind(**store.options, skip_instance_cache=True)
    return sorted(each.rpartition("/")[2] for each in files.find(folder))


class TestFrames:
    """From a runner that has a cluster to another."""

    def test_they_pass(
        self, store: Store, recorded: tuple[Network, dict[str, str]], tmp_path: Path
    ) -> None:
        """The runner sees the place only, and the secret is in nothing that is sent or shown."""
        network, env = recorded
        made = run_task(collected.makes, tmp_path / "makes", env, raw=f"{RAW}/1")
        dataset = made.literals.literals["o0"].scalar.structured_dataset
        assert dataset.uri.startswith(f"{RAW}/1/")
        assert objects(store, dataset.uri) == [f"part-{each:05}.parquet" for each in range(12)]
        for reader in (collected.sums_dask, collected.sums):
            done = run_task(reader, tmp_path, env, one("rows", made.literals))
            assert done.result == sum(range(collected.ROWS))
            assert store.secret not in done.log
        assert dataset.uri.removeprefix("s3://").encode() in network.recorded
        assert store.secret.encode() not in network.recorded
        assert store.key.encode() not in network.recorded
        assert store.secret not in made.log
        deck = (made.outputs / "deck.html").read_text()
        assert store.secret not in deck
        assert dataset.uri in deck  # the output's tab, with its first rows
        assert "n0" in deck

    def test_one_that_fails_leaves_nothing(
        self, store: Store, started: Cluster, tmp_path: Path
    ) -> None:
        """No outputs, and no objects of any of its outputs."""
        env = {**started.env, **store.env}
        done = run_task(collected.in_two_types, tmp_path, env, raw=f"{RAW}/2")
        is_not_retried(done, "InvalidOutput", "the output o0[1]: partition 1 lacks the column 'x'")
        assert not (done.outputs / "outputs.pb").exists()
        assert objects(store, f"{RAW}/2") == []


@needs_arrays
def test_arrays_pass(
    store: Store, recorded: tuple[Network, dict[str, str]], tmp_path: Path
) -> None:
    network, env = recorded
    made = run_task(collected.makes_array, tmp_path / "makes", env, raw=f"{RAW}/4")
    blob = made.literals.literals["o0"].scalar.blob
    assert blob.uri.startswith(f"{RAW}/4/")
    assert blob.metadata.type.format == "zarr"
    done = run_task(collected.sums_array, tmp_path / "sums", env, one("values", made.literals))
    assert done.result == sum(range(10))
    assert store.secret.encode() not in network.recorded
    assert store.secret not in made.log + done.log
