"""What the scheduler and the runner need, by what their processes used."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from flyte_dask.quantities.formatting import in_bytes
from flyte_dask.quantities.quantity import Quantity
from flyte_dask.quantities.usual import usual_cpus, usual_memory
from flyte_dask.roles.origin import Pair
from flyte_dask_records import ProcessRecord, Record
from flyte_dask_sizing.needs.cpus import HEADROOM
from flyte_dask_sizing.needs.memory import LEAST, with_margin
from flyte_dask_sizing.size import same

__all__ = ["pod_of"]


def pod_of(
    runs: Sequence[Record],
    process_of: Callable[[Record], ProcessRecord | None],
    present: Mapping[str, Pair],
    margin: float,
    least: float = LEAST,
) -> tuple[dict[str, Pair], dict[str, str]]:
    """The amounts of a pod with one process, and why, by dimension.

    Args:
        runs: the runs that count.
        process_of: the process in a run, if it was measured.
        present: the amounts that the pod has, which are kept where nothing is known.
        margin: the share of the peak that is added to it.
        least: bytes that it needs in any case.
    """
    amounts, why = dict(present), dict[str, str]()
    measured = [(run, process) for run in runs if (process := process_of(run)) is not None]
    if not measured:
        if least > LEAST:
            _raise_memory(amounts, least)
        return amounts, why
    peak = max(process.peak for _, process in measured)
    need = max(with_margin(peak, margin), least, LEAST)
    amounts["mem"] = same(usual_memory(need))
    why["mem"] = f"its highest peak was {in_bytes(peak)}"
    if need > with_margin(peak, margin):
        why["mem"] += f", and {in_bytes(need)} is the least that it should have"
    used = max(process.cpu / _seconds(run) for run, process in measured)
    amounts["cpu"] = same(usual_cpus(used * HEADROOM))
    why["cpu"] = f"it used {used:.2g} CPUs on average"
    return amounts, why


def _seconds(run: Record) -> float:
    return max((run.startup or 0.0) + (run.wall or 0.0), 1.0)


def _raise_memory(amounts: dict[str, Pair], least: float) -> None:
    """Raise what is present to *least*, for more workers than it has served so far."""
    _, limit = amounts.get("mem", (None, None))
    if limit is not None and limit.value < math.ceil(least):
        amounts["mem"] = same(Quantity(usual_memory(least)).text)
