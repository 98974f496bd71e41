"""Errors of outputs that are converted, as they were raised.

flytekit replaces the arguments of such an error by a text of its own. That loses all but the first
of them, breaks classes that need the others, and fails if there are none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from flytekit.core.type_engine import TypeEngine

from flyte_dask_engine.foreign_errors import tame

__all__ = ["ErrorsOfOutputs", "errors_of_outputs"]

_collecting: ContextVar[ErrorsOfOutputs | None] = ContextVar("_collecting", default=None)


class ErrorsOfOutputs:
    """The errors of a task's outputs, each with the arguments that it was raised with."""

    def __init__(self) -> None:
        self._raised: list[tuple[Exception, tuple[Any, ...]]] = []

    def add(self, error: Exception) -> None:
        """Note an *error*, before flytekit changes it."""
        tame(error)
        self._raised.append((error, error.args))

    def restored(self, error: Exception) -> Exception:
        """The error of an output, as it was raised, for the *error* that flytekit raises."""
        raised = self._raised
        known = [(each, args) for each, args in raised if each is error] or raised[:1]
        for each, args in known:
            each.args = args
            return each
        return error


@contextmanager
def errors_of_outputs() -> Iterator[ErrorsOfOutputs]:
    """Collect the errors of the outputs that flytekit converts in the block."""
    _wrap_conversion()
    errors = ErrorsOfOutputs()
    token = _collecting.set(errors)
    try:
        yield errors
    finally:
        _collecting.reset(token)


def _wrap_conversion() -> None:
    """Let flytekit's conversion note its errors; it has no hook for that."""
    convert = TypeEngine.async_to_literal.__func__  # type: ignore[attr-defined]  # of a class method
    if getattr(convert, "notes_errors", False):
        return

    async def async_to_literal(cls: type[TypeEngine[Any]], *args: Any, **kwargs: Any) -> Any:
        errors = _collecting.get()
        token = _collecting.set(None)  # an output's parts are converted by the same method
        try:
            return await convert(cls, *args, **kwargs)
        except Exception as error:
            if errors is not None:
                errors.add(error)
            raise
        finally:
            _collecting.reset(token)

    vars(async_to_literal)["notes_errors"] = True
    TypeEngine.async_to_literal = classmethod(async_to_literal)  # type: ignore[method-assign, assignment]
