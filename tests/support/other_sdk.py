"""A second SDK, which shares nothing with flytekit: all that a `Host` decides is different here.

What a task raises is retried, unless it is a `NonRecoverableError`. The decorator is ``@env.task``.
A function runs in a thread of its own, and its exceptions are wrapped. Reports are kept in a
dictionary, the code is an archive in a file.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import attrs

from flyte_dask import Dask
from flyte_dask.errors import FlyteDaskError
from flyte_dask_engine import errors
from flyte_dask_engine.host import ErrorMapping, Host, StorageOptions
from flyte_dask_engine.session.session import session

ACTION, ATTEMPT, IMAGE, CODE, LEVEL, STORAGE = (
    f"OTHER_SDK_{name}" for name in ("ACTION", "ATTEMPT", "IMAGE", "CODE", "LOG_LEVEL", "STORAGE")
)
"""Environment variables of its pods.

They have the action, the attempt, the image, the path of the archive, the level of the log, and in
JSON the options of S3.
"""

SDKS = ("flyte", "flyteidl", "flytekit", "flytekitplugins.dask")
"""Modules that must not be loaded by a task of this SDK."""


class NonRecoverableError(Exception):
    """The only errors that this SDK does not retry."""


class WrongEnvironment(errors.WrongEnvironment, NonRecoverableError):
    """As the engine's, not retried."""


class NoCluster(errors.NoCluster, NonRecoverableError):
    """As the engine's, not retried."""


class ClusterShutDown(errors.ClusterShutDown, NonRecoverableError):
    """As the engine's, not retried."""


class MissingBokeh(errors.MissingBokeh, NonRecoverableError):
    """As the engine's, not retried."""


class NoValidWorker(errors.NoValidWorker, NonRecoverableError):
    """As the engine's, not retried."""


class InvalidOutput(errors.InvalidOutput, NonRecoverableError):
    """As the engine's, not retried."""


class TooFewWorkers(errors.TooFewWorkers, NonRecoverableError):
    """As the engine's, not retried."""


class FunctionError(Exception):
    """The runner's wrapper of an exception of a task's function."""

    def __init__(self, carried: Exception) -> None:
        super().__init__(f"the function failed: {carried!r}")
        self.carried = carried


def storage_of_pod() -> StorageOptions:
    """The options that are in this process's environment."""
    text = os.environ.get("OTHER_SDK_STORAGE")
    return {"s3": json.loads(text)} if text else {}


class OtherSdk(Host):
    """The SDK, as the engine sees it."""

    logger = logging.getLogger("other_sdk")
    level_variable = LEVEL
    errors: ClassVar[Mapping[type, type]] = {
        each.__bases__[0]: each
        for each in (
            *(ClusterShutDown, WrongEnvironment, NoCluster, MissingBokeh),
            *(InvalidOutput, NoValidWorker, TooFewWorkers),
        )
    }
    decorator = "@env.task"

    def __init__(self) -> None:
        self.reports: dict[str, str] = {}

    def is_on_flyte(self) -> bool:
        return ACTION in os.environ

    def image(self) -> str | None:
        return os.environ.get(IMAGE)

    def attempt(self) -> int | None:
        attempt = os.environ.get(ATTEMPT)
        return None if attempt is None else int(attempt)

    def code(self) -> bytes | None:
        path = os.environ.get(CODE)
        return None if path is None else Path(path).read_bytes()

    def storage_options(self) -> StorageOptions:
        return storage_of_pod()

    def storage_reader(self) -> Callable[[], StorageOptions]:
        return storage_of_pod

    def mapped(self, error: Exception, mapping: ErrorMapping) -> Exception | None:
        """One of the engine's errors without the wrapper; the user's own stay in it."""
        if not isinstance(error, FunctionError):
            return mapping(error)
        carried = error.carried
        return carried if isinstance(carried, FlyteDaskError) else mapping(carried)

    def failure(self, error: BaseException) -> BaseException | None:
        return error.carried if isinstance(error, FunctionError) else error

    @contextmanager
    def show_report(self, make: Callable[[], str], task: str) -> Iterator[None]:
        try:
            yield
        finally:
            self.reports[task] = make()


OTHER_SDK = OtherSdk()


@attrs.frozen
class Task:
    """A function with its cluster."""

    name: str
    config: Dask
    function: Callable[[], Any]
    retries: int
    report: bool


class Environment:
    """The config that tasks are declared with."""

    def task(
        self, config: Dask, *, retries: int = 0, report: bool = False
    ) -> Callable[[Callable[[], Any]], Task]:
        """A decorator."""

        def decorate(function: Callable[[], Any]) -> Task:
            name = f"{function.__module__}.{function.__qualname__}"
            return Task(name, config, function, retries, report)

        return decorate


env = Environment()


def call(function: Callable[[], Any]) -> Any:
    """Call *function* in a thread that has the context variables of this one.

    Raises:
        FunctionError: with what the function raises.
    """
    try:
        return asyncio.run(asyncio.to_thread(function))
    except Exception as error:
        raise FunctionError(error) from error


def run(task: Task) -> dict[str, Any]:
    """How *task* ended, as JSON values."""
    result = failure = None
    try:
        with session(
            task.config, task.name, retries=task.retries, has_deck=task.report, host=OTHER_SDK
        ) as opened:
            result = opened.run(lambda: call(task.function))
    except Exception as error:
        kind = type(error)
        failure = {
            "class": f"{kind.__module__}.{kind.__qualname__}",
            "is_own_class": kind is OTHER_SDK.error(getattr(errors, kind.__name__, FlyteDaskError)),
            "is_retried": not isinstance(error, NonRecoverableError),
            "message": str(error),
        }
    return {
        "result": result,
        "failure": failure,
        "reports": OTHER_SDK.reports,
        "sdks": [each for each in SDKS if each in sys.modules],
    }


def main(name: str, outcome: str) -> None:
    """Run the task of that *name*, ``module:task``, and write how it ended into a file."""
    logging.basicConfig(format="%(name)s %(levelname)s %(message)s")
    OTHER_SDK.logger.setLevel(os.environ.get(LEVEL, "WARNING"))
    module, _, task = name.partition(":")
    ended = run(getattr(import_module(module), task))
    Path(outcome).write_text(json.dumps(ended), encoding="utf-8")
