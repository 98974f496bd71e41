"""Filesystems get an SDK's storage settings, in each process those that it has."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.config import conf
from fsspec.spec import AbstractFileSystem
from s3fs import S3FileSystem

from flyte_dask import Dask
from flyte_dask_engine.cluster_plugins.storage import add_options, added
from flyte_dask_engine.host import Host, StorageOptions
from flyte_dask_engine.session.session import session
from tests.support.backend import cluster
from tests.support.other_runner import CODE, ON_FLYTE, run_other
from tests.support.other_sdk import STORAGE
from tests.support.s3 import CSV, s3_store, without_keys

ENDPOINT = {"endpoint_url": "http://127.0.0.1:9"}
OURS: StorageOptions = {
    "s3": {"key": "flyte", "secret": "hunter2", "client_kwargs": ENDPOINT},
    "abfs": {"account_name": "acme", "account_key": "hunter2", "anon": False},
}


@pytest.fixture
def given() -> Iterator[Callable[[], None]]:
    """The options are added; a function that removes them."""
    undo = add_options(OURS)
    yield undo
    undo()


def of(filesystem: Any) -> tuple[Any, ...]:
    """What an S3 filesystem connects with."""
    return filesystem.key, filesystem.secret, filesystem.client_kwargs


FROM_OURS = ("flyte", "hunter2", ENDPOINT)


@pytest.mark.usefixtures("given")
class TestTheyAreAdded:
    """To filesystems that are made afterwards."""

    def test_by_any_name_and_however_it_is_made(self) -> None:
        made = [fsspec.filesystem("s3"), fsspec.filesystem("s3a"), S3FileSystem()]
        made += [fsspec.open("s3://acme/0.csv").fs, fsspec.filesystem("s3", asynchronous=True)]
        made += [fsspec.core.url_to_fs("simplecache::s3a://acme/0.csv")[0].fs]
        assert [of(each) for each in made] == 6 * [FROM_OURS]
        azure = fsspec.filesystem("az")
        assert (azure.account_name, azure.account_key, azure.anon) == ("acme", "hunter2", False)

    def test_others_are_unchanged(self) -> None:
        local: Any = fsspec.filesystem("file")
        assert local.storage_options == {}

    def test_one_is_made_once(self) -> None:
        assert fsspec.filesystem("s3") is S3FileSystem()
        assert fsspec.filesystem("s3") is not fsspec.filesystem("s3", skip_instance_cache=True)
        assert fsspec.filesystem("s3") is not fsspec.filesystem("s3", **OURS["s3"])

    def test_they_are_not_for_another_implementation(self) -> None:
        """A library can register its own for the same protocol, with other options."""

        class Other(AbstractFileSystem):
            protocol = "s3"

        other: Any = Other
        assert other().storage_options == {}


class TestTheyAreNotPickled:
    """Each process adds its own."""

    @pytest.mark.usefixtures("given")
    @pytest.mark.parametrize("pickled", [pickle.dumps, lambda made: made.to_json().encode()])
    def test_nor_kept_where_they_could_be(self, pickled: Callable[[Any], bytes]) -> None:
        opened: Any = fsspec.open("s3://acme/0.csv", requester_pays=True)
        data = pickled(opened.fs)
        assert b"hunter2" not in data
        assert b"requester_pays" in data
        assert opened.fs.storage_options == {"requester_pays": True}

    def test_another_process_has_others(self, given: Callable[[], None]) -> None:
        data = pickle.dumps(fsspec.filesystem("s3"))
        assert of(pickle.loads(data)) == FROM_OURS
        given()
        assert of(pickle.loads(data)) == (None, None, {})
        undo = add_options({"s3": {"key": "elsewhere"}})
        assert of(pickle.loads(data)) == ("elsewhere", None, {})
        undo()

    @pytest.mark.usefixtures("given")
    def test_the_users_own_are(self) -> None:
        """Even if they are the same."""
        data = pickle.dumps(fsspec.filesystem("s3", **OURS["s3"]))
        assert b"hunter2" in data


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        ({}, {"key": "flyte", "secret": "hunter2", "client_kwargs": ENDPOINT}),
        ({"anon": False, "token": None}, OURS["s3"]),
        ({"key": "own"}, {"secret": "hunter2", "client_kwargs": ENDPOINT}),
        ({"key": None, "secret": None}, {"client_kwargs": ENDPOINT}),
        ({"anon": True}, {"client_kwargs": ENDPOINT}),
        ({"profile": "own"}, {"client_kwargs": ENDPOINT}),
        ({"endpoint_url": "http://127.0.0.1:8"}, {"key": "flyte", "secret": "hunter2"}),
        ({"client_kwargs": {"endpoint_url": "own"}}, {"key": "flyte", "secret": "hunter2"}),
        (
            {"client_kwargs": {"region_name": "own"}, "key": "", "secret": ""},
            {"client_kwargs": {**ENDPOINT, "region_name": "own"}},
        ),
    ],
)
def test_the_users_own_have_precedence(theirs: dict[str, Any], expected: dict[str, Any]) -> None:
    assert added(OURS["s3"], theirs) == expected


@pytest.mark.usefixtures("given")
def test_so_has_the_configuration_of_fsspec(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if it is changed afterwards."""
    monkeypatch.setitem(conf, "s3a", {"key": "own", "secret": "own"})
    assert of(fsspec.filesystem("s3")) == ("own", "own", ENDPOINT)
    assert b"hunter2" not in pickle.dumps(fsspec.filesystem("s3"))


class StoringSdk(Host):
    """An SDK that has settings, or cannot read them."""

    def storage_options(self) -> StorageOptions:
        return OURS


class TestASession:
    """It adds them to this process as long as it is open."""

    def test_they_are_removed_at_its_end(self) -> None:
        before, make = fsspec.filesystem("s3"), type(AbstractFileSystem).__call__
        with session(Dask(), "outer", host=StoringSdk()):
            with session(Dask(), "inner", host=StoringSdk()):
                assert of(fsspec.filesystem("s3")) == FROM_OURS
            assert of(fsspec.filesystem("s3")) == FROM_OURS
        assert fsspec.filesystem("s3") is before
        assert of(before) == (None, None, {})
        assert type(AbstractFileSystem).__call__ is make
        assert "s3" not in conf

    def test_they_are_not_added_if_disabled(self) -> None:
        config = Dask().with_runtime(configure_storage=False)
        with session(config, "outer", host=StoringSdk()):
            assert of(fsspec.filesystem("s3")) == (None, None, {})

    @pytest.mark.once
    def test_its_cluster_has_them_too(self, tmp_path: Path) -> None:
        with without_keys(tmp_path), s3_store() as store:
            env = {STORAGE: json.dumps(store.options)}
            with cluster(workers=2, nannies=False, env={**CODE, **env}) as started:
                done = run_other("reads", tmp_path, {**ON_FLYTE, **env, **started.env})
        assert done.result == sum(map(len, CSV.values()))

    @pytest.mark.once
    def test_a_process_that_cannot_read_them_works_without(self, tmp_path: Path) -> None:
        """The reason is logged without what could be a secret."""
        bad = {**CODE, STORAGE: "hunter2"}
        with cluster(workers=2, nannies=False, env=bad) as started:
            done = run_other("sees", tmp_path, {**ON_FLYTE, **started.env})
            output = "".join(each.output for each in (started.scheduler, *started.workers))
        assert done.result["own client joined"]
        line = "Flyte's storage settings cannot be read: JSONDecodeError"
        assert output.count(line) == 3
        assert "hunter2" not in output
