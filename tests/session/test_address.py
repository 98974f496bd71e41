"""The scheduler's address in the environment: what can never work is an error at once."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dask.config
import pytest
from distributed import LocalCluster, Security
from distributed.comm.registry import backends
from flyteidl.core.errors_pb2 import ContainerError
from flyteidl.core.execution_pb2 import ExecutionError
from hypothesis import example, given
from hypothesis import strategies as st

from flyte_dask import Dask, InvalidConfig
from flyte_dask_engine.session.address import ADDRESS, scheduler_address
from flyte_dask_engine.session.session import session
from tests.support import using
from tests.support.runner import run_task

FORM = "use an address such as tcp://etl-scheduler:8786"
NOTHING = f"has no host and no port: {FORM}, or unset it to start a local cluster"
NO_PORT = "has no port: add the scheduler's, such as 8786"
BAD_PORT = f"has an invalid port: it must be from 1 to 65535: {FORM}"
BAD_HOST = f"is not the name of a host: {FORM}"
BAD_BRACKETS = "has brackets without an IPv6 address: use one such as tcp://[::1]:8786"
MORE = "has more than a host and a port: omit what follows the port"
WITH_USER = "contains a user name or password, which Dask does not support: remove it"
SCHEMES = ", ".join(sorted({*backends} - {"inproc"}))
UNKNOWN = f"has an unknown scheme: use one of {SCHEMES}"
IN_PROCESS = (
    "is within one process, where no other process can connect: "
    f"use the address that the scheduler logs: {FORM}"
)
NO_CERTIFICATES = (
    "needs certificates, and Dask's configuration has none: set distributed.comm.tls.ca-file, "
    "distributed.comm.tls.client.cert and distributed.comm.tls.client.key in Dask's config"
)
ERRORS: Mapping[str, tuple[str, ...]] = {
    " \t\n": (r"' \t\n'", NOTHING),
    "tcp://": ("'tcp://'", NOTHING),
    "garbage": ("'garbage'", NO_PORT),
    "tcp://etl-scheduler": ("'tcp://etl-scheduler'", NO_PORT),
    "tcp://[::1]": ("'tcp://[::1]'", NO_PORT),
    "tcp://[::1:8786": ("'tcp://...'", NO_PORT, BAD_BRACKETS),
    "tcp://etl-scheduler:": ("'tcp://etl-scheduler:'", BAD_PORT),
    "tcp://etl-scheduler:0": ("'tcp://etl-scheduler:0'", BAD_PORT),
    "tcp://etl-scheduler:65536": ("'tcp://etl-scheduler:65536'", BAD_PORT),
    "tcp://etl-scheduler:-1": ("'tcp://etl-scheduler:...'", BAD_PORT),
    "tcp://etl-scheduler:http": ("'tcp://etl-scheduler:...'", BAD_PORT),
    "tcp://etl-scheduler:\u0661": ("'tcp://etl-scheduler:...'", BAD_PORT),
    "tcp://:8786": ("'tcp://:8786'", BAD_HOST),
    "tcp://etl scheduler:8786": ("'tcp://...:8786'", BAD_HOST),
    "tcp://etl..scheduler:8786": ("'tcp://...:8786'", BAD_HOST),
    "tcp://\ud800:8786": ("'tcp://...:8786'", BAD_HOST),
    "tcp://[etl]:8786": ("'tcp://...:8786'", BAD_BRACKETS),
    "tcp://fe80::1:8786": (
        "'tcp://fe80::1:8786'",
        "has an IPv6 address without brackets: put it in brackets, such as tcp://[::1]:8786",
    ),
    "ada:hunter2:8786": ("'...:8786'", BAD_HOST),
    "ada:hunter2": ("'ada:...'", BAD_PORT),
    "tcp://ada%40:hunter2%40etl-scheduler:1": ("'tcp://...:1'", BAD_HOST),
    "tcp://ada%3Ahunter2%40etl-scheduler:1": ("'tcp://...:1'", BAD_HOST),
    "tcp://[::1%ada:hunter2]:1": ("'tcp://...:1'", BAD_BRACKETS),
    "ada:hunter2://etl-scheduler:1": ("'...://etl-scheduler:1'", UNKNOWN),
    "tcp://ada:hunter2@": ("'tcp://...@'", WITH_USER, NOTHING),
    "http://ada:hunter2@etl scheduler/hunter2": (
        *("'http://...@.../...'", WITH_USER, MORE, NO_PORT, BAD_HOST, UNKNOWN),
    ),
    "tls://:0": ("'tls://:0'", BAD_PORT, BAD_HOST, NO_CERTIFICATES),
    "tcp://etl-scheduler:8786/status": ("'tcp://etl-scheduler:8786/...'", MORE),
    "tcp://etl-scheduler:8786?token=hunter2": ("'tcp://etl-scheduler:8786?...'", MORE),
    "tcp://etl-scheduler:8786#hunter2": ("'tcp://etl-scheduler:8786#...'", MORE),
    "http://etl-scheduler:8787": ("'http://etl-scheduler:8787'", UNKNOWN),
    "TCP://etl-scheduler:8786": (
        "'TCP://etl-scheduler:8786'",
        "has an unknown scheme: did you mean 'tcp'?",
    ),
    "inproc://10.0.0.1/7/1": (
        "'inproc://10.0.0.1/...'",
        IN_PROCESS,
    ),
    "tcp://ada:hunter2@etl-scheduler:8786": ("'tcp://...@etl-scheduler:8786'", WITH_USER),
    "tcp://ada:hunter2/@x@etl-scheduler:8786": ("'tcp://...@etl-scheduler:8786'", WITH_USER),
    "ada:hunter2@etl-scheduler:8786": ("'...@etl-scheduler:8786'", WITH_USER),
    "tls://etl-scheduler:8786": (
        "'tls://etl-scheduler:8786'",
        NO_CERTIFICATES,
    ),
}


def rejected(address: str) -> str:
    """The problems of *address*, as its error has them; nothing else has the address."""
    with pytest.raises(InvalidConfig) as caught:
        scheduler_address({ADDRESS: address})
    error = caught.value
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # ours
    assert error.__context__ is None
    title, *lines = str(error).splitlines()
    plural = "s" if len(lines) > 1 else ""
    assert title == f"{len(lines)} problem{plural} in the environment"
    assert "hunter2" not in "".join(traceback.format_exception(error)) + repr(error.args)
    return "\n".join(line.removeprefix(f"  {ADDRESS}   ") for line in lines)


@pytest.mark.parametrize("address", ERRORS)
def test_an_address_that_can_never_work_is_an_error(address: str) -> None:
    shown, *problems = ERRORS[address]
    assert rejected(address) == "\n".join(f"{shown} {each}" for each in problems)


@pytest.mark.parametrize(
    ("address", "read"),
    {
        "etl-scheduler:8786": "tcp://etl-scheduler:8786",
        "127.0.0.1:8786": "tcp://127.0.0.1:8786",
        " tcp://etl-scheduler.jobs.svc:8786\n": "tcp://etl-scheduler.jobs.svc:8786",
        "tcp://[::1]:8786": "tcp://[::1]:8786",
        "tcp://[fe80::1%eth0]:65535": "tcp://[fe80::1%eth0]:65535",
        "tcp://no-such.invalid:1": "tcp://no-such.invalid:1",  # its DNS may be late
        "tcp://etl_scheduler:8786": "tcp://etl_scheduler:8786",
        "ws://etl-scheduler:8786": "ws://etl-scheduler:8786",
    }.items(),
)
def test_other_addresses_are_read_as_clients_do(address: str, read: str) -> None:
    assert scheduler_address({ADDRESS: address}) == read


def test_without_the_variable_there_is_none() -> None:
    """An empty one is as if it were not set, like those of the runtime settings."""
    assert scheduler_address({}) is scheduler_address({ADDRESS: ""}) is None


@given(st.text() | st.text(alphabet="abc:/[]@?#.% 1\n\ud800"))
@example("tcp://")
def test_any_text_is_an_address_or_rejected_without_its_password(text: str) -> None:
    assert ADDRESS in read(text)
    assert f"{WITH_USER}" in read(f"tcp://ada:hunter2@{text}x")
    assert "hunter2" not in read(f"tcp://ada:hunter2@{text}") + read(f"{text}:hunter2@")


def read(text: str) -> str:
    """The address, or its error."""
    try:
        return f"{ADDRESS}={scheduler_address({ADDRESS: text})}"
    except InvalidConfig as error:
        return str(error)


def _tls(security: Any) -> dict[str, Any]:
    tls = "distributed.comm.tls"
    return {
        f"{tls}.ca-file": security.tls_ca_file,
        f"{tls}.client.cert": security.tls_client_cert,
        f"{tls}.client.key": security.tls_client_key,
    }


class TestEncryption:
    """Certificates are those of Dask's configuration."""

    def test_a_session_with_certificates(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Real ones, of a real scheduler."""
        security: Any = Security.temporary()
        opening: Any = LocalCluster(
            n_workers=1,
            processes=False,
            protocol="tls://",
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            security=security,
        )
        with opening as cluster:
            address = cluster.scheduler_address
            assert address.startswith("tls://127.0.0.1:")
            monkeypatch.setenv(ADDRESS, address)
            assert "Dask's configuration has none" in rejected(address)
            with dask.config.set(_tls(security)), session(Dask(), "etl") as opened:
                submitted: Any = opened.client.submit(sum, [1, 2])
                assert submitted.result() == 3

    @pytest.mark.parametrize("scheme", ["tcp", "tls"])
    def test_certificates_that_are_missing(self, scheme: str, tmp_path: Path) -> None:
        """They would be looked for again and again until the timeout."""
        missing = str(tmp_path / "no.pem")
        with dask.config.set(dict.fromkeys(_tls(Security()), missing)):
            assert rejected(f"{scheme}://etl-scheduler:8786") == (
                f"'{scheme}://etl-scheduler:8786' cannot be used, since distributed.comm.tls is "
                "invalid: FileNotFoundError: [Errno 2] No such file or directory: "
                "correct Dask's config"
            )

    def test_a_scheme_without_encryption_where_it_is_required(self) -> None:
        with dask.config.set({"distributed.comm.require-encryption": True}):
            assert rejected("tcp://etl-scheduler:8786") == (
                "'tcp://etl-scheduler:8786' is not encrypted, which "
                "distributed.comm.require-encryption demands: use tls://, or unset that in Dask's "
                "config"
            )

    def test_a_function_that_supplies_certificates(self) -> None:
        """It is called by the client, with the address."""
        with dask.config.set({"distributed.client.security-loader": "acme.security"}):
            address = scheduler_address({ADDRESS: "tls://etl-scheduler:8786"})
        assert address == "tls://etl-scheduler:8786"


@pytest.mark.fault
@pytest.mark.once
def test_a_task_with_an_invalid_address_is_not_retried(tmp_path: Path) -> None:
    environment: Mapping[str, str] = {ADDRESS: "tcp://ada:hunter2@etl-scheduler:8786"}
    done = run_task(using.sees, tmp_path, environment)
    assert done.error.kind == ContainerError.NON_RECOVERABLE
    assert done.error.origin == ExecutionError.USER
    assert f"{ADDRESS}   'tcp://...@etl-scheduler:8786' {WITH_USER}" in done.message
    assert "hunter2" not in done.log + done.message
