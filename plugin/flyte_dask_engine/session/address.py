"""The address of the scheduler, as the environment has it, validated before anything waits for it.

An address that can never work is an error at once, and not a connection that is retried until a
timeout. A host name that does not resolve is valid: that of a pod is known a while after it starts.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any, final

import attrs
import dask.config
from distributed import Security
from distributed.comm.registry import backends, get_backend

from flyte_dask.errors import InvalidConfig, Problem
from flyte_dask.errors.suggestions import did_you_mean

__all__ = ["ADDRESS", "scheduler_address"]

ADDRESS = "DASK_SCHEDULER_ADDRESS"
"""The environment variable with the scheduler's address."""

_FORM = "use an address such as tcp://etl-scheduler:8786"
_IPV6 = "put it in brackets, such as tcp://[::1]:8786"
_TLS = "distributed.comm.tls"
_CERTIFICATES = f"set {_TLS}.ca-file, {_TLS}.client.cert and {_TLS}.client.key in Dask's config"
_IN_PROCESS = "inproc"
_LAST_PORT = 2**16 - 1
_SCHEME = r"[A-Za-z][\w+.-]*"
_HIDDEN = "..."


def scheduler_address(environment: Mapping[str, str]) -> str | None:
    """The address in *environment*, with its scheme; None if that is not set, or empty.

    Raises:
        InvalidConfig: if nothing can be connected to by this address: it has no host or no port,
            is of an unknown scheme, or needs certificates that Dask's configuration lacks. The
            error has all problems, and of the address no more than its scheme, host and port, each
            if it is valid: any other text may be a user name, a password or a token.
    """
    text = environment.get(ADDRESS, "")
    if not text:
        return None
    scheme, separator, location = text.strip().partition("://")
    shown = f"{scheme if re.fullmatch(_SCHEME, scheme) else _HIDDEN}://" if separator else ""
    if not separator:
        scheme, location = dask.config.get("distributed.comm.default-scheme"), scheme
    read = _Location.read(location)
    problems = [
        Problem(ADDRESS, f"{shown}{read}" if text.strip() else text, rule, remedy)
        for rule, remedy in _problems(scheme, read)
    ]
    if problems:
        raise InvalidConfig("the environment", problems)  # with no line: no user code set it
    return f"{scheme}://{location}"


def _problems(scheme: str, location: _Location) -> Iterator[tuple[str, str]]:
    """What makes the address invalid: rules and remedies."""
    wrong = [*_scheme_problems(scheme)]
    if scheme != _IN_PROCESS:  # whose addresses have another form
        yield from location.problems()
    yield from wrong or _encryption_problems(scheme)


@final
@attrs.frozen
class _Location:
    """What follows the scheme; as a text, it is without what may be a secret."""

    user: str
    """What precedes the last ``@``, and that."""
    host: str
    colon: str
    port: str
    rest: str
    """The path, query or fragment."""

    @classmethod
    def read(cls, text: str) -> _Location:
        """The parts of *text*; none is validated."""
        user, at, location = text.rpartition("@")
        end = re.search(r"[/?#]|\Z", location)
        place = location[: end.start()] if end else location
        host, colon, port = place.rpartition(":")
        if not colon or host.count("[") > host.count("]"):  # the colon is of an IPv6 address
            host, colon, port = place, "", ""
        return cls(user + at, host, colon, port, location[len(place) :])

    def __str__(self) -> str:
        user = f"{_HIDDEN}@" if self.user else ""
        host = self.host if not self.host or self._has_host() or _is_ipv6(self.host) else _HIDDEN
        port = self.port if re.fullmatch("[0-9]{0,5}", self.port) else _HIDDEN
        return f"{user}{host}{self.colon}{port}{self.rest[:1]}{_HIDDEN if self.rest else ''}"

    def problems(self) -> Iterator[tuple[str, str]]:
        """What makes it invalid: rules and remedies."""
        if self.user:
            yield "contains a user name or password, which Dask does not support", "remove it"
        if self.rest:
            yield "has more than a host and a port", "omit what follows the port"
        if not self.host.strip() and not self.colon:
            yield "has no host and no port", f"{_FORM}, or unset it to start a local cluster"
            return
        if not self.colon:
            yield "has no port", "add the scheduler's, such as 8786"
        elif re.fullmatch("[0-9]{1,5}", self.port) is None or not 0 < int(self.port) <= _LAST_PORT:
            yield f"has an invalid port: it must be from 1 to {_LAST_PORT}", _FORM
        if self._has_host():
            return
        if _is_ipv6(self.host):
            yield "has an IPv6 address without brackets", _IPV6
        elif re.search(r"[\[\]]", self.host):
            yield "has brackets without an IPv6 address", "use one such as tcp://[::1]:8786"
        else:
            yield "is not the name of a host", _FORM

    def _has_host(self) -> bool:
        """Whether its host can be one: a name, an IPv4 address, or an IPv6 address in brackets."""
        if self.host.startswith("[") and self.host.endswith("]"):
            return _is_ipv6(self.host[1:-1])
        try:
            self.host.encode("idna")  # as sockets do
        except UnicodeError:
            return False
        return re.fullmatch(r"[\w.-]+", self.host) is not None


def _is_ipv6(text: str) -> bool:
    """Whether *text* is an IPv6 address, which may have a zone."""
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return re.fullmatch(r"[0-9A-Fa-f:.]+(%[\w.-]+)?", text) is not None


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
