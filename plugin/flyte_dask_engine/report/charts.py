"""Small pictures of a record: shapes on a common time line, as SVG that any page can hold.

They have no text of their own, so that they stretch to any width; what they show is said beside.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from flyte_dask_engine.monitor.metrics import ClusterMetrics, TaskMetrics, WorkerMetrics

__all__ = ["WIDTH", "absences", "area", "drawing", "held", "tasks", "ticks"]

WIDTH = 1000
"""Units from the beginning to the end."""

_STEPS = (1, 2, 5)
_SEEN = 0.6  # units that can be seen
_SHORTEST = 0.3  # units that may look like those


def drawing(shapes: Iterable[Markup], height: float, label: str) -> Markup:
    """A picture of *shapes*, which says *label* to those who can't see it."""
    return Markup(
        '<svg viewBox="0 0 {} {:g}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(WIDTH, height, label, Markup().join(shapes))


def area(values: Sequence[float], most: float, record: ClusterMetrics, kind: str) -> Markup:
    """The steps of *values* in bins, of a height of 1, which is *most*."""
    if not values or most <= 0:
        return Markup()
    step = _scale(record) * record.width
    points = [f"M0 1V{_height(values[0], most)}"]
    for number, value in enumerate(values[1:], start=1):
        points.append(f"H{min(number * step, WIDTH):.1f}V{_height(value, most)}")
    points.append(f"H{min(len(values) * step, WIDTH):.1f}V1z")
    return Markup('<path class="{}" d="{}"/>').format(kind, "".join(points))


def tasks(drawn: Iterable[TaskMetrics], record: ClusterMetrics, kind: str) -> Markup:
    """A rectangle for each task, in the lane of its thread, of a height of 1.

    Of the shortest, which would look longer than they were, there is none if the busy area, which
    is drawn of sampled records, tells of them.
    """
    scale = _scale(record)
    shapes = []
    for each in drawn:
        width = each.seconds * scale
        if record.is_sampled and width < _SHORTEST:
            continue
        width = max(width, _SEEN)
        shapes.append(
            f"M{each.start * scale:.1f} {each.lane + 0.08:g}h{width:.1f}v.84h-{width:.1f}z"
        )
    return Markup('<path class="{}" d="{}"/>').format(kind, "".join(shapes)) if shapes else Markup()


def absences(worker: WorkerMetrics, record: ClusterMetrics, height: float) -> Markup:
    """Where it was not there."""
    scale = _scale(record)
    ends = [0.0, *(end for span in worker.spans for end in span), record.seconds]
    gaps = [
        f"M{start * scale:.1f} 0H{stop * scale:.1f}V{height:g}H{start * scale:.1f}z"
        for start, stop in zip(ends[::2], ends[1::2], strict=True)
        if (stop - start) * scale >= 1
    ]
    return Markup('<path class="absent" d="{}"/>').format("".join(gaps)) if gaps else Markup()


def held(values: Sequence[float], worker: WorkerMetrics, record: ClusterMetrics) -> list[float]:
    """*values*, of which one lasts until the next, as long as the worker is there."""
    found: list[float] = []
    last = 0.0
    for number in range(math.ceil(record.seconds / record.width)):
        start, stop = number * record.width, (number + 1) * record.width
        is_there = any(come < stop and go > start for come, go in worker.spans)
        value = values[number] if number < len(values) else 0.0
        last = (value or last) if is_there else 0.0
        found.append(last)
    return found


def ticks(seconds: float) -> list[float]:
    """Times for the axis: some four to eight round ones, from 0."""
    if seconds <= 0:
        return [0.0]
    rough = seconds / 6
    if seconds > 60:
        usual = (10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800)
        days = 86400.0 * math.ceil(rough / 86400)
        step = next((each for each in usual if each >= rough), days)
    else:
        power = 10.0 ** math.floor(math.log10(rough))
        step = next((each * power for each in _STEPS if each * power >= rough), 10 * power)
    return [number * step for number in range(math.floor(seconds / step) + 1)]


def _scale(record: ClusterMetrics) -> float:
    return WIDTH / record.seconds if record.seconds > 0 else 0.0


def _height(value: float, most: float) -> str:
    return f"{1 - min(value / most, 1):.3g}"
