"""What storage settings rely on in fsspec and in the filesystems of S3 and Azure."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import fsspec
import pytest
from adlfs import AzureBlobFileSystem
from fsspec.config import apply_config, conf
from fsspec.registry import known_implementations
from fsspec.spec import AbstractFileSystem
from s3fs import S3FileSystem


def test_what_is_configured_in_fsspec_is_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is why Flyte's settings are not configured there."""
    monkeypatch.setitem(conf, "s3", {"secret": "hunter2"})
    assert b"hunter2" in pickle.dumps(fsspec.filesystem("s3"))


def test_options_have_precedence_over_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(conf, "s3a", {"key": "configured", "secret": "configured"})
    expected = {"key": "given", "secret": "configured"}
    assert apply_config(S3FileSystem, {"key": "given"}) == expected


def test_all_filesystems_are_made_by_their_metaclass() -> None:
    """And are pickled as a call with their options."""
    kind: Any = type(AbstractFileSystem)
    assert "__call__" in vars(kind)
    filesystem = fsspec.filesystem("s3", anon=True, skip_instance_cache=True)
    assert type(type(filesystem)) is kind
    make, arguments = filesystem.__reduce__()
    assert make(*arguments).anon
    assert arguments == (S3FileSystem, (), {"anon": True})


@pytest.mark.parametrize(
    ("protocol", "kind"), [("s3", S3FileSystem), ("abfs", AzureBlobFileSystem)]
)
def test_the_usual_implementations_are_known_by_name(protocol: str, kind: Any) -> None:
    assert protocol in kind.protocol
    package, _, name = known_implementations[protocol]["class"].rpartition(".")
    assert (kind.__module__.partition(".")[0], kind.__name__) == (package, name)


def test_s3_takes_an_endpoint_from_one_place_only() -> None:
    """With another one in the other, it cannot connect."""
    client_kwargs = {"endpoint_url": "http://127.0.0.1:9"}
    both = S3FileSystem(endpoint_url="http://127.0.0.1:8", client_kwargs=client_kwargs)
    with pytest.raises(TypeError, match="multiple values for keyword argument 'endpoint_url'"):
        both.connect()


def test_credentials_are_arguments_of_the_filesystems() -> None:
    names = {*inspect.signature(S3FileSystem.__init__).parameters}
    assert {"anon", "key", "secret", "token", "username", "password", "session"} <= names
    names = {*inspect.signature(AzureBlobFileSystem.__init__).parameters}
    assert {"account_key", "sas_token", "connection_string", "credential"} <= names
    assert {"anon", "account_name", "client_id", "client_secret", "tenant_id"} <= names
