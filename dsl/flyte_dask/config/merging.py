"""`merge`: the ``|`` of configs, with conflicts as errors on request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import or_
from typing import TypeVar

from flyte_dask.config.dask import Dask
from flyte_dask.errors import MergeConflict, Problem, raise_if_any
from flyte_dask.roles.base import checked
from flyte_dask.roles.origin import Origin, as_text
from flyte_dask.roles.roles import Scheduler, WorkerGroup

__all__ = ["merge"]

C = TypeVar("C", Dask, Scheduler, WorkerGroup)


@checked("merge(...)")
def merge(left: C, right: C, *, strict: bool = False) -> C:
    """``left | right``: all that *left* sets, overridden by all that *right* sets.

    Args:
        left: a config, or a role.
        right: another of the same type.
        strict: whether it is an error if both set a value, and not the same.

    Raises:
        InvalidConfig: if the two are not of one type.
        MergeConflict: with every conflict and the origins of both sides; only if *strict*.
    """
    if type(left) is not type(right) or not isinstance(left, (Dask, Scheduler, WorkerGroup)):
        rule = f"cannot be merged with a value of type {type(left).__name__}"
        remedy = "merge two of one type: Dask, Scheduler or WorkerGroup"
        raise_if_any("merge(...)", [Problem("right", right, rule, remedy)])
    if strict:
        raise_if_any("merge(...)", _conflicts(left.origins, right.origins), MergeConflict)
    merged: C = or_(left, right)
    return merged


def _conflicts(left: Mapping[str, Origin], right: Mapping[str, Origin]) -> Iterator[Problem]:
    for path, old in left.items():
        new = right.get(path)
        if new is not None and new.value != old.value:
            rule = f"set by {new} conflicts with {as_text(old.value)!r} set by {old}"
            remedy = "set it on one side only, or merge with |, where the right side wins"
            yield Problem(path, as_text(new.value), rule, remedy)
