"""How a Dask DataFrame is read: an annotation of its type."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any, final, get_args, get_origin

from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.quantities.quantity import quantity_or_none
from flyte_dask_engine.collections.reading import BLOCKSIZE

__all__ = ["ReadOptions", "current_blocksize", "reading_as"]


@final
class ReadOptions:
    """How a Dask DataFrame is read: ``Annotated[dd.DataFrame, ReadOptions(blocksize="64Mi")]``.

    Args:
        blocksize: about how many bytes on disk a partition has, as a Kubernetes quantity; 16Mi by
            default. Files are split between their row groups, and never merged.

    Raises:
        InvalidConfig: if *blocksize* is not a quantity of at least a byte.
    """

    __slots__ = ("blocksize",)

    def __init__(self, *, blocksize: str | int = BLOCKSIZE) -> None:
        found = quantity_or_none(blocksize) if isinstance(blocksize, str) else None
        amount = blocksize if type(blocksize) is int else int(found.value) if found else 0
        if amount < 1:
            rule, remedy = "is not an amount of bytes", "use one such as '64Mi'"
            raise_if_any("ReadOptions(...)", [Problem("blocksize", blocksize, rule, remedy)])
        self.blocksize = amount

    def __getattribute__(self, name: str) -> Any:
        """An attribute; but flytekit takes annotations of an object in `Annotated` for columns.

        Python gives any class empty ones as soon as somebody asks for them.
        """
        if name == "__annotations__":
            raise AttributeError(name, name=name, obj=self)
        return object.__getattribute__(self, name)

    def __repr__(self) -> str:
        """It as it is written."""
        return f"ReadOptions(blocksize={self.blocksize})"

    def __eq__(self, other: object) -> bool:
        """Whether *other* are the same options."""
        return isinstance(other, ReadOptions) and other.blocksize == self.blocksize

    def __hash__(self) -> int:
        """Equal options have equal hashes."""
        return hash((ReadOptions, self.blocksize))


_blocksize: ContextVar[int] = ContextVar("_blocksize", default=BLOCKSIZE)


def current_blocksize() -> int:
    """The bytes on disk of a partition of what is read now."""
    return _blocksize.get()


@contextmanager
def reading_as(kind: Any) -> Iterator[None]:
    """Read with the options in the annotations of the type *kind*."""
    given = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    found = [each.blocksize for each in given if isinstance(each, ReadOptions)]
    token = _blocksize.set(found[-1] if found else BLOCKSIZE)
    try:
        yield
    finally:
        _blocksize.reset(token)
