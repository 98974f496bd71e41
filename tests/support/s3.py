"""An S3 server on loopback that checks signatures, and the environments that have its keys."""

from __future__ import annotations

import http.client
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import attrs
import pytest

from tests.support.processes import BIN, running

CSV = {"in/0.csv": "name,amount\na,1\nb,2\n", "in/1.csv": "name,amount\nc,4\nd,8\n"}
"""Objects of the bucket ``acme``, whose amounts add up to 15."""

_FORM = "application/x-www-form-urlencoded"
_TO_IAM = "AWS4-HMAC-SHA256 Credential=any/20200101/us-east-1/iam/aws4_request"
_ALL = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


@attrs.frozen
class Store:
    """A server with the bucket ``acme``, for one user."""

    endpoint: str
    key: str
    secret: str

    @property
    def env(self) -> dict[str, str]:
        """The environment variables by which a platform gives it to all pods."""
        return {
            "FLYTE_AWS_ENDPOINT": self.endpoint,
            "FLYTE_AWS_ACCESS_KEY_ID": self.key,
            "FLYTE_AWS_SECRET_ACCESS_KEY": self.secret,
        }

    @property
    def options(self) -> dict[str, object]:
        """The options of fsspec's filesystem."""
        return {
            "key": self.key,
            "secret": self.secret,
            "client_kwargs": {"endpoint_url": self.endpoint},
        }


@contextmanager
def without_keys(home: Path) -> Iterator[None]:
    """An environment without settings of storage, whose home is the empty folder *home*."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [*os.environ]:
            if name.startswith(("AWS_", "FSSPEC_", "FLYTE_AWS_", "FLYTE_AZURE_", "FLYTECTL_")):
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # there is none to ask for keys
        yield


@contextmanager
def s3_store() -> Iterator[Store]:
    """A server that rejects what is not signed with its key and secret."""
    command = [str(BIN / "moto_server"), "-H", "127.0.0.1", "-p", "0"]
    with running(command, r"Running on (http://127.0.0.1:\d+)") as server:
        assert server.match is not None
        endpoint = server.match[1]
        store = Store(endpoint, *_new_user(endpoint))
        _ask(endpoint, "PUT", "/acme")
        for path, text in CSV.items():
            _ask(endpoint, "PUT", f"/acme/{path}", text)
        _ask(endpoint, "POST", "/moto-api/reset-auth", "0")  # from now on it checks requests
        assert _status(endpoint, "GET", "/acme/in/0.csv") == 403, "unsigned requests are rejected"
        yield store


def _new_user(endpoint: str) -> tuple[str, str]:
    """The key and the secret of a new user, who may do anything."""

    def iam(action: str, **arguments: str) -> str:
        query = urlencode({"Action": action, "Version": "2010-05-08", "UserName": "etl"})
        headers = {"Content-Type": _FORM, "Authorization": _TO_IAM}
        return _ask(endpoint, "POST", "/", f"{query}&{urlencode(arguments)}", headers)

    iam("CreateUser")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [_ALL]})
    iam("PutUserPolicy", PolicyName="all", PolicyDocument=policy)
    made = iam("CreateAccessKey")
    key, secret = (
        re.search(f"<{tag}>(.+?)</{tag}>", made) for tag in ("AccessKeyId", "SecretAccessKey")
    )
    assert key is not None
    assert secret is not None
    return key[1], secret[1]


def _ask(
    endpoint: str, method: str, path: str, body: str = "", headers: Mapping[str, str] | None = None
) -> str:
    connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=60)
    connection.request(method, path, body, dict(headers or {}))
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    assert response.status == 200, text
    return text


def _status(endpoint: str, method: str, path: str) -> int:
    connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=60)
    connection.request(method, path)
    status = connection.getresponse().status
    connection.close()
    return status
