"""What the engine needs of an SDK, the `Host`, and what stands in for one where there is none."""

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
"""What an exception means, as one of our errors; None if it is the function's own."""


class Host(Protocol):
    """The SDK in which a task's function runs."""

    @property
    def logger(self) -> logging.Logger:
        """The parent of the engine's loggers."""
        ...

    @property
    def level_variable(self) -> str | None:
        """The environment variable that sets the level of the SDK's loggers; None if none does."""
        ...

    @property
    def decorator(self) -> str:
        """How users write the decorator of a task, such as ``@task``; for remedies."""
        ...

    def is_on_flyte(self) -> bool:
        """Whether the function runs in a pod that Flyte started."""
        ...

    def image(self) -> str | None:
        """The reference of the runner's image; None if it is unknown."""
        ...

    def code(self) -> bytes | None:
        """The tar archive of the code that was registered without an image; None if none was."""
        ...

    def error(self, kind: type[K]) -> type[K]:
        """The SDK's own class for this *kind* of failure, by which it retries or does not."""
        ...

    def mapped(self, error: Exception, mapping: ErrorMapping) -> Exception | None:
        """What to raise in the place of *error*, which left the session; None if that itself.

        That is what *mapping* makes of the error that the SDK has wrapped, in the wrapper that it
        needs.
        """
        ...

    def failure(self, error: BaseException) -> BaseException | None:
        """What failed the function, without the SDK's wrapper; None if *error* is no failure."""
        ...

    def show_report(
        self, make: Callable[[], str], task: str, completing: Callable[[], None]
    ) -> AbstractContextManager[None]:
        """Show the report of *task* to its user, while the block lasts and then.

        Args:
            make: makes its page, as HTML, of what is known by then; it never raises.
            task: the name of the task.
            completing: to be called when the function has ended, before the SDK does more.
        """
        ...


class NoSdk:
    """A host without an SDK, such as a test that opens a session: never on Flyte, and no retry."""

    logger = logging.getLogger("flyte_dask")
    level_variable: str | None = None
    decorator = "@task"

    def is_on_flyte(self) -> bool:
        """Never."""
        return False

    def image(self) -> str | None:
        """None: there is no pod."""
        return None

    def code(self) -> bytes | None:
        """None: nothing is registered."""
        return None

    def error(self, kind: type[K]) -> type[K]:
        """The *kind* itself."""
        return kind

    def mapped(self, error: Exception, mapping: ErrorMapping) -> Exception | None:
        """What *mapping* makes of *error*, for nothing wraps it."""
        return mapping(error)

    def failure(self, error: BaseException) -> BaseException | None:
        """The *error*."""
        return error

    @contextmanager
    def show_report(
        self,
        make: Callable[[], str],
        task: str,
        completing: Callable[[], None],
    ) -> Iterator[None]:
        """Write the page into a temporary file at the end of the block, and log its path."""
        try:
            yield
        finally:
            completing()
            page = Path(tempfile.mkdtemp(prefix="flyte-dask-"), "report.html")
            page.write_text(make(), encoding="utf-8")
            self.logger.warning("%s: report: %s", task, page.as_uri())


NO_SDK = NoSdk()
"""The host of sessions that are opened without an SDK."""
