"""The ``custom`` of a task template: its resource names, and how it is read back as a config.

Reading is strict: it accepts what this plugin and the official one write, and nothing else, so that
reading and writing round-trip.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

import attrs

from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.errors.suggestions import did_you_mean, few_suggestions
from flyte_dask.quantities.quantity import plain_text
from flyte_dask.roles.image import image_problems
from flyte_dask.roles.origin import Leaf
from flyte_dask.roles.resources import (
    ResourcesLike,
    as_resources,
    pairs,
    resources_like,
    side_problems,
)
from flyte_dask.roles.roles import count_problems

__all__ = ["RESOURCE_NAMES", "leaves_of"]

RESOURCE_NAMES = {
    "cpu": "CPU",
    "mem": "MEMORY",
    "gpu": "GPU",
    "ephemeral_storage": "EPHEMERAL_STORAGE",
}
"""The name of each dimension in the wire format, in the order of the wire format."""

_DIMENSION_OF = {name: dimension for dimension, name in RESOURCE_NAMES.items()}

_ROLE = {"image": False, "resources": True}
_JOB = {"scheduler": _ROLE, "workers": {"numberOfWorkers": True, **_ROLE}}
"""The keys of each role, and whether they are required."""


def leaves_of(custom: Mapping[str, object]) -> tuple[dict[str, Leaf], dict[str, Leaf]]:
    """The values that *custom* sets for the scheduler and for the workers.

    Raises:
        InvalidConfig: with every problem of *custom*.
    """
    problems: list[Problem] = []
    with few_suggestions():
        roles = _fields("custom", custom, dict.fromkeys(_JOB, True), problems)
        found = {name: _role(name, role, problems) for name, role in roles.items()}
    raise_if_any("from_custom(...)", problems)
    return found["scheduler"], found["workers"]


def _role(name: str, value: object, problems: list[Problem]) -> dict[str, Leaf]:
    fields = _fields(name, value, _JOB[name], problems)
    found: dict[str, Leaf] = {}
    if "numberOfWorkers" in fields:
        count = fields["numberOfWorkers"]
        if isinstance(count, float) and count.is_integer():  # as in a Struct
            count = int(count)
        problems += count_problems(f"{name}.numberOfWorkers", count, required=True)
        found["number_of_workers"] = cast("int", count)
    if "image" in fields:
        problems += image_problems(f"{name}.image", fields["image"], required=True)
        found["image"] = cast("str", fields["image"])
    if "resources" not in fields:
        return found
    path = f"{name}.resources"
    sides = _fields(path, fields["resources"], {"requests": False, "limits": False}, problems)
    requests, limits = (
        _amounts(f"{path}.{side}", sides[side], problems) if side in sides else None
        for side in ("requests", "limits")
    )
    invalid = [problem.under(name) for problem in side_problems(requests, limits)]
    problems += invalid
    return found if invalid else {**found, **pairs(as_resources(requests), as_resources(limits))}


def _amounts(path: str, entries: object, problems: list[Problem]) -> ResourcesLike:
    """The amounts of one side, by dimension, without validating them."""
    found: dict[str, str] = {}
    if not isinstance(entries, list) or not entries:
        remedy = "write a list of {'name': ..., 'value': ...}, or omit the key"
        problems.append(Problem(path, entries, "is not a list of amounts", remedy))
        return resources_like(found)
    names = []
    for number, entry in enumerate(entries):
        fields = _fields(f"{path}[{number}]", entry, {"name": True, "value": True}, problems)
        if len(fields) < 2:
            continue  # reported by _fields
        name, value = fields["name"], fields["value"]
        if not isinstance(name, str) or name not in _DIMENSION_OF:
            problems.append(_unknown_resource(f"{path}[{number}].name", name))
        elif not isinstance(value, str):
            rule = f"must be a str, not {type(value).__name__}"
            remedy = "write the quantity as text, such as '16Gi'"
            problems.append(Problem(f"{path}[{number}].value", value, rule, remedy))
        else:
            names.append(name)
            found[_DIMENSION_OF[name]] = plain_text(value)
    if names != [name for name in _DIMENSION_OF if name in names]:
        remedy = f"list each once, in the order {', '.join(_DIMENSION_OF)}"
        problems.append(Problem(path, names, "has duplicates or the wrong order", remedy))
    return resources_like(found)


def _unknown_resource(path: str, name: object) -> Problem:
    if name == "STORAGE":
        return Problem(path, name, "is a resource that Flyte ignores", "omit the entry")
    return Problem(path, name, "is an unknown resource of a Dask pod", _one_of(name, _DIMENSION_OF))


def _fields(
    path: str, value: object, keys: Mapping[str, bool], problems: list[Problem]
) -> dict[str, object]:
    """The items of *value* with these *keys*; unknown and missing keys become *problems*."""
    if not isinstance(value, Mapping):
        remedy = f"write an object with {', '.join(keys)}"
        problems.append(Problem(path, value, "is not an object", remedy))
        return {}
    prefix = "" if path == "custom" else f"{path}."
    for key in value:
        if key not in keys:
            remedy = _one_of(key, keys)
            rule = "is under an unknown key"
            problems.append(Problem(f"{prefix}{key}", value[key], rule, remedy))
    for key, required in keys.items():
        if required and key not in value:
            problems.append(Problem(f"{prefix}{key}", attrs.NOTHING, "is required", "add the key"))
    return {key: value[key] for key in keys if key in value}


def _one_of(name: object, names: Iterable[str]) -> str:
    suggestion = did_you_mean(name, names) if isinstance(name, str) else None
    return suggestion or f"use one of {', '.join(names)}"
