"""Writes collections together, so that work that they share is done once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from flyte_dask_engine.collections.folder import Folder
from flyte_dask_engine.collections.frames import Compute
from flyte_dask_engine.collections.partitions import UnwritableError
from flyte_dask_engine.collections.written import Written
from flyte_dask_engine.errors import InvalidOutput
from flyte_dask_engine.host import Host

__all__ = ["Writer", "write_all", "writing"]


class Writer(Protocol):
    """A collection that is to be written to a folder."""

    @property
    def folder(self) -> Folder:
        """Where it is written to."""
        ...

    def start(self) -> Any:
        """Write what comes before the partitions; the Dask collection that writes these."""
        ...

    def finish(self, result: Any, compute: Compute) -> Written:
        """Complete what the computation of that collection wrote, which returned *result*."""
        ...


def write_all(writers: Sequence[Writer], compute: Compute) -> list[Written]:
    """Write all collections; if one fails, nothing is left of any.

    Args:
        writers: the collections.
        compute: computes Dask collections together, and returns their results.

    Raises:
        UnwritableError: if a folder already has files, or a partition cannot be written.
    """
    prepared = list[Folder]()
    try:
        for writer in writers:
            writer.folder.prepare(prepared)
            prepared.append(writer.folder)
        results = _computed([writer.start() for writer in writers], compute)
        return [
            writer.finish(result, compute) for writer, result in zip(writers, results, strict=True)
        ]
    except BaseException:
        for folder in prepared:
            folder.empty()
        raise


def _computed(collections: Sequence[Any], compute: Compute) -> list[Any]:
    """The results of *collections*, of which Dask optimizes those of one kind together."""
    results = dict[int, Any]()
    for are_expressions in (True, False):
        group = [
            (number, each)
            for number, each in enumerate(collections)
            if hasattr(type(each), "expr") is are_expressions
        ]
        if group:
            found = compute([each for _, each in group])
            results.update(zip((number for number, _ in group), found, strict=True))
    return [results[number] for number in range(len(collections))]


@contextmanager
def writing(task: str | None, host: Host) -> Iterator[None]:
    """Raise an `InvalidOutput` of *task* for a collection that cannot be written in the block."""
    try:
        yield
    except UnwritableError as error:
        text = str(error) if task is None else f"{task}: {error}"
        raise host.error(InvalidOutput)(text) from None
