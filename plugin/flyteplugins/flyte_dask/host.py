"""The ``flyte`` SDK as the host of the engine."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import ClassVar, final

import flyte
import flyte.storage

from flyte_dask_engine.host import Host, StorageOptions
from flyteplugins.flyte_dask.context import task_context
from flyteplugins.flyte_dask.errors import NOT_RETRIED
from flyteplugins.flyte_dask.flyte_internals import SYS_PATH
from flyteplugins.flyte_dask.storage import read_storage

__all__ = ["FLYTE", "Flyte"]

_ATTEMPT = "FLYTE_ATTEMPT_NUMBER"  # which the backend sets, counted from 0


@final
class Flyte(Host):
    """The host of tasks that the ``flyte`` SDK runs.

    Args:
        environment: the name of the task's environment, which knows its image.
    """

    sdk = "flyte"
    logger = flyte.logger.getChild("dask")  # below the SDK's for users, whose format it has
    level_variable = "USER_LOG_LEVEL"
    decorator = "@env.task"
    config_code = "flyte.TaskEnvironment(plugin_config={})"
    override_code = "task.override(plugin_config={})"
    environment_code = "flyte.TaskEnvironment(env_vars={})"
    shows_notes = False  # only the text of an exception
    errors: ClassVar[Mapping[type, type]] = NOT_RETRIED

    def __init__(self, environment: str | None = None) -> None:
        self._environment = environment

    def is_on_flyte(self) -> bool:
        """Whether the function runs in a pod that Flyte started."""
        context = task_context()
        return context is not None and context.is_in_cluster()

    def image(self) -> str | None:
        """The reference of the runner's image; None if unknown."""
        context = task_context()
        cache = None if context is None else context.compiled_image_cache
        return None if cache is None else cache.image_lookup.get(self._environment or "")

    def attempt(self) -> int | None:
        """The number of this attempt at the task, counted from 1; None if unknown."""
        before = os.environ.get(_ATTEMPT, "")
        return int(before) + 1 if re.fullmatch("[0-9]{1,9}", before) else None

    def execution(self) -> str | None:
        """The names of the run and of its action on Flyte; None if there are none."""
        context = task_context()
        if context is None or not self.is_on_flyte():
            return None
        names = (context.action.run_name, context.action.name)
        return "-".join(each for each in names if each) or None

    def code(self) -> bytes | None:
        """The archive of the code bundle; None if the code is in the image.

        Flyte hands it to the runner only, whose entrypoint downloads the archive and unpacks it
        into a folder. A pickled bundle has the task only, and is no archive.
        """
        context = task_context()
        bundle = None if context is None else context.code_bundle
        if bundle is None or bundle.tgz is None or not self.is_on_flyte():
            return None
        name = PurePosixPath(bundle.tgz).name
        here = Path(bundle.destination).expanduser() / name
        if here.is_file():
            return here.read_bytes()
        with tempfile.TemporaryDirectory() as folder:  # the archive was deleted
            downloaded = asyncio.run(flyte.storage.get(bundle.tgz, str(Path(folder, name))))
            return Path(downloaded).read_bytes()

    def import_paths(self) -> Sequence[str]:
        """The folders that the entrypoint puts on the import path of the runner, but not of others.

        These are the root of the code, which is the working directory of the image if there is no
        bundle, and in a bundle further folders of a layout such as ``src``.
        """
        context = task_context()
        if context is None or not self.is_on_flyte():
            return ()
        has_bundle = context.code_bundle is not None
        more = os.environ.get(SYS_PATH, "").split(":") if has_bundle else ()
        return tuple(dict.fromkeys([*filter(None, more), "."]))

    def storage_options(self) -> StorageOptions:
        """The options of the storage settings in the environment, as fsspec's filesystems know."""
        return read_storage()

    def storage_reader(self) -> Callable[[], StorageOptions]:
        """A function that returns these options in a process of the cluster."""
        return read_storage

    @contextmanager
    def show_report(self, make: Callable[[], str], task: str) -> Iterator[None]:
        """Show the report of *task* as a tab of its own, also if the task fails."""
        from flyteplugins.flyte_dask.report import shown_in_tab  # noqa: PLC0415  # slow to import

        with shown_in_tab(make, task, self):
            yield


FLYTE = Flyte()
"""The host of tasks that are registered."""
