"""`suggest`: the size that past runs of a task suggest, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import final

import attrs

from flyte_dask.quantities.formatting import counted
from flyte_dask_records import Record
from flyte_dask_sizing.bounds import Bounds
from flyte_dask_sizing.code import code_of, config_of
from flyte_dask_sizing.confidence import Confidence, confidence_in
from flyte_dask_sizing.cost import Cost
from flyte_dask_sizing.evidence import Evidence, evidence_of
from flyte_dask_sizing.growth.inputs import Inputs, UnknownScale, inputs_of
from flyte_dask_sizing.growth.scaling import Scaling
from flyte_dask_sizing.options import Options
from flyte_dask_sizing.outlook import Outlook
from flyte_dask_sizing.size import Size, completed, size_of
from flyte_dask_sizing.sizing import more_memory, sized

__all__ = ["Suggestion", "suggest"]


@final
@attrs.frozen(kw_only=True)
class Suggestion:
    """What to set for a task, and why; or the reasons for which nothing is suggested."""

    task: str
    confidence: Confidence = "none"
    reasons: Sequence[str] = ()
    """Each starts with the path of what it is about, and a colon; the main ones come first."""
    present: Size | None = None
    """The size of the latest run that says something; None without any."""
    size: Size | None = None
    """The suggested size; None if there is too little to suggest one."""
    code: str | None = None
    """The suggested scheduler and workers as Python code."""
    now: Cost | None = None
    """The cost of a run with the present size."""
    then: Cost | None = None
    """The cost of a run with the suggested size."""
    what_if: Sequence[Outlook] = ()
    scaling: Scaling | None = None


def suggest(
    task: str,
    records: Iterable[Record],
    options: Options | None = None,
    bounds: Bounds | None = None,
) -> Suggestion:
    """The size for *task* that its runs among *records* suggest.

    Args:
        task: the name of the task.
        records: records of runs, also of other tasks.
        options: what the caller asks for; default: ``Options()``.
        bounds: what the platform and the policy allow; by default everything.
    """
    options, bounds = options or Options(), bounds or Bounds()
    evidence = evidence_of(task, records)
    inputs, problem = _usable(evidence, options)
    left_out = [f"left out: {each}" for each in evidence.left_out]
    if inputs is None and not evidence.starved:
        return Suggestion(task=task, reasons=[f"runs: {problem}", *left_out])
    present = completed(size_of(evidence.latest))
    confidence: Confidence = "low"
    if inputs is None:
        found = more_memory(evidence, present, options.margin)
        why = f"all else is kept: {problem}"
    else:
        found = sized(evidence, inputs, present, bounds, options)
        confidence, why = confidence_in(inputs.runs, inputs.largest(), is_beyond=inputs.is_beyond)
    beyond = bounds.beyond(found.size, config_of(found.size))
    return Suggestion(
        task=task,
        confidence=confidence,
        reasons=[*found.reasons, *beyond, f"confidence: {confidence}: {why}", *left_out],
        present=present,
        size=found.size,
        code=code_of(found.size),
        now=found.now,
        then=found.then,
        what_if=found.what_if,
        scaling=inputs and inputs.scaling,
    )


def _usable(evidence: Evidence, options: Options) -> tuple[Inputs | None, str]:
    """The runs that count; None, and why, if they are too few to suggest anything."""
    number = len(evidence.runs)
    if number < options.min_runs:
        runs = counted(number, "successful run") if number else "no successful run"
        needed = f"{options.min_runs} {'is' if options.min_runs == 1 else 'are'} needed"
        return None, f"{runs} of {evidence.task} with known needs, and {needed}"
    try:
        return inputs_of(evidence, options.input, options.min_runs), ""
    except UnknownScale as error:
        return None, str(error)
