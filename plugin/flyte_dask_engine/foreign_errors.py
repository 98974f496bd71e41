"""Exceptions of other people's code: read, walked and made harmless, whatever their methods do.

Their ``__str__``, ``args`` or ``__cause__`` may raise, recurse without end or be enormous, and
their causes may form a circle. The module is pickled by value into the cluster, like
`flyte_dask_engine.cluster_plugins`, so it may use only Python.
"""

from __future__ import annotations

import errno
import itertools
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

__all__ = [
    "chain_of",
    "describe",
    "frames_of",
    "is_a",
    "is_harmless",
    "is_of_full_disk",
    "kind_of",
    "make_sendable",
    "tame",
    "text_of",
    "traceback_of",
]

_MAX_TEXT = 4000  # characters of an exception in a message of ours
_MOST = 20_000  # exceptions of a chain that are looked at
_DEEPEST_SENT = 50  # exceptions of a chain that are pickled
_TRAPS = (Exception, GeneratorExit, SystemExit)  # what a method may raise; not Control-C

# Attributes that Python and its libraries read of an exception; a class may override each.
_READ = ("args", "__cause__", "__context__", "__suppress_context__", "__traceback__")
_READ_OF_SOME = ("__notes__", "exceptions")


def kind_of(error: BaseException) -> str:
    """The name of its class."""
    name = type.__dict__["__name__"].__get__(type(error))  # a metaclass may override it
    return str(name)


def is_a(error: BaseException, kinds: Any) -> bool:
    """Whether it is an instance of *kinds*, without its ``__class__``, which may raise."""
    return issubclass(type(error), kinds)


def is_of_full_disk(error: BaseException) -> bool:
    """Whether it means that a disk, or the quota on it, is full."""
    return is_a(error, OSError) and getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT}


def text_of(error: BaseException, most: int = _MAX_TEXT) -> str:
    """Its text, or what kept it from having one; at most about *most* characters."""
    try:
        text = "".join([str(error)])  # no subclass of str
    except _TRAPS as own:
        text = _text_without(error, kind_of(own))
    left = len(text) - most
    return f"{text[:most]} ... ({left:,} characters more)" if left > 0 else text


def _text_without(error: BaseException, raised: str) -> str:
    """A text for *error*, whose own method raises an error of the class *raised*."""
    with suppress(*_TRAPS):  # of its arguments
        return f"{BaseException.__str__(error)} (str() of this error raised {raised})"
    return f"str() of this error raised {raised}"


def describe(error: BaseException, most: int = _MAX_TEXT) -> str:
    """Its class and its text."""
    return f"{kind_of(error)}: {text_of(error, most)}"


def frames_of(error: BaseException) -> Iterator[FrameType]:
    """The frames of its traceback, from the outermost to the innermost."""
    traceback = traceback_of(error)
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def traceback_of(error: BaseException) -> TracebackType | None:
    """Its traceback."""
    traceback: TracebackType | None = _read(error, "__traceback__")
    return traceback


def chain_of(error: BaseException, *, with_contexts: bool = False) -> Iterator[BaseException]:
    """*error*, its causes and the members of groups; also their contexts, if *with_contexts*.

    Each occurs once, and a chain without an end is cut.
    """
    return itertools.islice(_walk(error, with_contexts=with_contexts), _MOST)


def _walk(
    error: BaseException, *, with_contexts: bool, with_suppressed: bool = False
) -> Iterator[BaseException]:
    # the exceptions themselves are kept, since an id is used again
    waiting, seen = deque([error]), dict[int, BaseException]()
    while waiting:
        each = waiting.popleft()
        if id(each) in seen:
            continue
        seen[id(each)] = each
        yield each
        following = [_read(each, "__cause__")]
        if with_contexts and (with_suppressed or not _read(each, "__suppress_context__")):
            following.append(_read(each, "__context__"))
        following += _members(each)
        waiting += [also for also in following if issubclass(type(also), BaseException)]


def _read(error: BaseException, name: str) -> Any:
    """The attribute *name* as Python itself keeps it, whatever its class makes of that."""
    return BaseException.__dict__[name].__get__(error)


def _members(error: BaseException) -> tuple[Any, ...]:
    """The members of a group; nothing if it is none, or reading them raises."""
    try:
        members = getattr(error, "exceptions", ())
    except _TRAPS:
        return ()
    return members if type(members) is tuple else ()


