"""A task template's ``custom``: how it names what a config says, and how it is read back.

Reading is strict: it takes what this project's plugin and the incumbent's write, and no more. So
what was read is, when written again, the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import attrs

from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.errors.suggestions import did_you_mean
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
"""What each dimension is called on the wire, in its order there."""

_DIMENSION_OF = {name: dimension for dimension, name in RESOURCE_NAMES.items()}

_ROLE = {"image": False, "resources": True}
_JOB = {"scheduler": _ROLE, "workers": {"numberOfWorkers": True, **_ROLE}}
"""The keys of each role, and whether they are always there."""


def leaves_of(custom: Mapping[str, object]) -> tuple[dict[str, Leaf], dict[str, Leaf]]:
    """What *custom* says of the scheduler and of the workers.

    Raises:
        InvalidConfig: with every problem of *custom*.
    """
    problems: list[Problem] = []
    roles = _fields("custom", custom, dict.fromkeys(_JOB, True), problems)
    said = {name: _role(name, role, problems) for name, role in roles.items()}
    raise_if_any("from_custom(...)", problems)
    return said["scheduler"], said["workers"]


def _role(name: str, value: object, problems: list[Problem]) -> dict[str, Leaf]:
    fields = _fields(name, value, _JOB[name], problems)
    said: dict[str, Leaf] = {}
    if "numberOfWorkers" in fields:
        count = _whole(fields["numberOfWorkers"])
        problems += count_problems(f"{name}.numberOfWorkers", count, required=True)
        said["number_of_workers"] = cast("int", count)
    if "image" in fields:
        problems += image_problems(f"{name}.image", fields["image"], required=True)
        said["image"] = cast("str", fields["image"])
    if "resources" not in fields:
        return said
    path = f"{name}.resources"
    sides = _fields(path, fields["resources"], {"requests": False, "limits": False}, problems)
    requests, limits = (
        _amounts(f"{path}.{side}", sides[side], problems) if side in sides else None
        for side in ("requests", "limits")
    )
    wrong = [problem.under(name) for problem in side_problems(requests, limits)]
    problems += wrong
    return said if wrong else {**said, **pairs(as_resources(requests), as_resources(limits))}


def _amounts(path: str, entries: object, problems: list[Problem]) -> ResourcesLike:
    """The amounts of one side, by dimension; whatever texts they are."""
    found: dict[str, str] = {}
    if not isinstance(entries, list) or not entries:
        remedy = "write a list of {'name': ..., 'value': ...}, or leave the key out"
        problems.append(Problem(path, entries, "is no list of amounts", remedy))
        return resources_like(found)
    names = []
    for number, entry in enumerate(entries):
        fields = _fields(f"{path}[{number}]", entry, {"name": True, "value": True}, problems)
        if len(fields) < 2:
            continue  # which is said already
        name, value = fields["name"], fields["value"]
        if not isinstance(name, str) or name not in _DIMENSION_OF:
            problems.append(_unknown_resource(f"{path}[{number}].name", name))
        elif not isinstance(value, str):
            rule = f"is of type {type(value).__name__}, not str"
            remedy = "write the quantity as text, such as '16Gi'"
            problems.append(Problem(f"{path}[{number}].value", value, rule, remedy))
        else:
            names.append(name)
            found[_DIMENSION_OF[name]] = plain_text(value)
    if names != [name for name in _DIMENSION_OF if name in names]:
        remedy = f"write each once, in the order {', '.join(_DIMENSION_OF)}"
        problems.append(Problem(path, names, "is not the order of a config's amounts", remedy))
    return resources_like(found)


def _unknown_resource(path: str, name: object) -> Problem:
    remedy = f"write one of {', '.join(_DIMENSION_OF)}"
    if name == "STORAGE":
        return Problem(path, name, "is a resource that Flyte ignores", "leave the entry out")
    suggestion = did_you_mean(name, _DIMENSION_OF) if isinstance(name, str) else None
    return Problem(path, name, "is no resource of a Dask pod", suggestion or remedy)


def _fields(
    path: str, value: object, keys: Mapping[str, bool], problems: list[Problem]
) -> dict[str, object]:
    """Those of *keys* that *value* has; the others, and missing ones, are problems."""
    if not isinstance(value, Mapping):
        remedy = f"write an object with {', '.join(keys)}"
        problems.append(Problem(path, value, "is no object", remedy))
        return {}
    prefix = "" if path == "custom" else f"{path}."
    problems += _key_problems(prefix, value, keys)
    return {key: value[key] for key in keys if key in value}


def _key_problems(
    prefix: str, value: Mapping[object, object], keys: Mapping[str, bool]
) -> Iterator[Problem]:
    for key in value:
        if key not in keys:
            near = did_you_mean(key, keys) if isinstance(key, str) else None
            remedy = near or f"it has {', '.join(keys)}"
            yield Problem(f"{prefix}{key}", value[key], "has a key that no template has", remedy)
    for key, required in keys.items():
        if required and key not in value:
            rule = "is here, and every template has this key"
            yield Problem(f"{prefix}{key}", attrs.NOTHING, rule, "write it")


def _whole(number: object) -> object:
    """An int where it is a whole float, as numbers are in a ``Struct``."""
    return int(number) if isinstance(number, float) and number.is_integer() else number
