"""The folders of records: files are written and found wherever fsspec reaches."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flyte_dask_records.record import Record

__all__ = ["file_name", "is_local", "opened", "write"]

_UNSAFE = re.compile(r"[^A-Za-z0-9.]+")
_MOST_OF_TASK, _MOST_OF_EXECUTION = 80, 60  # characters in a name
_UNIQUE = 12  # hex digits
_LOCAL = ("file", "local")


def file_name(record: Record) -> str:
    """The name of the file of *record*: it sorts by time, and no other run has the same.

    It consists of the time in UTC, the task, the execution and the attempt if they are known, and
    the start of the run's random identifier, which tells runs of a map task apart.
    """
    began = datetime.fromisoformat(record.began)
    attempt = None if record.attempt is None else str(record.attempt)
    parts = [
        f"{began:%Y%m%dT%H%M%S}.{began.microsecond // 1000:03}Z",
        _UNSAFE.sub("-", record.task)[-_MOST_OF_TASK:],
        _UNSAFE.sub("-", record.execution or "")[:_MOST_OF_EXECUTION],
        attempt,
        record.run[:_UNIQUE],
    ]
    return f"{'_'.join(part for part in parts if part)}.json"


def write(text: str, folder: str, name: str) -> str:
    """Write *text* to the file *name* in *folder*, which is made; return its address.

    A reader sees the whole file or none.

    Raises:
        Exception: whatever the filesystem raises, or the import of its package.
    """
    filesystem, path = opened(folder)
    target, data = f"{path}/{name}", text.encode()
    if is_local(filesystem):  # blob stores have no folders, and show complete files only
        filesystem.makedirs(path or "/", exist_ok=True)
        filesystem.pipe_file(f"{path}/.{name}.part", data)
        filesystem.mv(f"{path}/.{name}.part", target)
    else:
        filesystem.pipe_file(target, data)
    return str(filesystem.unstrip_protocol(target))


def opened(place: str) -> tuple[Any, str]:
    """The filesystem of *place*, which is a path or a URL, and the path in it.

    Raises:
        ImportError: if the package of the filesystem is not installed.
        ValueError: if no filesystem has this protocol.
    """
    from fsspec.core import url_to_fs  # noqa: PLC0415  # most programs need neither

    filesystem, path = url_to_fs(place)
    return filesystem, str(path).rstrip("/")


def is_local(filesystem: Any) -> bool:
    """Whether it is this machine's own."""
    own = filesystem.protocol
    return bool({own} & {*_LOCAL} if isinstance(own, str) else {*own} & {*_LOCAL})
