"""flytekit as the host of the engine."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from traceback import walk_tb
from typing import ClassVar, final

from flytekit.core import context_manager
from flytekit.core.base_task import IgnoreOutputs
from flytekit.core.constants import FLYTE_INTERNAL_IMAGE_ENV_VAR
from flytekit.core.context_manager import ExecutionState, FlyteContextManager
from flytekit.core.type_engine import TypeTransformerFailedError
from flytekit.exceptions.system import FlyteNonRecoverableSystemException, FlyteSystemException
from flytekit.exceptions.user import FlyteUserRuntimeException
from flytekit.loggers import LOGGING_ENV_VAR

from flyte_dask.errors import FlyteDaskError
from flyte_dask_engine.host import ErrorMapping, Host, StorageOptions
from flytekitplugins.dask.errors import ClusterFailure
from flytekitplugins.dask.storage import options_of_flytekit, read_storage

__all__ = ["DYNAMIC", "FLYTEKIT", "Flytekit"]

_ARCHIVE = ".tar.gz"  # notebooks register a pickle instead, which is uploaded with the tasks

_ATTEMPT = "FLYTE_ATTEMPT_NUMBER"  # which Flyte sets, counted from 0

_CONTEXT = Path(context_manager.__file__).parts[-3:]  # in an image it may be elsewhere

_WRAPPERS = (FlyteUserRuntimeException, FlyteNonRecoverableSystemException)

_OF_FLYTEKIT = (TypeTransformerFailedError, FlyteSystemException)
"""Errors of the conversion itself, as opposed to what an output raises that is computed for it."""

_RETRYABLE: list[type] = [ClusterFailure, *ClusterFailure.__subclasses__()]


@final
class Flytekit(Host):
    """The host of tasks that flytekit runs."""

    sdk = "flytekit"
    logger = logging.getLogger("flytekit.dask")  # below flytekit's, whose level and format it has
    level_variable = LOGGING_ENV_VAR
    errors: ClassVar[Mapping[type, type]] = {each.__bases__[0]: each for each in _RETRYABLE}

    def __init__(self, decorator: str = Host.decorator) -> None:
        self.decorator = decorator

    def is_on_flyte(self) -> bool:
        """Whether the function runs in a pod that Flyte started."""
        state = FlyteContextManager.current_context().execution_state
        return state is not None and state.mode == ExecutionState.Mode.TASK_EXECUTION

    def image(self) -> str | None:
        """The reference of the runner's image; None if unknown."""
        return os.environ.get(FLYTE_INTERNAL_IMAGE_ENV_VAR)

    def attempt(self) -> int | None:
        """The number of this attempt at the task, counted from 1; None if unknown."""
        before = os.environ.get(_ATTEMPT, "")
        return int(before) + 1 if re.fullmatch("[0-9]{1,9}", before) else None

    def execution(self) -> str | None:
        """The name of the execution on Flyte; None if there is none."""
        parameters = FlyteContextManager.current_context().user_space_params
        if parameters is None or not self.is_on_flyte():
            return None
        return str(parameters.execution_id.name) or None

    def code(self) -> bytes | None:
        """The archive of fast-registered code; None if the code is in the image.

        Flyte hands it to the runner only: ``pyflyte-fast-execute`` downloads the archive and
        unpacks it into a folder.
        """
        context = FlyteContextManager.current_context()
        settings = context.serialization_settings
        fast = None if settings is None else settings.fast_serialization_settings
        place = None if fast is None else fast.distribution_location
        if fast is None or place is None or not place.endswith(_ARCHIVE):
            return None
        name = PurePosixPath(place).name
        here = Path(fast.destination_dir or ".").expanduser() / name
        if here.is_file():
            return here.read_bytes()
        with tempfile.TemporaryDirectory() as folder:  # the archive was deleted
            context.file_access.get_data(place, f"{folder}/")
            return Path(folder, name).read_bytes()

    def storage_options(self) -> StorageOptions:
        """The options with which ``FlyteFile`` and the like make filesystems in this process."""
        context = FlyteContextManager.current_context()
        return options_of_flytekit(context.file_access.data_config)

    def storage_reader(self) -> Callable[[], StorageOptions]:
        """A function that returns these options in a process of the cluster."""
        return read_storage

    def mapped(self, error: Exception, mapping: ErrorMapping) -> Exception | None:
        """The exception to raise instead of *error*, in flytekit's wrapper; None to keep it.

        Converting an output may compute it. flytekit takes what that raises for an error of the
        system, which is never retried; here it is the function's, as if that had computed it.
        """
        if isinstance(error, FlyteUserRuntimeException):  # it is mapped already
            return None
        if isinstance(error, FlyteNonRecoverableSystemException):  # outputs were not converted
            value = error.value
            ours = value if isinstance(value, FlyteDaskError) else mapping(value)
            if ours is None and isinstance(value, _OF_FLYTEKIT):
                return None
            return FlyteUserRuntimeException(ours or value)
        return mapping(error)

    def failure(self, error: BaseException) -> BaseException | None:
        """The error that flytekit wrapped in *error*; None if that is not a failure."""
        if isinstance(error, _WRAPPERS):
            error = error.value
        return None if isinstance(error, IgnoreOutputs) else error

    def hint(self, error: BaseException) -> str | None:
        """A hint for an *error* of ``current_context()`` on a worker, where it is another one."""
        frames = [frame for frame, _ in walk_tb(error.__traceback__)]
        if not frames or Path(frames[-1].f_code.co_filename).parts[-3:] != _CONTEXT:
            return None
        if frames[-1].f_globals is vars(context_manager):  # it was raised in this process
            return None
        return (
            "current_context() on a worker is not that of the task, since flytekit runs in the "
            "runner only: read what you need in the function, and pass it to the work as an "
            "argument."
        )

    @contextmanager
    def show_report(self, make: Callable[[], str], task: str) -> Iterator[None]:
        """Show the report of *task* in its deck."""
        from flytekitplugins.dask.deck import shown_in_deck  # noqa: PLC0415  # slow to import

        with shown_in_deck(make, task):
            yield


FLYTEKIT = Flytekit()
"""The host of all tasks in this process, but for dynamic ones."""

DYNAMIC = Flytekit("@dynamic")
"""The host of dynamic tasks."""
