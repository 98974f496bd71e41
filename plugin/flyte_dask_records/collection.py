"""Finds the records of runs: in files of records, in decks, and in folders of both."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import attrs

from flyte_dask.errors import clipped
from flyte_dask_records.errors import InvalidRecord
from flyte_dask_records.notation import MOST_BYTES, loads
from flyte_dask_records.pages import records_in
from flyte_dask_records.places import is_local, opened
from flyte_dask_records.record import Record

__all__ = ["Collected", "Found", "Unread", "collect"]

_MOST_FILES = 10_000
_MOST_PAGE = 100_000_000  # bytes
_MOST_TEXT = 500  # bytes of a reason
_PAGES = (".html", ".htm")
_FILES = (".json", *_PAGES)
_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs"}


class Found(NamedTuple):
    """A record, and where it was found."""

    place: str
    record: Record


class Unread(NamedTuple):
    """A place without a record that can be read, and the reason."""

    place: str
    reason: str


@attrs.frozen
class Collected:
    """What was found at some places."""

    runs: tuple[Found, ...]
    """The records by task and time; of a run that was found twice, one."""
    unread: tuple[Unread, ...]
    """The places where something could not be read."""


def collect(paths: Iterable[str]) -> Collected:
    """All records at *paths*: files of records, decks, and folders with both at any depth.

    Paths are local, or URLs that fsspec knows. A folder is searched for files that end with
    ``.json``, ``.html`` and ``.htm``, but for hidden ones.
    """
    runs, unread = dict[str, Found](), list[Unread]()
    for path in paths:
        for each in _of_path(path):
            if isinstance(each, Unread):
                unread.append(each)
            else:
                runs.setdefault(each.record.run or each.place, each)
    ranked = sorted(runs.values(), key=lambda each: (each.record.task, each.record.began))
    return Collected(tuple(ranked), tuple(unread))


def _of_path(path: str) -> Iterator[Found | Unread]:
    try:
        filesystem, inner = opened(path)
        is_folder = filesystem.isdir(inner or "/")
        files, left = _files(filesystem, inner) if is_folder else ([inner], 0)
    except Exception as error:  # the filesystem's own, or a missing package
        yield Unread(path, _reason(path, error))
        return
    if not files:
        yield Unread(path, "the folder has no files that end with .json or .html")
    if left:
        yield Unread(path, f"the folder has {left:,} files more than {_MOST_FILES:,}")
    for file in files:
        yield from _of_file(filesystem, file, _shown(path, inner, file, filesystem))


def _files(filesystem: Any, folder: str) -> tuple[list[str], int]:
    """The paths of the files in *folder*, and how many more there are."""
    found = sorted(
        file
        for file in filesystem.find(folder or "/")
        if file.lower().endswith(_FILES) and not _name(file).startswith(".")
    )
    return found[:_MOST_FILES], max(len(found) - _MOST_FILES, 0)


def _of_file(filesystem: Any, file: str, place: str) -> Iterator[Found | Unread]:
    """The records in *file*, which is shown as *place*."""
    is_page = file.lower().endswith(_PAGES)
    try:
        with filesystem.open(file, "rb") as stream:
            data = stream.read((_MOST_PAGE if is_page else MOST_BYTES) + 1)
    except Exception as error:  # as above
        yield Unread(place, _reason(place, error))
        return
    if not is_page:
        yield _read(data, place)
        return
    blocks = list(records_in(data.decode(errors="replace")))
    if not blocks:
        yield Unread(place, "the page has no record: it is no deck, or that of an earlier version")
    for block in blocks:
        yield _read(block, place)


def _read(text: str | bytes, place: str) -> Found | Unread:
    try:
        return Found(place, loads(text, place))
    except InvalidRecord as error:
        problems = "; ".join(f"{each.location} {each}" for each in error.problems[:3])
        rest = len(error.problems) - 3
        more = f"; and {rest:,} more problems" if rest > 0 else ""
        return Unread(place, clipped(problems, _MOST_TEXT) + more)


def _shown(path: str, inner: str, file: str, filesystem: Any) -> str:
    """The address of *file*, which was found at *path*, in the same form as that."""
    if file == inner:
        return path
    if not is_local(filesystem):
        return str(filesystem.unstrip_protocol(file))
    return os.path.join(path, os.path.relpath(file, inner or "/"))  # noqa: PTH118  # it may be a URL


def _reason(path: str, error: Exception) -> str:
    """Why *path* cannot be read."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file or folder"
    protocol = path.partition("://")[0]
    if isinstance(error, ImportError) and protocol in _PACKAGES:
        return f"{_PACKAGES[protocol]} is not installed: pip install {_PACKAGES[protocol]}"
    return clipped(f"{type(error).__name__}: {error}", _MOST_TEXT)


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
