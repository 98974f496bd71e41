"""SVG charts of cluster metrics over a common time axis.

They contain no text, so that they stretch to any width; labels are next to them in the page.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from flyte_dask_engine.monitor.metrics import ClusterMetrics, TaskMetrics, WorkerMetrics

__all__ = ["WIDTH", "absences", "area", "hold", "svg", "tasks", "ticks"]

WIDTH = 1000
"""SVG units from start to end."""

_STEPS = (1, 2, 5)
_MIN_WIDTH = 0.6  # units; narrower rectangles are invisible
_MIN_SAMPLED = 0.3  # units; narrower tasks would look much longer than they were


def svg(shapes: Iterable[Markup], height: float, label: str) -> Markup:
    """An SVG image of *shapes*, with *label* for screen readers."""
    return Markup(
        '<svg viewBox="0 0 {} {:g}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(WIDTH, height, label, Markup().join(shapes))


def area(values: Sequence[float], most: float, metrics: ClusterMetrics, kind: str) -> Markup:
    """A step chart of *values* in bins; a value of *most* has height 1."""
    if not values or most <= 0:
        return Markup()
    step = _scale(metrics) * metrics.bin_width
    points = [f"M0 1V{_height(values[0], most)}"]
    for number, value in enumerate(values[1:], start=1):
        points.append(f"H{min(number * step, WIDTH):.1f}V{_height(value, most)}")
    points.append(f"H{min(len(values) * step, WIDTH):.1f}V1z")
    return Markup('<path class="{}" d="{}"/>').format(kind, "".join(points))


def tasks(drawn: Iterable[TaskMetrics], metrics: ClusterMetrics, kind: str) -> Markup:
    """A rectangle for each task, in the lane of its thread, which has height 1.

    Very short tasks of sampled metrics are omitted: the busy area behind them has them.
    """
    scale = _scale(metrics)
    shapes = []
    for each in drawn:
        width = each.seconds * scale
        if metrics.is_sampled and width < _MIN_SAMPLED:
            continue
        width = max(width, _MIN_WIDTH)
        shapes.append(
            f"M{each.start * scale:.1f} {each.lane + 0.08:g}h{width:.1f}v.84h-{width:.1f}z"
        )
    return Markup('<path class="{}" d="{}"/>').format(kind, "".join(shapes)) if shapes else Markup()


def absences(worker: WorkerMetrics, metrics: ClusterMetrics, height: float) -> Markup:
    """A rectangle for each time in which the worker was absent."""
    scale = _scale(metrics)
    ends = [0.0, *(end for span in worker.spans for end in span), metrics.seconds]
    gaps = [
        f"M{start * scale:.1f} 0H{stop * scale:.1f}V{height:g}H{start * scale:.1f}z"
        for start, stop in zip(ends[::2], ends[1::2], strict=True)
        if (stop - start) * scale >= 1
    ]
    return Markup('<path class="absent" d="{}"/>').format("".join(gaps)) if gaps else Markup()


def hold(values: Sequence[float], worker: WorkerMetrics, metrics: ClusterMetrics) -> list[float]:
    """*values* with gaps filled by the value before, while the worker is present."""
    found: list[float] = []
    last = 0.0
    for number in range(math.ceil(metrics.seconds / metrics.bin_width)):
        start, stop = number * metrics.bin_width, (number + 1) * metrics.bin_width
        is_present = any(join < stop and leave > start for join, leave in worker.spans)
        value = values[number] if number < len(values) else 0.0
        last = (value or last) if is_present else 0.0
        found.append(last)
    return found


def ticks(seconds: float) -> list[float]:
    """Four to eight round times from 0 to *seconds*, for the axis."""
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


def _scale(metrics: ClusterMetrics) -> float:
    return WIDTH / metrics.seconds if metrics.seconds > 0 else 0.0


def _height(value: float, most: float) -> str:
    return f"{1 - min(value / most, 1):.3g}"
