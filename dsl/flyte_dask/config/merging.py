"""Merging where neither side shall win: `merge`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import or_
from typing import TypeVar

from flyte_dask.config.dask import Dask
from flyte_dask.errors import MergeConflict, Problem, raise_if_any
from flyte_dask.roles.base import checked_function
from flyte_dask.roles.origin import Origin, shown
from flyte_dask.roles.roles import Scheduler, WorkerGroup

__all__ = ["merge"]

C = TypeVar("C", Dask, Scheduler, WorkerGroup)


@checked_function("merge(...)")
def merge(left: C, right: C, *, strict: bool = False) -> C:
    """``left | right``, where what *right* says is put in the place of what *left* says.

    Args:
        left: a config, or a role.
        right: one of the same kind.
        strict: let neither win where both say something, and not the same.

    Raises:
        InvalidConfig: if the two are not of one kind.
        MergeConflict: with every conflict and who said both sides of it; only if *strict*.
    """
    if type(left) is not type(right) or not isinstance(left, (Dask, Scheduler, WorkerGroup)):
        rule = f"does not merge with the type {type(left).__name__}"
        remedy = "merge two of a kind: Dask, Scheduler or WorkerGroup"
        raise_if_any("merge(...)", [Problem("right", right, rule, remedy)])
    if strict:
        raise_if_any("merge(...)", _conflicts(left.origins, right.origins), MergeConflict)
    merged: C = or_(left, right)
    return merged


def _conflicts(left: Mapping[str, Origin], right: Mapping[str, Origin]) -> Iterator[Problem]:
    for path, ours in left.items():
        theirs = right.get(path)
        if theirs is not None and theirs.value != ours.value:
            rule = f"of {theirs} conflicts with {shown(ours.value)!r} of {ours}"
            remedy = "say it on one side only, or merge with |, where the right side wins"
            yield Problem(path, shown(theirs.value), rule, remedy)
