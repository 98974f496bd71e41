"""The size that runs suggest: each pod, the number of workers, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import final

import attrs

from flyte_dask.advice import Job
from flyte_dask.advice.needs import bytes_for_scheduler
from flyte_dask.inheritance.parent import Parent
from flyte_dask.prediction.platform import Platform
from flyte_dask_records import Record
from flyte_dask_sizing.bounds import Bounds
from flyte_dask_sizing.code import config_of
from flyte_dask_sizing.cost import Cost, cost_of
from flyte_dask_sizing.evidence import Evidence
from flyte_dask_sizing.growth.inputs import Inputs
from flyte_dask_sizing.needs.cpus import worker_cpus
from flyte_dask_sizing.needs.memory import WorkerMemory
from flyte_dask_sizing.needs.processes import pod_of
from flyte_dask_sizing.options import Options
from flyte_dask_sizing.outlook import Outlook, best, is_replayed, numbers, outlooks, parallelism
from flyte_dask_sizing.size import Size, same, text_of

__all__ = ["Sized", "more_memory", "sized"]

_RULES = {
    "balance": "the least product of time and core-hours",
    "cost": "the least core-hours",
    "time": "the fewest workers within 10% of the shortest time",
}


@final
@attrs.frozen(kw_only=True)
class Sized:
    """A size, why, and what it costs."""

    size: Size
    reasons: Sequence[str]
    now: Cost
    then: Cost
    what_if: Sequence[Outlook] = ()


def more_memory(evidence: Evidence, present: Size, margin: float) -> Sized:
    """The *present* size with more memory for workers, after runs that failed for lack of it."""
    memory = WorkerMemory(evidence=evidence, margin=margin)
    amount = memory.amount(present.number, present.threads)
    _, limit = present.workers.get("mem", (None, None))
    if limit is not None and limit > amount:
        amount = limit
    size = attrs.evolve(present, workers={**present.workers, "mem": same(amount.text)})
    why = memory.need(present.number, present.threads).why
    unknown = cost_of(present, None, 0.0), cost_of(size, None, 0.0)
    return Sized(
        size=size, reasons=[f"workers.mem: {amount}: {why}"], now=unknown[0], then=unknown[1]
    )


def sized(
    evidence: Evidence, inputs: Inputs, present: Size, bounds: Bounds, options: Options
) -> Sized:
    """The size that the runs of *inputs* suggest."""
    runs = inputs.largest()
    cpus = worker_cpus(inputs.runs, present.workers.get("cpu", (None, None)))
    worker = {**present.workers, "cpu": cpus.pair}
    threads = attrs.evolve(present, workers=worker).threads
    memory = WorkerMemory(
        evidence=attrs.evolve(evidence, runs=inputs.runs),
        margin=options.margin,
        scale=inputs.scale,
        least=inputs.least_memory,
    )

    def with_number(number: int) -> Size:
        amount = memory.amount(number, threads)
        return attrs.evolve(present, number=number, workers={**worker, "mem": same(amount.text)})

    pods = inputs.runs, options.margin
    startup = median(run.startup or 0.0 for run in runs)
    counts = numbers(present.number, is_replayed=is_replayed(runs), most=bounds.workers)
    predicted = outlooks(runs, sorted({*counts, *options.what_if}), threads)
    measured = median(run.wall or 0.0 for run in runs) * inputs.wall_factor
    now = next((wall for number, wall, _ in predicted if number == present.number), 0.0)
    # how far the prediction for the present size is off is how far all are
    of, real = (now, measured) if now and threads == present.threads else (1, inputs.wall_factor)
    found = [
        _outlook(_with_others(with_number(number), *pods)[0], wall / of * real, used, startup)
        for number, wall, used in predicted
    ]
    chosen = best(_allowed(found, with_number, bounds) or found, options.prefer, startup)
    size, others = _with_others(with_number(chosen.workers), *pods)
    reasons = [
        f"workers.mem: {text_of(size.workers['mem'])}: {memory.need(size.number, threads).why}",
        f"workers.cpu: {text_of(size.workers['cpu'])}: {cpus.why}",
        f"workers.number_of_workers: {size.number}: {_why_number(runs, chosen, found, options)}",
        *others,
    ]
    wanted = options.what_if or counts
    return Sized(
        size=size,
        reasons=reasons,
        now=cost_of(present, measured, startup),
        then=cost_of(size, chosen.wall, startup),
        what_if=[each for each in found if each.workers in wanted],
    )


def _outlook(size: Size, wall: float, utilization: float, startup: float) -> Outlook:
    hours = cost_of(size, wall, startup).core_hours or 0.0
    return Outlook(size.number, wall, utilization, hours)


def _allowed(
    found: Sequence[Outlook], with_number: Callable[[int], Size], bounds: Bounds
) -> list[Outlook]:
    """The numbers of workers with which no worker needs more memory than is allowed."""
    kept = []
    for each in found:
        _, memory = with_number(each.workers).workers["mem"]
        is_few = bounds.workers is None or each.workers <= bounds.workers
        if is_few and memory is not None and bounds.allow_memory(memory):
            kept.append(each)
    return kept


def _with_others(size: Size, runs: Sequence[Record], margin: float) -> tuple[Size, list[str]]:
    """*size* with the scheduler and the runner that *runs* suggest, and why."""
    job = Job.of(config_of(size), Parent(), Platform())
    scheduler, why = pod_of(
        runs, lambda run: run.scheduler, size.scheduler, margin, float(bytes_for_scheduler(job))
    )
    runner, why_runner = pod_of(runs, lambda run: run.runner, size.runner, margin)
    reasons = [
        f"{role}.{name}: {text_of(amounts[name])}: {text}"
        for role, amounts, texts in (("scheduler", scheduler, why), ("runner", runner, why_runner))
        for name, text in texts.items()
    ]
    return attrs.evolve(size, scheduler=scheduler, runner=runner), reasons


def _why_number(
    runs: Sequence[Record], chosen: Outlook, found: Sequence[Outlook], options: Options
) -> str:
    """The rule, and the parallelism that the tasks had."""
    rule = f"{_RULES[options.prefer]} of {found[0].workers} to {found[-1].workers} workers"
    parallel = parallelism(runs)
    if parallel is None:
        return f"{rule}, by an estimate from their utilization: {_seconds(chosen.wall)}"
    how = f"by a replay of their tasks: {_seconds(chosen.wall)}"
    return f"{rule}, {how}; their work could keep {parallel:.3g} threads busy"


def _seconds(wall: float) -> str:
    return f"{wall:.3g} s"
