"""The code of a fast registration, on its way to the scheduler and the workers.

Flyte gives it to the runner only: ``pyflyte-fast-execute`` puts the archive and its files into a
folder and tells where it was.
"""

from __future__ import annotations

import tempfile
from hashlib import sha256
from pathlib import Path, PurePosixPath

import attrs
from distributed import Client
from flytekit.core.context_manager import FlyteContext

from flytekitplugins.dask.shipped.code import CodeOnScheduler, CodeOnWorker

__all__ = ["Code", "code_of", "ship"]

_ARCHIVE = ".tar.gz"  # what is registered from a notebook is a pickle, and needs no files


@attrs.frozen(repr=False)
class Code:
    """A tar archive of the user's code."""

    archive: bytes

    @property
    def digest(self) -> str:
        """The hex digits that tell it from others."""
        return sha256(self.archive).hexdigest()[:16]


def code_of(context: FlyteContext) -> Code | None:
    """The code of the fast registration that runs in *context*; None if it was no fast one."""
    settings = context.serialization_settings
    fast = None if settings is None else settings.fast_serialization_settings
    place = None if fast is None else fast.distribution_location
    if fast is None or place is None or not place.endswith(_ARCHIVE):
        return None
    name = PurePosixPath(place).name
    here = Path(fast.destination_dir or ".").expanduser() / name
    if here.is_file():
        return Code(here.read_bytes())
    with tempfile.TemporaryDirectory() as folder:  # somebody has tidied up
        context.file_access.get_data(place, f"{folder}/")
        return Code(Path(folder, name).read_bytes())


def ship(client: Client, code: Code) -> None:
    """Let scheduler and workers import *code*: those that are there, and those that will join."""
    for plugin in (CodeOnScheduler, CodeOnWorker):
        client.register_plugin(plugin(code.archive, code.digest))
