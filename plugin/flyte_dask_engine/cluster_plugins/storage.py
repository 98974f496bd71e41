"""Plugins by which filesystems get the storage settings of the process that makes them.

They are added when fsspec makes a filesystem, and not written to ``fsspec.config.conf``: fsspec
keeps what it finds there in the filesystem, which is pickled into graphs, with all secrets. Here
a pickled filesystem has the user's own options only, and gets the others again where it is loaded.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from distributed import Scheduler, Worker
from distributed.diagnostics.plugin import SchedulerPlugin, WorkerPlugin

from flyte_dask_engine.cluster_plugins.by_code import ByCode

__all__ = ["StorageOnScheduler", "StorageOnWorker", "add_options", "added"]

Options = Mapping[str, Any]  # of one protocol

# kinds of credentials, for S3 and Azure, that do not go together with others
_CREDENTIALS = frozenset(
    {
        *("anon", "key", "secret", "token", "username", "password", "profile", "session"),
        *("account_key", "sas_token", "connection_string", "credential"),
        *("client_id", "client_secret", "tenant_id"),
    }
)


_OBSTORE = "obstore.fsspec"
_OF_OBSTORE = frozenset({"client_options", "config", "credential_provider", "retry_config"})
"""Options that only obstore's filesystems have, with which Flyte 2 makes its own."""


class _Storage(ByCode):
    """The settings that *read* returns in a process of the cluster."""

    idempotent = True
    name = "flyte-dask-storage"

    def __init__(self, read: Callable[[], Mapping[str, Options]]) -> None:
        self.read = read

    def begin(self) -> None:
        """Add the settings of this process; without them it works as before."""
        self.undo: Callable[[], None] = _nothing
        try:
            self.undo = add_options(self.read())
        except Exception as error:  # its text could have a secret
            line = "Flyte's storage settings cannot be read: %s"
            logging.getLogger("distributed.worker").warning(line, type(error).__name__)


class StorageOnWorker(_Storage, WorkerPlugin):
    """Adds the settings of a worker's process, and again whenever the worker restarts."""

    def setup(self, worker: Worker) -> None:  # noqa: ARG002
        """Add the settings."""
        self.begin()

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002
        """Remove them."""
        self.undo()


class StorageOnScheduler(_Storage, SchedulerPlugin):
    """Adds the settings of the scheduler's process, which loads filesystems and passes them on."""

    async def start(self, scheduler: Scheduler) -> None:  # noqa: ARG002
        """Add the settings."""
        self.begin()

    async def close(self) -> None:
        """Remove them."""
        self.undo()


def _nothing() -> None:
    """Undo nothing."""


def add_options(options: Mapping[str, Options]) -> Callable[[], None]:
    """Add *options*, by protocol, to the filesystems that this process makes from now on.

    What the user sets has precedence: ``storage_options``, and the configuration of fsspec.
    obstore's filesystems, which the SDK of Flyte 2 registers for itself, cannot be sent to workers:
    where one would be made without options of its own, fsspec's choice for the protocol is.

    Returns:
        a function that ends it. Filesystems that were made keep what they have.
    """
    if not options and _OBSTORE not in sys.modules:
        return _nothing
    from fsspec.config import apply_config  # noqa: PLC0415  # many processes need none
    from fsspec.spec import AbstractFileSystem  # noqa: PLC0415
    from fsspec.utils import tokenize  # noqa: PLC0415

    kind: Any = type(AbstractFileSystem)  # it makes all filesystems
    usual, current = kind.__call__, dict(options)
    cache: dict[str, Any] = {}  # not fsspec's, where such a filesystem equals one of the user's

    def make(cls: Any, *args: Any, **kwargs: Any) -> Any:
        if cls.__module__ == _OBSTORE and not _OF_OBSTORE & kwargs.keys():
            cls = _usual_class(cls)
        theirs = apply_config(cls, kwargs)
        ours = {} if args else added(_options_of(cls, current), theirs)
        if not ours:
            return usual(cls, *args, **kwargs)
        thread = threading.get_ident() if theirs.get("asynchronous") else None
        token = tokenize(cls, os.getpid(), thread, theirs)
        made = cache.get(token)
        if made is None or theirs.get("skip_instance_cache"):
            made = usual(cls, **{**theirs, **ours, "skip_instance_cache": True})
            made.storage_options = {
                name: theirs[name] for name in made.storage_options if name in theirs
            }
            if cls.cachable and not theirs.get("skip_instance_cache"):
                made = cache.setdefault(token, made)
        return made

    def undo() -> None:
        current.clear()
        cache.clear()
        if kind.__call__ is make:
            kind.__call__ = usual

    kind.__call__ = make
    return undo


def _usual_class(cls: Any) -> Any:
    """The class that fsspec chooses for the protocol of *cls*; that itself if it is missing."""
    from fsspec.registry import known_implementations  # noqa: PLC0415  # as above

    protocols = [cls.protocol] if isinstance(cls.protocol, str) else cls.protocol
    for protocol in protocols:
        with suppress(KeyError, ImportError):
            module, _, name = known_implementations[protocol]["class"].rpartition(".")
            return getattr(import_module(module), name)
    return cls


def _options_of(cls: Any, options: Mapping[str, Options]) -> Options:
    """The options for filesystems of *cls*; none if it is not fsspec's own choice for a protocol.

    Others, which a library can register for the same protocol, do not understand the options.
    """
    from fsspec.registry import known_implementations  # noqa: PLC0415  # as above

    packages = {each.__module__.partition(".")[0] for each in cls.__mro__}
    protocols = [cls.protocol] if isinstance(cls.protocol, str) else cls.protocol
    for protocol in protocols:
        with suppress(KeyError):
            found = options[protocol]
            if known_implementations[protocol]["class"].partition(".")[0] in packages:
                return found
    return {}


def added(ours: Options, theirs: Options) -> dict[str, Any]:
    """The options to add to *theirs*, which the user set, or to replace because they were merged.

    Theirs have precedence, one by one; but if they set another kind of credentials, such as a
    profile, ours are left out. None and False set none, so that ``anon=False`` changes nothing.
    """
    set_by_them = {name for name in _CREDENTIALS if theirs.get(name)}
    other_kind = bool(set_by_them - ours.keys()) or "anon" in set_by_them
    found: dict[str, Any] = {}
    for name, value in ours.items():
        if name in _CREDENTIALS and other_kind:
            continue
        if isinstance(value, Mapping):
            known = theirs.get(name) or {}
            # s3fs accepts an endpoint in either of two places, but not in both
            missing = {key: value[key] for key in value if key not in known and not theirs.get(key)}
            if missing:
                found[name] = {**missing, **known}
        elif name not in theirs:
            found[name] = value
    return found