def tame(error: BaseException, deepest: int = _MOST) -> None:
    """Make *error* and its chain harmless for what prints or walks them, as an SDK does.

    An exception that raises when it is read gets a subclass of its class, with the same name, whose
    methods don't. Handlers still catch it, and it keeps its attributes and its traceback. Circles
    of causes and contexts are cut, and so are chains that are longer than *deepest*.
    """
    walked = _walk(error, with_contexts=True, with_suppressed=True)
    for each in itertools.islice(walked, _MOST):
        if not is_harmless(each):
            with suppress(*_TRAPS):  # its class allows no subclass
                object.__setattr__(each, "__class__", _tamed(each))
    _cut(error, deepest)


def make_sendable(error: BaseException) -> None:
    """Make *error* harmless, with a chain that can be pickled.

    Dask follows the causes for as long as there are any, and each is pickled within the one before,
    which takes a deeper stack.
    """
    tame(error, _DEEPEST_SENT)


def _cut(error: BaseException, deepest: int) -> None:
    """Remove causes and contexts that close a circle, or are deeper than *deepest*."""
    path, done = [(error, iter(_links(error)))], dict[int, BaseException]()
    on_path, removed = {id(error)}, list[BaseException]()  # kept, since an id is used again
    while path:
        each, links = path[-1]
        for name, link in links:
            if id(link) in on_path or len(path) >= deepest:
                removed.append(link)
                _unlink(each, name)
            elif id(link) not in done:
                on_path.add(id(link))
                path.append((link, iter(_links(link))))
                break
        else:
            path.pop()
            on_path.remove(id(each))
            done[id(each)] = each


def _links(error: BaseException) -> list[tuple[str, BaseException]]:
    """What *error* refers to, with the name of the attribute."""
    links = [(name, _read(error, name)) for name in ("__cause__", "__context__")]
    links += [("exceptions", each) for each in _members(error)]
    return [(name, link) for name, link in links if issubclass(type(link), BaseException)]


def _unlink(error: BaseException, name: str) -> None:
    if name != "exceptions":  # those of a group cannot be removed, nor form a circle by themselves
        is_suppressed = _read(error, "__suppress_context__")
        BaseException.__dict__[name].__set__(error, None)
        # which setting a cause has set
        BaseException.__dict__["__suppress_context__"].__set__(error, is_suppressed)


def is_harmless(error: BaseException) -> bool:
    """Whether *error* can be printed and read, and raised again: handlers set its traceback."""
    try:
        str(error), repr(error), isinstance(error, _Unrelated)
        error.__traceback__ = traceback_of(error)
    except _TRAPS:
        return False
    return all(_is_readable(error, name) for name in (*_READ, *_READ_OF_SOME))


def _is_readable(error: BaseException, name: str) -> bool:
    try:
        getattr(error, name, None)
    except _TRAPS:
        return False
    return True


class _Unrelated(Exception):
    """A class of which no exception is an instance, so that ``__class__`` is read."""


def _tamed(error: BaseException) -> type[BaseException]:
    """A subclass of the class of *error* whose instances can be read."""
    kind = type(error)
    plain: dict[str, Any] = {name: BaseException.__dict__[name] for name in _READ}
    plain |= {
        "__slots__": (),
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__doc__": kind.__doc__,
        "__getattribute__": BaseException.__getattribute__,
        "__setattr__": BaseException.__setattr__,
        "__str__": _str_of(error),
        "__repr__": lambda self: f"{kind.__name__}({str(self)!r})",
    }
    plain |= {name: () for name in _READ_OF_SOME if not _is_readable(error, name)}
    make: Any = type(kind)  # its metaclass
    made: type[BaseException] = make(kind.__name__, (kind,), plain)
    return made


def _str_of(error: BaseException) -> Any:
    """A method ``__str__`` for the class of *error* that does not raise."""
    kind, failure = type(error), None
    try:
        str(error)
    except _TRAPS as own:
        failure = kind_of(own)

    def text(self: BaseException) -> str:
        if failure is not None:  # once more may recurse
            return _text_without(self, failure)
        try:
            return "".join([kind.__str__(self)])
        except _TRAPS as own:
            return _text_without(self, kind_of(own))

    return text
