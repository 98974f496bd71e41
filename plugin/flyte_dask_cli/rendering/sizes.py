"""Suggested sizes as text and as JSON, and as changes to a config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flyte_dask.explanation.summary import Json
from flyte_dask.quantities.formatting import in_bytes
from flyte_dask_cli.rendering.changes import TaskChange, changes, delta
from flyte_dask_cli.rendering.console import Screen
from flyte_dask_cli.rendering.snapshots import Snapshot
from flyte_dask_sizing import Suggestion
from flyte_dask_sizing.code import preset_of, task_arguments
from flyte_dask_sizing.cost import Cost
from flyte_dask_sizing.growth.scaling import MEMORY, QUANTITIES, Scaling
from flyte_dask_sizing.size import ROLES, Size, text_of

__all__ = ["as_dict", "change_to", "preset_text", "show_size"]

_DIGITS = 4  # of numbers that are measured or predicted


def as_dict(found: Suggestion) -> Json:
    """The JSON form of a suggestion."""
    return {
        "task": found.task,
        "suggestion": found.size and {"code": found.code, **_amounts(found.size)},
        "confidence": found.confidence,
        "reasons": [*found.reasons],
        "cost": _cost_as_dict(found.now, found.then),
        "what_if": [
            {
                "workers": each.workers,
                "wall_s": _rounded(each.wall),
                "utilization": _rounded(each.utilization),
                "core_hours": _rounded(each.core_hours),
            }
            for each in found.what_if
        ],
        "scaling": found.scaling and _scaling_as_dict(found.scaling),
    }


def change_to(found: Suggestion, current: Snapshot) -> TaskChange:
    """The changes from the *current* values of a task to those that are suggested."""
    new = {**current}
    if found.size is not None:
        new["workers.number_of_workers"] = found.size.number
        for role in ROLES:
            for name, pair in getattr(found.size, role).items():
                for side, amount in zip(("requests", "limits"), pair, strict=True):
                    new[f"{role}.{side}.{name}"] = amount
    return TaskChange(found.task, found.task, changes(current, new), delta(current, new))


def show_size(screen: Screen, found: Suggestion) -> None:
    """Print a suggestion: the code, what changes and what it costs, why, and what if."""
    screen.parts((found.task, "title"), (f"  confidence: {found.confidence}", "dim"))
    if found.size is None or found.code is None:
        for each in found.reasons:
            screen.line(f"nothing is suggested: {each}", "warning")
        return
    screen.line()
    screen.line(found.code)
    screen.line(f"@task({task_arguments(found.size.runner)})")
    screen.line()
    screen.table(("", "now", "suggested", "saved"), [*_rows(found)])
    screen.line()
    for each in found.reasons:
        screen.line(each)
    if found.what_if:
        screen.line()
        headers = ("workers", "wall", "utilization", "core-hours", "wall as a bar")
        screen.table(headers, [*_what_if(found)])
    if found.scaling is not None:
        screen.line()
        _show_scaling(screen, found.scaling)


def preset_text(found: Suggestion) -> str:
    """The suggestion as the preset of a team file; empty without one."""
    doc = f"Sized for {found.task} from its runs; confidence {found.confidence}."
    return "" if found.size is None else preset_of(found.size, found.task, doc).rstrip()


def _amounts(size: Size) -> Json:
    """The amounts by path, as a config takes them: an amount, or request and limit."""
    amounts: Json = {"workers.number_of_workers": size.number}
    for role in ROLES:
        for name, pair in getattr(size, role).items():
            texts = [each and each.text for each in pair]
            amounts[f"{role}.{name}"] = texts[0] if pair[0] == pair[1] else texts
    return amounts


def _cost_as_dict(now: Cost | None, then: Cost | None) -> Json | None:
    if now is None or then is None:
        return None
    return {
        "now": _plain(now._asdict()),
        "suggested": _plain(then._asdict()),
        "saved": _plain(now.minus(then)),
    }


def _plain(cost: Mapping[str, float | None]) -> Json:
    return {name: None if each is None else _rounded(each) for name, each in cost.items()}


def _scaling_as_dict(scaling: Scaling) -> Json:
    """The law of each quantity, and what is predicted for the next size."""
    laws = {}
    for name in scaling.fits:
        value, low, high = scaling.interval(name)
        key = name.replace(" ", "_")
        laws[key] = {
            "law": str(scaling.fits[name][0]),
            "predicted": _rounded(value),
            "low": _rounded(low),
            "high": _rounded(high),
        }
    axis = scaling.axis
    return {
        "input": axis.name,
        "unit": axis.unit,
        "sizes": [*axis.distinct],
        "size": scaling.target,
        "laws": laws,
    }


def _rows(found: Suggestion) -> Iterator[tuple[str, str, str, str]]:
    """What differs, and what is unchanged, with the cost of both."""
    present, size, now, then = found.present, found.size, found.now, found.then
    if present is None or size is None or now is None or then is None:
        return
    yield "workers", str(present.number), str(size.number), ""
    for role in ROLES:
        for name, pair in getattr(size, role).items():
            before = getattr(present, role).get(name)
            yield f"{role}.{name}", text_of(before) if before else "", text_of(pair), ""
    saved = now.minus(then)
    for name, label in _LABELS.items():
        values = getattr(now, name), getattr(then, name), saved[name]
        if any(each is not None for each in values):
            one, two, three = ("" if each is None else f"{each:,.4g}" for each in values)
            yield label, one, two, three


_LABELS = {
    "pods": "pods",
    "cpu": "CPUs of all pods",
    "mem_gib": "Gi of all pods",
    "wall_s": "seconds of the function",
    "core_hours": "core-hours",
    "gib_hours": "Gi-hours",
}


_BAR = 24  # characters of the longest one


def _what_if(found: Suggestion) -> Iterator[tuple[str, ...]]:
    longest = max((each.wall for each in found.what_if), default=0.0) or 1.0
    for each in found.what_if:
        mark = " (suggested)" if found.size and each.workers == found.size.number else ""
        yield (
            f"{each.workers}{mark}",
            f"{each.wall:,.3g} s",
            f"{each.utilization:.0%}",
            f"{each.core_hours:,.3g}",
            "=" * max(1, round(_BAR * each.wall / longest)),
        )


def _show_scaling(screen: Screen, scaling: Scaling) -> None:
    axis = scaling.axis
    sizes = len(axis.distinct)
    size = _in_unit(scaling.target, axis.unit)
    screen.line(f"with the input {axis.name}, of {sizes} sizes, for {size}:", "title")
    rows = []
    for name in (name for name in QUANTITIES if name in scaling.fits):
        unit = "bytes" if name == MEMORY else "seconds"
        value, low, high = (_in_unit(each, unit) for each in scaling.interval(name))
        rows.append((name, str(scaling.fits[name][0]), value, f"{low} to {high}"))
    screen.table(("quantity", "law", "predicted", "90% interval"), rows)


def _in_unit(value: float, unit: str) -> str:
    if unit == "bytes":
        return in_bytes(value)
    return f"{value:,.3g} s" if unit == "seconds" else f"{value:,.10g}"


def _rounded(value: float) -> float:
    """*value* with four significant digits; integers unchanged."""
    return value if isinstance(value, int) else float(f"{value:.{_DIGITS}g}")
