"""The summary of a cluster as text: the rows of a table, and the story of each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, final

from flyte_dask.config.runtime import SETTINGS
from flyte_dask.errors import short
from flyte_dask.errors.suggestions import did_you_mean_path
from flyte_dask.explanation.summary import Json
from flyte_dask.prediction.pods import Pods
from flyte_dask.roles.resources import DIMENSIONS

__all__ = ["FIELDS", "HEADERS", "Row", "containers", "fields_of", "others", "rows", "story"]

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

_DIMENSIONS = tuple(f"{role}.{name}" for role in Pods._fields for name in DIMENSIONS)
"""The paths that mean a request and a limit."""


@final
class Row(NamedTuple):
    """A row of the table: a value of a pod, or request and limit of a dimension."""

    pod: str
    resource: str
    request: str
    limit: str
    set_by: str
    overrides: str


HEADERS = tuple(name.replace("_", " ") for name in Row._fields)
"""The columns of the table."""


def fields_of(path: str) -> tuple[str, ...]:
    """The paths of the values at *path*: itself, or request and limit of a dimension.

    Raises:
        LookupError: if *path* is unknown.
    """
    role, _, name = path.partition(".")
    both = tuple(f"{role}.{side}.{name}" for side in _SIDES)
    if set(both) <= set(FIELDS):
        return both
    if path not in FIELDS:
        near = did_you_mean_path(path, (*_DIMENSIONS, *FIELDS), ("workers", "runtime"))
        remedy = near or f"use one such as {FIELDS[0]}"
        raise LookupError(f"{short(path)} is an unknown field: {remedy}")
    return (path,)


def story(path: str, values: Mapping[str, Json]) -> Iterator[str]:
    """The provenance of the value at *path*, line by line."""
    value = values.get(path)
    if value is None:
        yield "none: not set"
        return
    yield _shown(value["value"])
    if value["overrides"]:
        yield f"  {_value_and_origin(value['overrides'])}"
    if value["origin"] and value["source"] not in {"matched", "raised", "lowered"}:
        overriding = ", overriding it" if value["overrides"] else ""
        yield f"  {_value_and_origin(value['origin'])}{overriding}"
    else:
        yield f"  {_set_by(value, path)}"
    if value["task"] and value["source"] in {"role", "matched", "platform"}:
        yield f"  {value['task']} of the task does not apply"
    for step in value["steps"]:
        change = f"{_shown(step['before'])} -> {_shown(step['after'])}: "
        yield f"  {'' if step['rule'] == 'copied' else change}{step['text']}"


def _value_and_origin(origin: Json) -> str:
    return f"{_shown(origin['value'])} set by {origin['text']}"


def rows(values: Mapping[str, Json]) -> Iterator[Row]:
    """All amounts, pod by pod."""
    for role in Pods._fields:
        if value := values.get(f"{role}.number_of_workers"):
            number = str(value["value"])
            yield Row(role, "replicas", number, "", _set_by(value, ""), _overrides(value))
        yield from _amounts(role, values)
        for name in ("nthreads", "memory_limit"):
            if value := values.get(f"{role}.{name}"):
                option = f"--{name.replace('_', '-')}"
                yield Row(role, option, "", str(value["value"]), _set_by(value, ""), "")


def _amounts(role: str, values: Mapping[str, Json]) -> Iterator[Row]:
    """One row for each dimension; two where request and limit have different origins."""
    for name in DIMENSIONS:
        paths = [f"{role}.{side}.{name}" for side in _SIDES]
        if not all(path in values for path in paths):
            continue
        request, limit = (values[path] for path in paths)
        origins, limit_origins = (
            (_set_by(values[path], path), _overrides(values[path])) for path in paths
        )
        shown, limit_shown = _shown(request["value"]), _shown(limit["value"])
        if request["source"] == "matched":
            yield Row(role, name, shown, limit_shown, *limit_origins)
        elif limit["source"] == "matched" or origins == limit_origins:
            yield Row(role, name, shown, limit_shown, *origins)
        else:
            yield Row(role, name, shown, "", *origins)
            yield Row(role, name, "", limit_shown, *limit_origins)


def others(values: Mapping[str, Json]) -> Iterator[str]:
    """Images, and the settings that are set."""
    images = {role: values[f"{role}.image"] for role in Pods._fields if f"{role}.image" in values}
    if len({each["value"] for each in images.values()}) == 1:
        yield f"image: {_image(images['workers'])}"
    else:
        for role, image in images.items():
            yield f"{role} image: {_image(image)}"
    for path in ("inherit", *(f"runtime.{name}" for name in SETTINGS)):
        if values[path]["source"] == "role":
            yield f"{path}: {_shown(values[path]['value'])}, set by {_set_by(values[path], path)}"


def containers(pods: Json) -> Iterator[str]:
    """The containers that each pod has besides Dask's, and what restricts the nodes of pods."""
    workers = pods["workers"]
    for kind, key in (("sidecar", "sidecars"), ("init container", "init_containers")):
        for name, resources in workers.get(key, {}).items():
            yield f"{kind} {name}, in each pod: {_amounts_text(resources)}"
    if workers.get("accelerator"):
        yield f"nodes of all pods: with {workers['accelerator']} only"
    if workers.get("interruptible"):
        yield "nodes of workers: may be interruptible"


def _amounts_text(resources: Mapping[str, Mapping[str, str]]) -> str:
    """Request and limit of each resource."""
    requests, limits = (resources[side] for side in _SIDES)
    names = dict.fromkeys([*requests, *limits])
    return ", ".join(
        f"{name} {requests.get(name, 'none')}/{limits.get(name, 'none')}" for name in names
    )


def _image(value: Json) -> str:
    if value["value"] is None:
        return _set_by(value, "")
    return f"{value['value']}, set by {_set_by(value, '')}" if value["origin"] else value["value"]


def _set_by(value: Json, path: str) -> str:
    """The origin of *value* or why it applies, and what the platform's limit does to it."""
    steps = [
        _LIMITS[each["rule"]].format(**each) for each in value["steps"] if each["rule"] in _LIMITS
    ]
    return "; ".join([_reason(value, path), *steps])


_LIMITS = {
    "clamped-to-platform": "{before} -> {after} (platform limit)",
    "rounded-comparison": "{before} -> {after} (platform limit)",
    "unvalidated-gpu": "{before} -> {after} (platform limit)",
    "request-clamped-to-limit": "{before} -> {after} (limit)",
    "rejected": "rejected (platform limit {after})",
    "rejected-limit": "rejected (limit {before} below the request)",
}


def _reason(value: Json, path: str) -> str:
    source, origin = value["source"], value["origin"]
    who = origin["text"] if origin else ""
    other = "request" if ".limits." in path else "limit"
    if source.startswith("workers."):
        return f"from {source}"
    reasons = {
        "default": "default",
        "dropped": f"not set: the task's {value['task']} is not inherited",
        "lowered": f"{who}, below the task's {value['task']}",
        "matched": f"same as the {other}: {who}" if who else f"same as the {other}",
        "platform": "platform default",
        "raised": f"{who}, above the task's {value['task']}",
        "task": who or "the task",
        "unknown": "unknown (pass --image)",
    }
    return reasons.get(source, who)


def _overrides(value: Json) -> str:
    old = value["overrides"]
    return f"{_shown(old['value'])} from {old['text']}" if old else ""


def _shown(value: object) -> str:
    return "none" if value is None else str(value)
