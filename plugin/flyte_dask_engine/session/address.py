"""The address of the scheduler, as the environment has it, validated before anything waits for it.

An address that can never work is an error at once, and not a connection that is retried until a
timeout. A host name that does not resolve is valid: that of a pod is known a while after it starts.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

import dask.config
from distributed import Security
from distributed.comm.registry import backends, get_backend

from flyte_dask.errors import InvalidConfig, Problem
from flyte_dask.errors.suggestions import did_you_mean

__all__ = ["ADDRESS", "scheduler_address"]

ADDRESS = "DASK_SCHEDULER_ADDRESS"
"""The environment variable with the scheduler's address."""

_FORM = "use an address such as tcp://etl-scheduler:8786"
_TLS = "distributed.comm.tls"
_CERTIFICATES = f"set {_TLS}.ca-file, {_TLS}.client.cert and {_TLS}.client.key in Dask's config"
_IN_PROCESS = "inproc"
_LARGEST_PORT = 2**16 - 1


def scheduler_address(environment: Mapping[str, str]) -> str | None:
    """The address in *environment*, with its scheme; None if that is not set, or empty.

    Raises:
        InvalidConfig: if nothing can be connected to by this address: it has no host or no port,
            is of an unknown scheme, or needs certificates that Dask's configuration lacks. The
            error has no user name, password or query that the address contains.
    """
    text = environment.get(ADDRESS, "")
    if not text:
        return None
    scheme, separator, location = text.strip().partition("://")
    if not separator:
        scheme, location = dask.config.get("distributed.comm.default-scheme"), scheme
    for rule, remedy in _problems(scheme, location):
        problem = Problem(ADDRESS, _Redacted(text), rule, remedy)
        raise InvalidConfig("the environment", [problem])  # with no line: no user code set it
    return f"{scheme}://{location}"


def _problems(scheme: str, location: str) -> Iterator[tuple[str, str]]:
    """What makes the address invalid, the most fundamental first: rules and remedies."""
    if not location.strip():
        yield "has no host and no port", f"{_FORM}, or unset it to start a local cluster"
    yield from _scheme_problems(scheme)
    yield from _location_problems(location)
    yield from _encryption_problems(scheme)


def _location_problems(location: str) -> Iterator[tuple[str, str]]:
    if "@" in location:
        yield "contains a user name or password, which Dask does not support", "remove it"
    if re.search(r"[/?#]", location):
        yield "has more than a host and a port", "omit what follows the port"
    host, separator, port = location.rpartition(":")
    if not separator or host.count("[") > host.count("]") or port.endswith("]"):
        yield "has no port", "add the scheduler's, such as 8786"
    elif re.fullmatch("[0-9]{1,5}", port) is None or not 0 < int(port) <= _LARGEST_PORT:
        yield f"has an invalid port: it must be from 1 to {_LARGEST_PORT}", _FORM
    yield from _host_problems(host)


def _host_problems(host: str) -> Iterator[tuple[str, str]]:
    if host.startswith("[") and host.endswith("]"):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            yield "has brackets without an IPv6 address", "use one such as tcp://[::1]:8786"
        return
    if ":" in host:
        rule = "has a host with a colon"
        yield rule, "put an IPv6 address in brackets, such as tcp://[::1]:8786"
    try:
        host.encode("idna")  # as sockets do
    except UnicodeError:
        yield "is not the name of a host", _FORM
    if not host or re.search(r"[\s\[\]\\\x00-\x20\x7f]", host):
        yield "is not the name of a host", _FORM


def _scheme_problems(scheme: str) -> Iterator[tuple[str, str]]:
    known = sorted({*backends} - {_IN_PROCESS})
    if scheme == _IN_PROCESS:
        rule = "is within one process, where no other process can connect"
        yield rule, f"use the address that the scheduler logs: {_FORM}"
        return
    try:
        backend = get_backend(scheme)
    except ValueError:
        near = did_you_mean(scheme.lower(), known) or f"use one of {', '.join(known)}"
        yield "has an unknown scheme", near
        return
    try:
        backend.get_connector()
    except Exception as error:  # whatever a backend raises that lacks its package
        yield f"has a scheme that does not work here: {type(error).__name__}: {error}", _FORM


def _encryption_problems(scheme: str) -> Iterator[tuple[str, str]]:
    """Whether Dask's configuration fits the scheme, as each client finds out by itself."""
    if dask.config.get("distributed.client.security-loader", None):
        return  # a function of the user's that supplies certificates
    try:
        arguments: Mapping[str, Any] = Security().get_connection_args("client")
    except (OSError, ValueError) as error:  # whatever the scheme; clients would try it again
        rule = f"cannot be used, since {_TLS} is invalid: {type(error).__name__}: {error}"
        yield rule, "correct Dask's config"
        return
    is_encrypted = bool(getattr(get_backend(scheme).get_connector(), "encrypted", False))
    if is_encrypted and arguments["ssl_context"] is None:
        yield "needs certificates, and Dask's configuration has none", _CERTIFICATES
    elif not is_encrypted and arguments["require_encryption"]:
        rule = "is not encrypted, which distributed.comm.require-encryption demands"
        yield rule, "use tls://, or unset that in Dask's config"


class _Redacted:
    """An address without its credentials: a user name, a password, a query."""

    def __init__(self, text: str) -> None:
        shown = re.sub(r"\A\s*([A-Za-z][\w+.-]*://)?.*@", r"\1...@", text, flags=re.DOTALL)
        self._shown = re.sub(r"[?#].*", "?...", shown, flags=re.DOTALL)

    def __repr__(self) -> str:
        return repr(self._shown)
