"""flytekit as the host of the engine."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import TypeVar, cast, final

from flytekit.core.base_task import IgnoreOutputs
from flytekit.core.constants import FLYTE_INTERNAL_IMAGE_ENV_VAR
from flytekit.core.context_manager import ExecutionState, FlyteContextManager
from flytekit.exceptions.base import FlyteException
from flytekit.exceptions.system import FlyteNonRecoverableSystemException
from flytekit.exceptions.user import FlyteUserRuntimeException
from flytekit.loggers import LOGGING_ENV_VAR

from flyte_dask.errors import FlyteDaskError
from flyte_dask_engine.host import ErrorMapping
from flytekitplugins.dask import errors

__all__ = ["FLYTEKIT", "Flytekit"]

K = TypeVar("K", bound=FlyteDaskError)

_RETRYABLE = (
    errors.ClusterFailure,
    errors.ClusterUnavailable,
    errors.SchedulerLost,
    errors.WorkersKilled,
    errors.WorkersLost,
)
_OWN: dict[type, type] = {each.__bases__[0]: each for each in _RETRYABLE}
"""flytekit's class for each kind of failure; it retries no other error, so those need none."""

_ARCHIVE = ".tar.gz"  # what is registered from a notebook is a pickle, and needs no files


@final
class Flytekit:
    """flytekit, as the engine sees it."""

    logger = logging.getLogger("flytekit.dask")  # below flytekit's, whose level and format it has
    level_variable: str | None = LOGGING_ENV_VAR
    decorator = "@task"

    def is_on_flyte(self) -> bool:
        """Whether the function runs in a pod that Flyte started."""
        state = FlyteContextManager.current_context().execution_state
        return state is not None and state.mode == ExecutionState.Mode.TASK_EXECUTION

    def image(self) -> str | None:
        """The reference of the runner's image; None if it is unknown."""
        return os.environ.get(FLYTE_INTERNAL_IMAGE_ENV_VAR)

    def code(self) -> bytes | None:
        """The archive of the fast registration that runs; None if it was no fast one.

        Flyte gives it to the runner only: ``pyflyte-fast-execute`` puts the archive and its files
        into a folder and tells where it was.
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
        with tempfile.TemporaryDirectory() as folder:  # somebody has tidied up
            context.file_access.get_data(place, f"{folder}/")
            return Path(folder, name).read_bytes()

    def error(self, kind: type[K]) -> type[K]:
        """The class by which flytekit retries this *kind* of failure, or does not."""
        return cast("type[K]", _OWN.get(kind, kind))

    def mapped(self, error: Exception, mapping: ErrorMapping) -> Exception | None:
        """What to raise in the place of *error*, in flytekit's wrapper; None if that itself."""
        if isinstance(error, FlyteUserRuntimeException):  # with what is mapped already
            return None
        if isinstance(error, FlyteNonRecoverableSystemException):  # outputs were not converted
            value = error.value
            ours = value if isinstance(value, FlyteDaskError) else mapping(value)
            return None if ours is None else FlyteUserRuntimeException(ours)
        return mapping(error)

    def failure(self, error: BaseException) -> BaseException | None:
        """What flytekit has wrapped *error* around; None if it is no failure."""
        value = getattr(error, "value", None)
        if isinstance(error, FlyteException) and isinstance(value, BaseException):
            error = value
        return None if isinstance(error, IgnoreOutputs) else error

    def show_report(
        self, make: Callable[[], str], task: str, completing: Callable[[], None]
    ) -> AbstractContextManager[None]:
        """Show the report of *task* in its deck."""
        # what it needs takes a while to import
        from flytekitplugins.dask.deck import shown_in_deck  # noqa: PLC0415

        return shown_in_deck(make, task, completing)


FLYTEKIT = Flytekit()
"""The one host of all tasks in this process."""
