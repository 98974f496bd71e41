"""The SDK that the engine runs in: the `Host` protocol, and its stand-in without an SDK."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from flyte_dask.errors import FlyteDaskError

__all__ = ["NO_SDK", "ErrorMapping", "Host", "NoSdk"]

K = TypeVar("K", bound=FlyteDaskError)

ErrorMapping = Callable[[Exception], Exception | None]
"""Returns the error of ours for an exception; None if it is the function's own."""


class Host(Protocol):
    """The SDK that runs a task's function."""

    @property
    def logger(self) -> logging.Logger:
        """The parent of the engine's loggers."""
        ...

    @property
    def level_variable(self) -> str | None:
        """The environment variable for the level of the SDK's loggers; None if there is none."""
        ...

    @property
    def decorator(self) -> str:
        """The decorator of a task as users write it, such as ``@task``; for remedies."""
        ...

    def is_on_flyte(self) -> bool:
        """Whether the function runs in a pod that Flyte started."""
        ...

    def image(self) -> str | None:
        """The reference of the runner's image; None if unknown."""
        ...

    def code(self) -> bytes | None:
        """The tar archive of fast-registered code; None if the code is in the image."""
        ...

    def error(self, kind: type[K]) -> type[K]:
        """The SDK's own class for this *kind* of failure, which decides whether it retries."""
        ...

    def mapped(self, error: Exception, mapping: ErrorMapping) -> Exception | None:
        """The exception to raise instead of *error*, which left the session; None to keep it.

        Apply *mapping* to the error that the SDK has wrapped, and wrap the result again.
        """
        ...

    def failure(self, error: BaseException) -> BaseException | None:
        """The function's error without the SDK's wrapper; None if *error* is not a failure."""
        ...

    def show_report(
        self, make: Callable[[], str], task: str, completing: Callable[[], None]
    ) -> AbstractContextManager[None]:
        """Show the report of *task* to its user, during the block and afterwards.

        Args:
            make: renders the page as HTML, as of now; it never raises.
            task: the name of the task.
            completing: to be called when the function has ended, before the SDK does more.
        """
        ...


class NoSdk:
    """The host without an SDK, such as in a test that opens a session: no Flyte, no retries."""

    logger = logging.getLogger("flyte_dask")
    level_variable: str | None = None
    decorator = "@task"

    def is_on_flyte(self) -> bool:
        """Always False."""
        return False

    def image(self) -> str | None:
        """None, as there is no pod."""
        return None

    def code(self) -> bytes | None:
        """None, as nothing is registered."""
        return None

    def error(self, kind: type[K]) -> type[K]:
        """The *kind* itself, unchanged."""
        return kind

    def mapped(self, error: Exception, mapping: ErrorMapping) -> Exception | None:
        """The result of *mapping*, as nothing wraps *error*."""
        return mapping(error)

    def failure(self, error: BaseException) -> BaseException | None:
        """The *error* itself, unchanged."""
        return error

    @contextmanager
    def show_report(
        self,
        make: Callable[[], str],
        task: str,
        completing: Callable[[], None],
    ) -> Iterator[None]:
        """Write the page to a temporary file when the block ends, and log its path."""
        try:
            yield
        finally:
            completing()
            page = Path(tempfile.mkdtemp(prefix="flyte-dask-"), "report.html")
            page.write_text(make(), encoding="utf-8")
            self.logger.warning("%s: report: %s", task, page.as_uri())


NO_SDK = NoSdk()
"""The host of sessions that are opened without an SDK."""
