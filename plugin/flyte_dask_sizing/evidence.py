"""Which runs of a task say something about its size, and why others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import final

import attrs

from flyte_dask.quantities.formatting import counted
from flyte_dask_records import Record

__all__ = ["LONG", "SHORT", "Evidence", "evidence_of"]

SHORT = 2.0
"""Seconds of a function below which its run says too little of what it needs."""

LONG = 10.0
"""Seconds of a function from which on its run is not mostly start and end."""

_REASONS = {
    "user": "an error of its code",
    "cluster": "a failure of the cluster",
    "timeout": "a timeout",
    "disk": "a full disk",
}
"""Why runs fail for another reason than memory, by `Record.reason`."""


@final
@attrs.frozen(kw_only=True)
class Evidence:
    """The runs of one task, by what they say about its size; in the order of their starts."""

    task: str
    runs: Sequence[Record]
    """Those that succeeded at the shape of their config, and are long enough."""
    starved: Sequence[Record]
    """Those in which a worker was ended for lack of memory, whether or not the run succeeded."""
    left_out: Sequence[str]
    """Which others there are, and why they do not count."""

    @property
    def latest(self) -> Record:
        """The latest run that counts, whose size is the present one."""
        return max([*self.runs, *self.starved], key=lambda each: each.began)


def evidence_of(task: str, records: Iterable[Record]) -> Evidence:
    """The runs of *task* among *records*, by what they say."""
    own = sorted((each for each in records if each.task == task), key=lambda each: each.began)
    starved = [each for each in own if _is_to_scale(each) and _is_starved(each)]
    unfit = {id(each): why for each in own if (why := _why_unfit(each))}
    known = {id(each) for each in starved}
    left_out = Counter(why for of, why in unfit.items() if of not in known)
    return Evidence(
        task=task,
        runs=[each for each in own if id(each) not in unfit],
        starved=starved,
        left_out=[f"{counted(number, 'run')} {why}" for why, number in left_out.most_common()],
    )


def _why_unfit(record: Record) -> str | None:
    """Why the run says nothing of what a successful run needs; None if it does."""
    if record.reason == "memory":
        return "failed for lack of memory"
    if record.failure is not None or record.reason is not None:
        return f"failed by {_REASONS.get(record.reason or 'user', record.reason)}"
    return next((why for why, holds in _UNFIT.items() if holds(record)), None)


def _is_to_scale(record: Record) -> bool:
    return record.where != "threads" and record.is_to_scale


def _is_starved(record: Record) -> bool:
    # by its events too, since the record may have no room for the worker
    killed = record.events.get("killed", 0) or any(each.killed for each in record.workers)
    return record.reason == "memory" or bool(killed)


_UNFIT: Mapping[str, Callable[[Record], bool]] = {
    "had all workers in one local process, whose memory is not that of a worker": (
        lambda run: run.where == "threads"
    ),
    "had a local cluster of another shape than the config": lambda run: not run.is_to_scale,
    "has no metrics of its workers": lambda run: not any(each.peak for each in run.workers),
    f"took less than {SHORT:g} s": lambda run: run.wall is None or run.wall < SHORT,
}
"""Why runs that succeeded do not count."""
