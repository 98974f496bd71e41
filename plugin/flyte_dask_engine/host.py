"""What the engine needs of the SDK that runs a task's function."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeAlias, TypeVar, cast

from flyte_dask.errors import FlyteDaskError

__all__ = ["NO_SDK", "ErrorMapping", "Host", "StorageOptions", "make_visible"]

K = TypeVar("K", bound=FlyteDaskError)

ErrorMapping = Callable[[Exception], Exception | None]
"""Returns the error of ours for an exception; None if it is the function's own."""

StorageOptions: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Options of fsspec's filesystems, by protocol, such as ``{"s3": {"key": "..."}}``."""


class Host:
    """The SDK that runs a task's function; as it stands, none: no Flyte, no image, no retries.

    The adapter of an SDK overrides what the SDK does differently.
    """

    sdk = ""
    """The name of the SDK's package."""
    logger = logging.getLogger("flyte_dask")
    """The parent of the engine's loggers."""
    level_variable: str | None = None
    """The environment variable for the level of the SDK's loggers."""
    decorator = "@task"
    """The decorator of a task as users write it; for remedies."""
    config_code = "@task(task_config={})"
    """What gives a task its config, as users write it."""
    override_code = "with_overrides(task_config={})"
    """What gives one call of a task another config, as users write it."""
    environment_code = "@task(environment={})"
    """What sets environment variables in all pods of a task, as users write it."""
    shows_notes = True
    """Whether a user sees the notes of an exception; otherwise they are logged."""
    errors: ClassVar[Mapping[type, type]] = {}
    """The SDK's own class for each kind of failure, which decides whether it retries."""

    @property
    def runtime_logger(self) -> logging.Logger:
        """The logger of sessions."""
        return self.logger.getChild("runtime")

    def is_on_flyte(self) -> bool:
        """Whether the function runs in a pod that Flyte started."""
        return False

    def image(self) -> str | None:
        """The reference of the runner's image; None if unknown."""
        return None

    def attempt(self) -> int | None:
        """The number of this attempt at the task, counted from 1; None if unknown."""
        return None

    def execution(self) -> str | None:
        """The name of the execution on Flyte; None if there is none."""
        return None

    def code(self) -> bytes | None:
        """The tar archive of fast-registered code; None if the code is in the image."""
        return None

    def import_paths(self) -> Sequence[str]:
        """The folders from which the runner imports the code, relative to its root, in order.

        The root is that of the archive; without one, the working directory of the image. Empty if
        the processes of the cluster import from the same folders anyway.
        """
        return ()

    def storage_options(self) -> StorageOptions:
        """The options with which the SDK itself makes filesystems in this process.

        Only for protocols for which it has settings.
        """
        return {}

    def storage_reader(self) -> Callable[[], StorageOptions] | None:
        """A function that returns these options in a process of the cluster; None if it has none.

        It is pickled by value, with what it uses of its module. The scheduler and the workers may
        lack the SDK, and whatever else is not in Python or Dask.
        """
        return None

    def error(self, kind: type[K]) -> type[K]:
        """The class to raise for this *kind* of failure: the SDK's own, or the kind itself."""
        return cast("type[K]", self.errors.get(kind, kind))

    def mapped(self, error: Exception, mapping: ErrorMapping) -> Exception | None:
        """The exception to raise instead of *error*, which left the session; None to keep it.

        An SDK that wraps errors applies *mapping* to the wrapped one, and wraps the result again.
        """
        return mapping(error)

    def failure(self, error: BaseException) -> BaseException | None:
        """The function's error without the SDK's wrapper; None if *error* is not a failure."""
        return error

    def hint(self, error: BaseException) -> str | None:  # noqa: ARG002  # of the base class
        """A hint for *error*, if it comes from a use of the SDK that cannot work on workers."""
        return None

    @contextmanager
    def show_report(self, make: Callable[[], str], task: str) -> Iterator[None]:
        """Show the report of *task* to its user, during the block and afterwards.

        Without an SDK it is written to a temporary file, whose path is logged.

        Args:
            make: renders the page as HTML, as of now; it never raises.
            task: the name of the task.
        """
        try:
            yield
        finally:
            page = Path(tempfile.mkdtemp(prefix="flyte-dask-"), "report.html")
            page.write_text(make(), encoding="utf-8")
            self.logger.warning("%s: report: %s", task, page.as_uri())


NO_SDK = Host()
"""The host of sessions that are opened without an SDK, as in tests."""


def make_visible(logger: logging.Logger, level: int, variable: str | None) -> None:
    """Enable *level* for *logger* where an SDK silences it, unless the user has set a level.

    A user sets it by the SDK's environment *variable*, or on *logger* itself.
    """
    if logger.getEffectiveLevel() <= level:
        return  # also where it has been enabled before
    is_set = logger.level != logging.NOTSET or (variable is not None and variable in os.environ)
    if not is_set:
        logger.setLevel(level)
