"""What is stored with an object: its items and attributes, read without code of the user's."""

from __future__ import annotations

import builtins
import copyreg
import functools
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from itertools import chain, count, islice
from types import FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

from flyte_dask_engine.collections.imported import imported_class

__all__ = ["ATOMS", "MAX_MEMBERS", "Step", "attributes", "items", "members"]

ATOMS = (str, bytes, bytearray, int, float, complex, type(None), type)
"""Classes of objects without members."""

MAX_MEMBERS = 500
"""The number of items of each container that are read; those of lists are of one kind."""

Step = tuple[str, object]
"""A format, and the key, index or name in it."""

_Members = Iterable[tuple[Step, object]]

_NOWHERE: Step = ("", None)
_BY_NAME = (FunctionType, ModuleType, type(functools.lru_cache(int)))
_HOOKS = ("__reduce_ex__", "__reduce__", "__getstate__")
_GENERATED = ("attr._make", "dataclasses", "tblib.pickling_support")
"""The modules whose functions pickle all of an object: of a class with slots, or an exception.

Distributed has the last one registered for all exceptions that it knows.
"""

_KINDS: tuple[Any, ...] = (
    *(Counter, OrderedDict, defaultdict, deque),
    *(MethodType, SimpleNamespace, partial),
)
"""Classes that are pickled with all that they contain; those of `builtins` are too."""


def members(value: object) -> _Members:
    """What is stored with *value*, each with the step to it.

    Nothing is, if its class decides what is pickled of it. That also holds for a dataclass with a
    ``__getstate__`` or ``__reduce__``, although flytekit stores one as JSON where that is the type
    of an output: it fails there by itself with a field that refers to the cluster. Where a
    dataclass is in another value, or the output has no type, it is pickled as any object.
    """
    array = _of_array(value)
    if array is not None:
        return array
    if not _is_pickled_whole(value):
        return ()
    is_dict = issubclass(type(value), dict)
    return chain(attributes(value), _with_keys(value) if is_dict else items(value))


def items(value: Any) -> _Members:
    """The items of a container of Python's own kinds, which is the class or one of its bases."""
    kind: Any = type(value)
    if issubclass(kind, dict):
        return ((("[{!r}]", key), each) for key, each in dict.items(value))
    if issubclass(kind, tuple):
        names, form = getattr(kind, "_fields", None), ".{}"
        if type(names) is not tuple or len(names) != tuple.__len__(value):
            names, form = count(), "[{}]"
        named = zip(names, tuple.__iter__(value), strict=False)
        return (((form, name), each) for name, each in named)
    one: Any
    for one in (list, deque):
        if issubclass(kind, one):
            return _numbered(one.__iter__(value))
    for one in (set, frozenset):
        if issubclass(kind, one):
            return ((_NOWHERE, member) for member in one.__iter__(value))
    return _of_slots(value)


def attributes(value: object) -> _Members:
    """The attributes of *value* that are set."""
    kind = type(value)
    stored: Any = {}
    with suppress(AttributeError):  # it has slots only
        stored = object.__getattribute__(value, "__dict__")
    for name, each in islice(list(dict.items(stored)), MAX_MEMBERS):
        public = name.lstrip("_")
        yield (".{}", public if hasattr(kind, public) else name), each
    slots = (vars(each).get("__slots__", ()) for each in kind.__mro__)
    for name in chain.from_iterable([each] if isinstance(each, str) else each for each in slots):
        with suppress(AttributeError):  # it is not set
            yield (".{}", name), object.__getattribute__(value, name)


def _numbered(each: Iterable[object], form: str = "[{}]") -> _Members:
    return (((form, number), member) for number, member in enumerate(each))


def _with_keys(value: Any) -> _Members:
    """The values of a dictionary, and the keys that may have members."""
    for key, each in dict.items(value):
        yield ("[{!r}]", key), each
        if not issubclass(type(key), ATOMS):
            yield _NOWHERE, key


def _of_slots(value: Any) -> _Members:
    """What is in neither an item nor an attribute of a dictionary or of Python's own slots."""
    kinds: tuple[tuple[Any, tuple[str, ...]], ...] = (
        (partial, ("func", "args", "keywords")),
        (BaseException, ("args",)),
        (MethodType, ("__self__",)),
    )
    for kind, names in kinds:
        if issubclass(type(value), kind):
            return [((".{}", name), vars(kind)[name].__get__(value)) for name in names]
    return ()


def _is_pickled_whole(value: object) -> bool:
    """Whether the pickle of *value* has all its items and attributes.

    This is so if its class inherits from one of Python's own how it is pickled.
    """
    kind: Any = type(value)
    if issubclass(kind, _BY_NAME):
        return False
    registered = copyreg.dispatch_table.get(kind)
    if registered is not None:
        return _is_generated(registered)
    base = next(each for each in kind.__mro__ if _is_pythons(each))
    hooks = ((getattr(kind, name, None), getattr(base, name, None)) for name in _HOOKS)
    return all(hook is pythons or _is_generated(hook) for hook, pythons in hooks)


def _is_pythons(kind: type) -> bool:
    return kind in _KINDS or vars(builtins).get(kind.__name__) is kind


def _is_generated(hook: object) -> bool:
    """Whether *hook* is of one of those modules; its ``__module__`` may be that of the class."""
    return getattr(hook, "__globals__", {}).get("__name__") in _GENERATED


def _of_array(value: Any) -> _Members | None:
    """The objects in an array of NumPy, or in a column of pandas; None if it is not one.

    An instance can only exist if the module is imported.
    """
    kind = type(value)
    if kind is imported_class("numpy", "ndarray"):
        form = "[{}]" if value.ndim == 1 else ".flat[{}]"
        return _numbered(value.flat, form) if _is_object(value.dtype) else ()
    if kind is imported_class("pandas", "Series"):
        return _numbered(value.array, ".iloc[{}]") if _is_object(value.dtype) else ()
    if kind is imported_class("pandas", "DataFrame"):
        columns = enumerate(zip(value.columns, value.dtypes.array, strict=True))
        return (
            (("[{!r}]", name), value.iloc[:, number])
            for number, (name, dtype) in columns
            if _is_object(dtype)
        )
    return None


def _is_object(dtype: Any) -> bool:
    return bool(dtype.kind == "O")  # of strings too, with some of pandas' types
