"""The sizes of a task's inputs, as far as they are known without reading or computing them.

Values other than numbers are looked at for their size only.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import attrs

from flyte_dask_records import InputRecord

__all__ = ["Inputs"]

_MOST = 50  # inputs
_MOST_FILES = 10_000  # of a folder
_PATIENCE = 0.2  # seconds for all folders
_LARGEST = 10**18  # of any number
_CONTAINERS = (bytes, bytearray, dict, frozenset, list, set, tuple)


class Inputs:
    """The inputs of one run, by name."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._files: dict[str, Path] = {}
        self._measured: dict[str, InputRecord] = {}
        for name, value in islice(values.items(), _MOST):
            self._measured[name] = self._measure(str(name), value)

    def records(self) -> tuple[InputRecord, ...]:
        """The sizes; those of files that were downloaded meanwhile are known, too."""
        deadline = time.monotonic() + _PATIENCE
        for name, path in self._files.items():
            known = self._measured[name]
            if known.nbytes is None:
                size = _size_of(path, deadline)
                self._measured[name] = attrs.evolve(known, nbytes=size)
        return tuple(self._measured.values())

    def _measure(self, name: str, value: Any) -> InputRecord:
        found = InputRecord(name=name, type=type(value).__name__)
        with suppress(Exception):  # of a class that is not what it looks like
            if (path := _path_of(value)) is not None:
                self._files[name] = path
                return found
            return attrs.evolve(found, **_bounded(dict(_sizes(value))))
        return found


def _path_of(value: Any) -> Path | None:
    """Where the file or the folder *value* is on this machine, or would be; None if it is none."""
    if isinstance(value, Path):
        return value
    # as files of both SDKs; `os.fspath` would download them, and text may be anything
    path = getattr(value, "path", None) if _is_of_sdk(value) else None
    return Path(path) if isinstance(path, str) and "://" not in path else None


def _is_of_sdk(value: object) -> bool:
    return type(value).__module__.partition(".")[0] in {"flyte", "flytekit"}


def _sizes(value: Any) -> Iterator[tuple[str, Any]]:
    """The fields of an `InputRecord` for *value*, without those that are unknown."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        yield "value", float(value)
    elif isinstance(value, (bytes, bytearray)):
        yield "nbytes", len(value)
    elif isinstance(value, _CONTAINERS):
        yield "rows", len(value)
    elif hasattr(type(value), "__dask_graph__"):  # the length of a frame would be computed
        yield "nbytes", getattr(value, "nbytes", None) if hasattr(value, "chunks") else None
    elif _is_of_sdk(value):  # a dataframe that the function may not have read
        for name in ("dataframe", "val"):
            if (held := getattr(value, name, None)) is not None:
                yield from _sizes(held)
    else:
        yield from _sizes_of_table(value)


def _sizes_of_table(value: Any) -> Iterator[tuple[str, Any]]:
    """The sizes of a table or an array of pandas, Polars, PyArrow or NumPy."""
    kind = type(value)
    if not hasattr(kind, "__len__") or not hasattr(kind, "shape"):
        return
    yield "rows", value.shape[0] if value.shape else 1
    if hasattr(kind, "memory_usage"):
        used = value.memory_usage(deep=False)
        yield "nbytes", int(used if isinstance(used, int) else used.sum())
    elif hasattr(kind, "estimated_size"):
        yield "nbytes", value.estimated_size()
    elif hasattr(kind, "nbytes"):
        yield "nbytes", value.nbytes


def _bounded(sizes: Mapping[str, Any]) -> dict[str, Any]:
    """*sizes* without those that no record can have, such as infinite ones."""
    found = {}
    for name, size in sizes.items():
        if size is not None and math.isfinite(size) and abs(size) <= _LARGEST:
            found[name] = float(size) if name == "value" else int(size)
    return found


def _size_of(path: Path, deadline: float) -> int | None:
    """The bytes of a file or of all files in a folder; None if it is not there or too large."""
    try:
        if not path.is_dir():
            return path.stat().st_size
        return _size_of_folder(path, deadline)
    except (OSError, ValueError):
        return None


def _size_of_folder(folder: Path, deadline: float) -> int | None:
    total = number = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            number += 1
            if number > _MOST_FILES or time.monotonic() > deadline:
                return None
            total += os.stat(os.path.join(parent, name), follow_symlinks=False).st_size  # noqa: PTH116, PTH118  # faster
    return total
