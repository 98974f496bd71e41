"""Suggestions for names that do not exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice

__all__ = [
    "MOST_NAMES",
    "did_you_mean",
    "did_you_mean_path",
    "few_suggestions",
    "listed",
    "nearest",
    "synonym_of",
]

# Comparing names takes long: 20,000 wrong ones would take seconds, of which few fit in a message.
_LONGEST = 100  # characters of a name
_MOST_COMPARED = 100
_MOST_LISTED = 40

MOST_NAMES = 300
"""The number of names among which the nearest is looked for."""

_compared: ContextVar[list[str] | None] = ContextVar("compared", default=None)
"""The names that were compared in a block; None outside of blocks."""

_SYNONYMS = (
    {"count", "workers", "number_of_workers", "n_workers", "num_workers", "replicas"},
    {"cpu", "cpus", "cores", "nthreads", "threads", "threads_per_worker"},
    {"mem", "memory", "ram", "memory_limit"},
    {"gpu", "gpus"},
    {"ephemeral_storage", "storage", "disk"},
    {"image", "container_image", "docker_image"},
)
"""Sets of names with one meaning, in this package, Dask, Flyte and Kubernetes."""


def did_you_mean(name: str, names: Iterable[str]) -> str | None:
    """``did you mean ...?`` with the nearest of *names*; None if none is near."""
    near = nearest(name, names)
    return near and f"did you mean '{near}'?"


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of *names* that means the same as *name*, or is spelled most alike; None if none."""
    known = [*islice(names, MOST_NAMES)]
    return synonym_of(name, known) or next(iter(_nearest(name, known)), None)


def did_you_mean_path(path: str, paths: Sequence[str], parents: Iterable[str]) -> str | None:
    """``did you mean ...?`` with the one of *paths* whose parts are nearest to those of *path*.

    If only the first parts are near to those of a path, it lists the names that may follow them.

    Args:
        path: names joined by dots, such as ``workers.memory``.
        paths: the paths that exist.
        parents: the first parts that may be missing from *path*, such as ``workers``.
    """
    near = _nearest_path(path, paths)
    if near and near not in paths and "." in path:
        return f"{near} has {listed(_children(near, paths))}"
    inside = (_nearest_path(f"{parent}.{path}", paths) for parent in parents)
    return next((f"did you mean '{each}'?" for each in (near, *inside) if each in paths), None)


def _nearest_path(path: str, paths: Sequence[str]) -> str:
    """The first parts of *path*, each replaced by the nearest that leads to one of *paths*."""
    found = ""
    for part in path.split("."):
        names = _children(found, paths)
        same = [part] if part in names else _synonyms_of(part, names)
        # of names that mean the same, such as cpu and nthreads, the one that is spelled alike
        alike = [each for each in same if each in part or part in each]
        near = next(iter([*alike, *same, *_nearest(part, names)]), None)
        if near is None:
            break
        found = f"{found}.{near}" if found else near
    return found


def _children(parent: str, paths: Iterable[str]) -> list[str]:
    """The names that follow *parent* in *paths*."""
    prefix = f"{parent}." if parent else ""
    inside = (each.removeprefix(prefix) for each in paths if each.startswith(prefix))
    return [*dict.fromkeys(each.partition(".")[0] for each in inside)]


def _nearest(name: str, known: list[str]) -> list[str]:
    """The nearest of *known*, if it is near, and not too many names were compared."""
    compared = _compared.get()
    if len(name) > _LONGEST or (compared is not None and len(compared) >= _MOST_COMPARED):
        return []
    if compared is not None:
        compared.append(name)
    from difflib import get_close_matches  # noqa: PLC0415  # slow to import, and for errors only

    return get_close_matches(name, (each for each in known if len(each) <= _LONGEST), n=1)


@contextmanager
def few_suggestions() -> Iterator[None]:
    """Compare names only for the first hundred that are wrong in the block.

    It is for input of any size; a block in a block counts with it.
    """
    token = _compared.set([]) if _compared.get() is None else None
    try:
        yield
    finally:
        if token is not None:
            _compared.reset(token)


def listed(names: Iterable[str]) -> str:
    """The first of *names*, with ``...`` if there are more."""
    *first, last = [*islice(names, _MOST_LISTED + 1)] or [""]
    return ", ".join([*first, "..." if len(first) == _MOST_LISTED else last])


def synonym_of(name: str, names: Iterable[str]) -> str | None:
    """The first of *names* that means the same as *name* or equals it; None if there is none."""
    return next(iter(_synonyms_of(name, names)), None)


def _synonyms_of(name: str, names: Iterable[str]) -> list[str]:
    synonyms = next((group for group in _SYNONYMS if name in group), {name})
    return [each for each in names if each in synonyms]
