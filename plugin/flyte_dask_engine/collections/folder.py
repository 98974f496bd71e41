"""The folder that a collection is written to, or read from."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import attrs

from flyte_dask_engine.collections.partitions import UnwritableError

__all__ = ["Folder"]


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

    def prepare(self) -> None:
        """Make the folder.

        Raises:
            UnwritableError: if it has files: a reader would take them for a part of the collection.
        """
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

    @property
    def is_local(self) -> bool:
        """Whether it is in this machine's own file system."""
        return "file" in ((own,) if isinstance(own := self.filesystem.protocol, str) else own)

    def empty(self) -> None:
        """Delete what is in the folder, as far as possible."""
        with suppress(Exception):
            self.filesystem.invalidate_cache()
            found = self.filesystem.ls(self.path, detail=False)
            self.filesystem.rm([each for each in found if each != self.path], recursive=True)
