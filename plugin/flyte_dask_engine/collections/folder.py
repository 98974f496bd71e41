"""The folder that a collection is written to, or read from."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import attrs

from flyte_dask_engine.collections.partitions import WRITING, UnwritableError

__all__ = ["SORTED", "Folder"]

SORTED = "_sorted_index"
"""The file by which a folder tells that the index of its frame increases, also between files."""


@attrs.frozen
class Folder:
    """A folder in a file system or blob store."""

    uri: str
    filesystem: Any = attrs.field(repr=False)
    """The fsspec filesystem. While an SDK's storage settings are active, its pickle has none of
    their credentials: it gets those of the process that loads it."""
    path: str
    """The path in *filesystem*."""

    @classmethod
    def at(cls, uri: str) -> Folder:
        """The folder at *uri*."""
        from fsspec.core import url_to_fs  # noqa: PLC0415  # plain tasks don't need it

        filesystem, path = url_to_fs(uri)
        return cls(uri, filesystem, str(path).rstrip("/"))

    def prepare(self, others: Iterable[Folder] = ()) -> None:
        """Make the folder.

        Args:
            others: folders that are written to together with it.

        Raises:
            UnwritableError: if it has files, or is one of *others*: a reader would take those for a
                part of the collection.
        """
        if any(map(self.overlaps, others)):
            raise UnwritableError(f"two outputs have the uri {self.uri}: each needs one of its own")
        self.filesystem.invalidate_cache()
        with suppress(FileNotFoundError):
            found = self.filesystem.ls(self.path, detail=False)
            if any(str(each).rstrip("/") != self.path for each in found):
                raise UnwritableError(
                    f"{self.uri} is not empty: its files would be mixed with the new ones. Delete "
                    "them, or omit the uri: then each attempt gets a folder of its own"
                )
        if self.is_local:  # blob stores have no folders
            self.filesystem.makedirs(self.path, exist_ok=True)

    def overlaps(self, other: Folder) -> bool:
        """Whether one of both is the other, or in it."""
        ours, theirs = f"{self.path}/", f"{other.path}/"
        is_same = type(self.filesystem) is type(other.filesystem)
        return is_same and (ours.startswith(theirs) or theirs.startswith(ours))

    def mark(self, name: str) -> None:
        """Make an empty file, whose *name* is one that readers ignore."""
        self.filesystem.pipe_file(f"{self.path}/{name}", b"")

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return bool(self.filesystem.exists(f"{self.path}/{name}"))

    def unmark(self, name: str) -> None:
        """Delete such a file, if there is one."""
        with suppress(FileNotFoundError):
            self.filesystem.rm_file(f"{self.path}/{name}")

    @property
    def is_local(self) -> bool:
        """Whether it is in this machine's own file system."""
        return "file" in ((own,) if isinstance(own := self.filesystem.protocol, str) else own)

    def empty(self) -> None:
        """Delete what is in the folder, as far as possible.

        What is still being written then deletes itself: its marker goes first.
        """
        with suppress(Exception):
            self.unmark(WRITING)
            self.filesystem.invalidate_cache()
            found = self.filesystem.ls(self.path, detail=False)
            self.filesystem.rm([each for each in found if each != self.path], recursive=True)
