"""A cluster's facts in words: the rows of a table, and the story of each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, final

from flyte_dask.config.runtime import SETTINGS
from flyte_dask.errors.suggestions import did_you_mean
from flyte_dask.explanation.summary import Json
from flyte_dask.prediction.backend import Pods
from flyte_dask.roles.resources import DIMENSIONS

__all__ = ["FIELDS", "HEADERS", "Row", "fields_of", "others", "rows", "story"]

_SIDES = ("requests", "limits")

FIELDS = (
    *(f"{role}.{side}.{name}" for role in Pods._fields for side in _SIDES for name in DIMENSIONS),
    *(f"{role}.image" for role in Pods._fields),
    "workers.number_of_workers",
    "workers.nthreads",
    "workers.memory_limit",
    "inherit",
    *(f"runtime.{name}" for name in SETTINGS),
)
"""The paths of all values."""


@final
class Row(NamedTuple):
    """A line of the table: an amount of a pod, or request and limit of a dimension."""

    pod: str
    what: str
    request: str
    limit: str
    set_by: str
    overrides: str


HEADERS = tuple(name.replace("_", " ") for name in Row._fields)
"""What stands above the cells of a row."""


def fields_of(path: str) -> tuple[str, ...]:
    """The paths of the values at *path*: that one, or of a dimension its request and its limit.

    Raises:
        LookupError: if there is no such value.
    """
    role, _, name = path.partition(".")
    both = tuple(f"{role}.{side}.{name}" for side in _SIDES)
    if set(both) <= set(FIELDS):
        return both
    if path not in FIELDS:
        remedy = did_you_mean(path, FIELDS) or f"write one such as {FIELDS[0]}"
        raise LookupError(f"{path!r} is no value of a cluster: {remedy}")
    return (path,)


def story(path: str, values: Mapping[str, Json]) -> Iterator[str]:
    """How the value at *path* came to be, line by line."""
    value = values.get(path)
    if value is None:
        yield "none: nobody says it"
        return
    yield _shown(value["value"])
    if value["overrides"]:
        yield f"  {_shown(value['replaced']['value'])} was said by {value['replaced']['text']}"
    if value["origin"] and value["source"] not in {"matched", "raised", "lowered"}:
        instead = " instead" if value["overrides"] else ""
        yield f"  {_shown(value['origin']['value'])} is said by {value['origin']['text']}{instead}"
    else:
        yield f"  {_set_by(value, path)}"
    if value["task"] and value["source"] in {"role", "matched", "platform"}:
        yield f"  {value['task']} is the task's, and does not count"
    for step in value["steps"]:
        change = "" if step["rule"] == "copied" else f"{_change(step)}: "
        yield f"  {change}{step['text']}"


def rows(values: Mapping[str, Json]) -> Iterator[Row]:
    """All amounts, pod by pod."""
    for role in Pods._fields:
        yield from _counted(role, values)
        yield from _amounts(role, values)
        yield from _told(role, values)


def _counted(role: str, values: Mapping[str, Json]) -> Iterator[Row]:
    value = values.get(f"{role}.number_of_workers")
    if value:
        number = str(value["value"])
        yield Row(role, "number", number, "", _set_by(value, ""), _overrides(value))


def _amounts(role: str, values: Mapping[str, Json]) -> Iterator[Row]:
    """One row for each dimension; two where its request and its limit have two stories."""
    for name in DIMENSIONS:
        paths = [f"{role}.{side}.{name}" for side in _SIDES]
        if not all(path in values for path in paths):
            continue
        request, limit = (values[path] for path in paths)
        told, limit_told = (
            (_set_by(values[path], path), _overrides(values[path])) for path in paths
        )
        shown, limit_shown = _shown(request["value"]), _shown(limit["value"])
        if request["source"] == "matched":
            yield Row(role, name, shown, limit_shown, *limit_told)
        elif limit["source"] == "matched" or told == limit_told:
            yield Row(role, name, shown, limit_shown, *told)
        else:
            yield Row(role, name, shown, "", *told)
            yield Row(role, name, "", limit_shown, *limit_told)


def _told(role: str, values: Mapping[str, Json]) -> Iterator[Row]:
    """What a worker is told of its limits."""
    for name, option in (("nthreads", "--nthreads"), ("memory_limit", "--memory-limit")):
        value = values.get(f"{role}.{name}")
        if value:
            yield Row(role, option, "", str(value["value"]), _set_by(value, ""), "")


def others(values: Mapping[str, Json]) -> Iterator[str]:
    """Images, and what else is said."""
    images = {role: values[f"{role}.image"] for role in Pods._fields if f"{role}.image" in values}
    if len({each["value"] for each in images.values()}) == 1:
        yield f"image of all: {_image(images['workers'])}"
    else:
        for role, image in images.items():
            yield f"image of {role}: {_image(image)}"
    for path in ("inherit", *(f"runtime.{name}" for name in SETTINGS)):
        if values[path]["source"] == "role":
            yield f"{path}: {_shown(values[path]['value'])}, said by {_set_by(values[path], path)}"


def _image(value: Json) -> str:
    if value["value"] is None:
        return _set_by(value, "")
    return f"{value['value']}, {_set_by(value, '')}" if value["origin"] else value["value"]


def _set_by(value: Json, path: str) -> str:
    """Who said it, or why it is so; and whether the platform cuts it."""
    told = _reason(value, path)
    cuts = [_CUTS[each["rule"]].format(**each) for each in value["steps"] if each["rule"] in _CUTS]
    return "; ".join([told, *cuts])


_CUTS = {
    "clamped-to-platform": "{before} -> {after} by the platform",
    "refused": "refused: the platform allows {after}",
}


def _reason(value: Json, path: str) -> str:
    source, origin = value["source"], value["origin"]
    who = origin["text"] if origin else ""
    other = "request" if ".limits." in path else "limit"
    if source.startswith("workers."):
        return f"from {source}"
    reasons = {
        "default": "default",
        "dropped": f"nobody: the task's {value['task']} is not inherited",
        "lowered": f"{who}, below the task's {value['task']}",
        "matched": f"as its {other}: {who}" if who else f"as its {other}",
        "platform": "default of the platform",
        "raised": f"{who}, above the task's {value['task']}",
        "task": who or "the task",
        "unknown": "not known here: --image says it",
    }
    return reasons.get(source, who)


def _overrides(value: Json) -> str:
    old = value["overrides"]
    return f"{_shown(old['value'])} of {old['text']}" if old else ""


def _change(step: Json) -> str:
    return f"{_shown(step['before'])} -> {_shown(step['after'])}"


def _shown(value: object) -> str:
    return "none" if value is None else str(value)
