"""Dask reads and writes what Flyte does, on a real S3 server whose keys only Flyte has."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import stored
from tests.support.backend import ADDRESS, Cluster, cluster, scheduler, worker
from tests.support.network import Network, network_to
from tests.support.processes import run
from tests.support.runner import CODE, run_task, without_flytekit
from tests.support.s3 import Store, s3_store, without_keys

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with without_keys(tmp_path_factory.mktemp("home")), s3_store() as made:
        yield made


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment of an image without flytekit and flyte-dask."""
    return without_flytekit(tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def started(store: Store, image: Mapping[str, str]) -> Iterator[Cluster]:
    """Two workers that have Flyte's environment variables."""
    with cluster(workers=2, env={**image, **store.env}) as made:
        yield made


class TestOnFlyte:
    """Scheduler and workers have the variables that the platform sets in all pods."""

    def test_it_reads_and_writes(self, store: Store, started: Cluster, tmp_path: Path) -> None:
        """Also with workers that restarted, and without flytekit on them."""
        done = run_task(stored.reads_and_writes, tmp_path, {**started.env, **store.env})
        assert done.result == {
            "csv": 15,
            "written csv": 15,
            "parquet": 15,
            "lines": 6,
            "restarted": 15,
            "flytekit": [False],
            "conf": [{}, {}, {}],
        }

    def test_it_does_not_if_disabled(self, store: Store, started: Cluster, tmp_path: Path) -> None:
        env = {**started.env, **store.env, "FLYTE_DASK_CONFIGURE_STORAGE": "0"}
        assert "NoCredentialsError" in run_task(stored.reads, tmp_path, env).message

    def test_each_process_has_its_own_settings(
        self, store: Store, image: Mapping[str, str], tmp_path: Path
    ) -> None:
        """Those of the runner are no help to workers that have none."""
        with cluster(workers=2, nannies=False, env=image) as without:
            done = run_task(stored.reads, tmp_path, {**without.env, **store.env})
        assert "NoCredentialsError" in done.message

    def test_they_can_be_in_flytekits_config_file(self, store: Store, tmp_path: Path) -> None:
        """For which workers need flytekit."""
        env = {"FLYTECTL_CONFIG": str(config_file(store, tmp_path)), **CODE}
        with cluster(workers=2, nannies=False, env=env) as started:
            assert run_task(stored.reads, tmp_path, {**started.env, **env}).result == 15


def config_file(store: Store, folder: Path) -> Path:
    """A config file of flytekit for that store."""
    lines = [
        "storage:",
        "  connection:",
        f"    endpoint: {store.endpoint}",
        f"    access-key: {store.key}",
        f"    secret-key: {store.secret}",
    ]
    path = folder / "config.yaml"
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("is_right", [True, False])
def test_fsspecs_own_variables_have_precedence(
    store: Store, image: Mapping[str, str], tmp_path: Path, *, is_right: bool
) -> None:
    """In all processes, one by one: the endpoint and the key are those of Flyte."""
    secrets = {"FSSPEC_S3_SECRET": store.secret, "FLYTE_AWS_SECRET_ACCESS_KEY": "wrong"}
    if not is_right:
        secrets = {"FSSPEC_S3_SECRET": "wrong", "FLYTE_AWS_SECRET_ACCESS_KEY": store.secret}
    env = {**store.env, **secrets}
    with cluster(workers=2, nannies=False, env={**image, **env}) as started:
        done = run_task(stored.reads, tmp_path, {**started.env, **env})
    if is_right:
        assert done.result == 15
    else:
        assert "the request signature we calculated does not match" in done.message.lower()


@pytest.fixture(scope="module")
def recorded(store: Store, image: Mapping[str, str]) -> Iterator[tuple[Network, dict[str, str]]]:
    """A network between a scheduler and all others, and the environment of its runner."""
    env = {**image, **store.env}
    with ExitStack() as stack:
        started = scheduler(stack, env=env)
        network = stack.enter_context(network_to(started.address))
        network.is_recording = True
        started.workers.extend(worker(stack, network.address, each, env=env) for each in (0, 1))
        yield network, {**store.env, ADDRESS: network.address}
        output = "".join(each.output for each in (started.scheduler, *started.workers))
        assert store.secret not in output


class TestTheSecret:
    """It is neither in messages nor in logs; the last test has a user send it."""

    def test_is_not_sent(
        self, store: Store, recorded: tuple[Network, dict[str, str]], tmp_path: Path
    ) -> None:
        network, env = recorded
        done = run_task(stored.reads_and_writes, tmp_path, {**env, "FLYTE_DASK_REPORT": "1"})
        assert done.result["csv"] == 15
        assert b"acme/in/" in network.recorded
        assert store.secret.encode() not in network.recorded
        assert store.key.encode() not in network.recorded
        assert store.secret not in done.log
        assert store.secret not in (done.outputs / "deck.html").read_text()

    def test_is_not_in_errors(
        self, store: Store, recorded: tuple[Network, dict[str, str]], tmp_path: Path
    ) -> None:
        """Of what fails on a worker, which logs it too."""
        network, env = recorded
        done = run_task(stored.reads_what_is_missing, tmp_path, env)
        assert "FileNotFoundError" in done.message
        assert store.secret not in done.message + done.log
        assert store.secret.encode() not in network.recorded

    def test_would_be_found(
        self, store: Store, recorded: tuple[Network, dict[str, str]], tmp_path: Path
    ) -> None:
        """If a user passes it, as was necessary without this."""
        network, env = recorded
        assert run_task(stored.reads_with_options, tmp_path, env).result == 15
        assert store.secret.encode() in network.recorded


@pytest.mark.parametrize(("local", "is_file"), [("threads", False), ("processes", True)])
def test_a_local_cluster_reads_too(store: Store, local: str, is_file: bool, tmp_path: Path) -> None:
    """And nothing is left in the user's process."""
    settings = {"FLYTECTL_CONFIG": str(config_file(store, tmp_path))} if is_file else store.env
    done = run(
        sys.executable,
        *("-c", _LOCAL),
        env={**CODE, **settings, "FLYTE_DASK_LOCAL": local},
        cwd=tmp_path,
    )
    assert done.stdout.splitlines()[-2:] == ["15", "(None, None, {})"], done.stderr


_LOCAL = """
import fsspec
from tests.support.stored import reads

before = fsspec.filesystem("s3")
print(reads())
after = fsspec.filesystem("s3")
assert after is before
print((after.key, after.secret, after.client_kwargs))
"""
