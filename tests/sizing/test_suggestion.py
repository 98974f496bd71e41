"""Suggestions of sizes: invariants of all runs, and worked cases."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask import Dask, presets
from flyte_dask.quantities.quantity import Quantity
from flyte_dask_records import Record
from flyte_dask_sizing import Options, Suggestion, suggest
from flyte_dask_sizing.code import config_of
from flyte_dask_sizing.evidence import evidence_of
from flyte_dask_sizing.options import PREFERENCES
from tests.support.runs import RECORDS, TASK

OPTIONS = st.builds(
    Options, prefer=st.sampled_from(PREFERENCES), margin=st.sampled_from([0.0, 0.3, 1.0])
)


def memory(suggestion: Suggestion, role: str = "workers") -> Quantity:
    """The suggested memory limit."""
    assert suggestion.size is not None
    _, limit = getattr(suggestion.size, role)["mem"]
    assert isinstance(limit, Quantity)
    return limit


@given(RECORDS, OPTIONS)
def test_no_pod_gets_less_than_a_successful_run_needed(
    records: Sequence[Record], options: Options
) -> None:
    """Nor less than the double of what was too little."""
    found = suggest(TASK, records, options)
    evidence = evidence_of(TASK, records)
    if found.size is None:
        return
    for run in evidence.runs:
        assert memory(found).value >= max(each.peak for each in run.workers)
    for run in evidence.starved:
        killed = [each.limit for each in run.workers if each.killed]
        assert memory(found).value >= 2 * max(killed or [each.limit for each in run.workers])
    if len(evidence.runs) >= options.min_runs and found.what_if:
        for run in evidence.runs[-1:]:
            assert run.scheduler is not None
            assert memory(found, "scheduler").value >= run.scheduler.peak


@given(RECORDS, st.floats(1.0, 3.0))
def test_larger_peaks_never_need_less_memory(records: Sequence[Record], factor: float) -> None:
    records = [attrs.evolve(each, inputs=()) for each in records]
    more = [
        attrs.evolve(
            run,
            workers=[attrs.evolve(each, peak=int(each.peak * factor)) for each in run.workers],
        )
        for run in records
    ]
    one, other = suggest(TASK, records), suggest(TASK, more)
    assert (one.size is None) == (other.size is None)
    if one.size is not None:
        assert one.size.number == other.size.number  # type: ignore[union-attr]
        assert memory(other) >= memory(one)


@given(RECORDS, OPTIONS)
def test_the_code_makes_the_suggested_config(records: Sequence[Record], options: Options) -> None:
    found = suggest(TASK, records, options)
    if found.size is None:
        assert found.code is None
        return
    assert found.code is not None
    made = eval(found.code, {"presets": presets})
    assert isinstance(made, Dask)
    assert made == config_of(found.size)


@given(RECORDS)
def test_a_refusal_has_reasons(records: Sequence[Record]) -> None:
    found = suggest(TASK, records)
    assert found.reasons
    assert (found.confidence == "none") == (found.size is None)
