"""The code of a fast registration, on its way to the scheduler and the workers.

Flyte gives it to the runner only: ``pyflyte-fast-execute`` puts the archive and its files into a
folder and tells where it was.
"""

from __future__ import annotations

from hashlib import sha256

import attrs
from distributed import Client

from flyte_dask_engine.cluster_plugins.code import CodeOnScheduler, CodeOnWorker

__all__ = ["Code", "ship"]


@attrs.frozen(repr=False)
class Code:
    """A tar archive of the user's code."""

    archive: bytes

    @property
    def digest(self) -> str:
        """The hex digits that tell it from others."""
        return sha256(self.archive).hexdigest()[:16]


def ship(client: Client, code: Code) -> None:
    """Let scheduler and workers import *code*: those that are there, and those that will join."""
    for plugin in (CodeOnScheduler, CodeOnWorker):
        client.register_plugin(plugin(code.archive, code.digest))
