"""What the graph of a run says about its tasks, whatever they run on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from flyte_dask_records import TaskGraph

__all__ = ["Structure", "critical_path", "work"]

_THRESHOLD = 5  # dependencies from which on Dask takes a group for one that does not begin a graph
_PER_THREAD = 2  # tasks per thread from which on Dask takes a group for a large one


def work(graph: TaskGraph) -> float:
    """Thread seconds of all tasks of *graph*: what one thread needs at least."""
    return sum(each.seconds for each in graph.tasks)


def critical_path(graph: TaskGraph) -> float:
    """Seconds that *graph* needs on any number of threads, without transfers and overheads.

    It is the longest chain of tasks of which each needs the one before, where all tasks of a batch
    that waited also need those of earlier batches, with the delays of the client, and the tail.
    A task that was merged counts as one of those that it stands for.
    """
    begins, latest = 0.0, 0.0
    ends: list[float] = []
    by_batch = Structure(graph).batches
    for number, batch in enumerate(graph.batches):
        begins = (latest if batch.waits else begins) + batch.delay
        latest = max(latest, begins)
        for task in by_batch[number]:
            each = graph.tasks[task]
            start = max((ends[other] for other in each.dependencies), default=begins)
            ends.append(max(start, begins) + each.seconds / each.number)
            latest = max(latest, ends[-1])
    return latest + graph.tail


class Structure:
    """The dependents, groups and expected durations of the tasks of a graph."""

    def __init__(self, graph: TaskGraph) -> None:
        tasks = graph.tasks
        self.gap = max(graph.response, graph.overhead, graph.dispatch)
        self.sizes = [each.nbytes for each in tasks]
        self.dependents: list[list[int]] = [[] for _ in tasks]
        self.batches: list[list[int]] = [[] for _ in graph.batches]
        self.groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        seconds: dict[int, float] = defaultdict(float)
        for number, each in enumerate(tasks):
            self.batches[each.batch].append(number)
            self.groups[each.batch, each.prefix].append(number)
            seconds[each.prefix] += each.seconds
            for other in each.dependencies:
                self.dependents[other].append(number)
        counts: dict[int, int] = defaultdict(int)
        for each in tasks:
            counts[each.prefix] += each.number
        self.expected = [seconds[each.prefix] / counts[each.prefix] * each.number for each in tasks]
        self._graph = graph

    def queued(self, threads: int) -> Sequence[bool]:
        """Which tasks wait in the scheduler of a cluster of so many *threads* for a free slot."""
        tasks = self._graph.tasks
        found = [False] * len(tasks)
        for members in self.groups.values():
            if sum(tasks[each].number for each in members) <= _PER_THREAD * threads:
                continue
            others = {
                (tasks[other].batch, tasks[other].prefix)
                for each in members
                for other in tasks[each].dependencies
            }
            size = sum(tasks[each].number for group in others for each in self.groups[group])
            if len(others) < _THRESHOLD and size < _THRESHOLD:
                for each in members:
                    found[each] = True
        return found
