"""Invalid configs that are recorded instead of raised, so that one import finds all of a module.

Only the command does that, with a module whose import has failed. Whatever an invalid call would
have returned is replaced by a stand-in: a valid config, which is not what the user meant. What is
made of a stand-in is one too, so that no advice is given on it, and no error that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar, final

import attrs

from flyte_dask.errors.call_site import CallSite, user_call_site
from flyte_dask.errors.errors import ConfigError, InvalidConfig, Problem, raise_if_any

__all__ = [
    "Recording",
    "current_recording",
    "raise_or_record",
    "recorded_errors",
    "recorded_removal",
]

T = TypeVar("T")

_current: ContextVar[Recording | None] = ContextVar("recording", default=None)
"""The recording of this thread; other threads, which a module starts, raise errors as ever."""


@final
class Recording:
    """The errors of invalid configs, and what stands in for these configs."""

    def __init__(self) -> None:
        self.errors: list[ConfigError] = []
        """The errors, in the order in which they would have been raised."""
        self._stand_ins: dict[int, object] = {}  # kept, since an id may be used again

    def call(
        self,
        function: Callable[[], T],
        stand_in: Callable[[], T] | None,
        arguments: Iterable[object],
    ) -> T:
        """What *function* returns with these *arguments*; what *stand_in* returns, if it raises.

        What it calls itself raises its errors as ever.

        Raises:
            ConfigError: if there is no *stand_in*, or it raises any error.
        """
        token = _current.set(None)
        try:
            result = function()
        except ConfigError as error:
            result = self._replaced(error, stand_in)
        else:
            self.follow(result, arguments)
        finally:
            _current.reset(token)
        return result

    def _replaced(self, error: ConfigError, stand_in: Callable[[], T] | None) -> T:
        if stand_in is None:
            raise error
        try:
            result = stand_in()
        except Exception:
            raise error from None
        self.record(error, result)
        return result

    def record(self, error: ConfigError, stand_in: object) -> None:
        """Record *error*, because of which *stand_in* is not what the user wrote.

        Problems with values that are stand-ins are left out: the user wrote others.
        """
        problems = [each for each in error.problems if not self._has_stand_in(each.value)]
        if len(problems) == len(error.problems):
            self.errors.append(error)
        elif problems:
            rest = type(error)(error.subject, problems, error.call_site)
            self.errors.append(rest.with_traceback(error.__traceback__))
        self._stand_ins[id(stand_in)] = stand_in

    def _has_stand_in(self, value: object) -> bool:
        """Whether *value* is a stand-in, or a collection with one."""
        items = value.values() if type(value) is dict else value
        if type(value) in {dict, frozenset, list, set, tuple} and isinstance(items, Iterable):
            return any(map(self.is_stand_in, items))
        return self.is_stand_in(value)

    def follow(self, result: object, sources: Iterable[object]) -> None:
        """Record *result* as a stand-in, if one of its *sources* is one."""
        if any(map(self.is_stand_in, sources)):
            self._stand_ins[id(result)] = result

    def is_stand_in(self, value: object) -> bool:
        """Whether *value* is a stand-in, was made of one, or has one as a part."""
        if id(value) in self._stand_ins:
            return True
        kind = type(value)
        if not (attrs.has(kind) and kind.__module__.startswith("flyte_dask.")):
            return False
        return any(self.is_stand_in(getattr(value, each.name)) for each in attrs.fields(kind))


def current_recording() -> Recording | None:
    """The recording of this thread; None if errors are raised, as they are by default."""
    return _current.get()


@contextmanager
def recorded_errors() -> Iterator[Recording]:
    """Record the errors of this thread's configs and tasks in the block, instead of raising them.

    Errors for which there is no stand-in are raised. Blocks cannot be nested.
    """
    recording = Recording()
    token = _current.set(recording)
    try:
        yield recording
    finally:
        _current.reset(token)


def raise_or_record(
    subject: str,
    problems: Iterable[Problem],
    stand_in: object,
    *,
    config: object,
    at: CallSite | None,
) -> bool:
    """Whether there are no *problems*; with problems, *stand_in* is valid only in a recording.

    There, the problems of a *config* that is a stand-in itself are not recorded.

    Raises:
        InvalidConfig: with all *problems*, without a recording.
    """
    recording = current_recording()
    try:
        raise_if_any(subject, problems, at=at)
    except InvalidConfig as error:
        if recording is None:
            raise
        if recording.is_stand_in(config):
            recording.follow(stand_in, [config])
        else:
            recording.record(error, stand_in)
        return False
    return True


def recorded_removal(package: str, name: str, remedy: str) -> type | None:
    """The class that stands in for *name*, which *package* no longer has.

    None if errors are raised. Otherwise the one with this *remedy* is recorded, and instances of
    the class are stand-ins, whatever they are made of.
    """
    recording = current_recording()
    if recording is None:
        return None

    def __init__(self: object, *_: object, **__: object) -> None:  # noqa: N807  # of the class
        recording.follow(self, [removed])

    removed = type(name, (), {"__init__": __init__})
    problem = Problem(name, attrs.NOTHING, f"is not in {package} any more", remedy)
    error = InvalidConfig(f"{package}.{name}", [problem], user_call_site())
    recording.record(error, removed)
    return removed
