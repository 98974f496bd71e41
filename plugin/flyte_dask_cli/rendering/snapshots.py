"""Snapshots of clusters for comparison: flat values by path, of rendered files or of tasks.

Amounts are quantities, so that two spellings of one amount are equal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, final

import click

from flyte_dask.config.dask import Dask
from flyte_dask.config.template_io import RESOURCE_NAMES
from flyte_dask.explanation.summary import Json
from flyte_dask.quantities.quantity import quantity_or_none
from flyte_dask.roles.resources import DIMENSIONS, KUBERNETES_NAMES, pairs

__all__ = [
    "InvalidSnapshot",
    "Kind",
    "Rendered",
    "Snapshot",
    "from_rendered",
    "from_summary",
    "not_rendered",
    "read",
]

Snapshot: TypeAlias = dict[str, object]
"""Values by path, such as ``workers.requests.mem`` and ``scheduler.image``."""

Kind: TypeAlias = Literal["custom", "template", "pods"]

_SIDES = ("requests", "limits")
_DIMENSION_OF = {
    **{name: dimension for dimension, name in KUBERNETES_NAMES.items()},
    **{name: dimension for dimension, name in RESOURCE_NAMES.items()},
    "gpu": "gpu",  # of a role on Flyte 2
}
"""Dimensions by their names in pods and in containers of templates."""

_OPTIONAL = ("sidecars", "init_containers", "interruptible", "accelerator")
"""What only some pods have, besides the values of their roles."""

_DERIVED = {"workers.nthreads", "workers.memory_limit"}
"""Values that follow from others."""


class InvalidSnapshot(click.ClickException):
    """A file that cannot be compared, as it is not output of ``flyte-dask render``."""


def not_rendered(
    path: str, target: str, reason: str = "is not output of `flyte-dask render`"
) -> InvalidSnapshot:
    """The error that *path* was not rendered, with the command that does so for *target*."""
    command = f"flyte-dask render {target} --as pods"
    remedy = f"pipe `{command}` into it" if path == "-" else f"write it by `{command} > {path}`"
    return InvalidSnapshot(f"{path}: {reason}: {remedy}")


@final
class Rendered(NamedTuple):
    """The tasks of a rendered file, all of one kind."""

    kind: Kind
    tasks: Mapping[str, Any]
    """Tasks by name; the name of a task that was rendered alone is empty."""


def read(path: str, target: str = "TARGETS") -> Rendered:
    """The rendered file at *path*; ``-`` is standard input.

    Args:
        path: its path.
        target: what to render instead, for the text of errors.

    Raises:
        InvalidSnapshot: if it is not a rendered file.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
        data = _data(text, is_json=path.endswith(".json"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
        raise not_rendered(path, target, f"cannot be read: {reason}") from None
    named: dict[str, Any] = data if isinstance(data, dict) else {}
    tasks = {"": data} if _kind(data) else named
    kinds: set[Kind | None] = {_kind(each) for each in tasks.values()}
    kind = next(iter(kinds), None)
    if kind is None or None in kinds:
        raise not_rendered(path, target)
    if len(kinds) > 1:
        raise InvalidSnapshot(f"{path}: mixes customs, templates and pods")
    return Rendered(kind, tasks)


def from_rendered(rendered: Mapping[str, Any], kind: Kind) -> Snapshot:
    """The values of one rendered task.

    Raises:
        InvalidConfig: with every problem of an invalid custom.
    """
    if kind == "pods":
        return {path: value for role, pod in rendered.items() for path, value in _pod(role, pod)}
    if kind == "custom":
        return _custom(rendered)
    return dict(_template(rendered))


def from_summary(summary: Json) -> Snapshot:
    """The values of a task, with those of its predicted pods."""
    values = {
        path: _amount(each["value"]) if path.rpartition(".")[2] in DIMENSIONS else each["value"]
        for path, each in summary["values"].items()
        if path not in _DERIVED
    }
    others = {
        path: value
        for path, value in from_rendered(summary["pods"], "pods").items()
        if path.partition(".")[2].partition(".")[0] in _OPTIONAL
    }
    return {**values, **others}


def _kind(data: object) -> Kind | None:
    if not isinstance(data, dict):
        return None
    if {"runner", "scheduler", "workers"} <= data.keys():
        return "pods"
    if {"scheduler", "workers"} == data.keys():
        return "custom"
    return "template" if {"id", "custom"} <= data.keys() else None


def _data(text: str, *, is_json: bool) -> object:
    """*text* parsed as JSON, else as YAML, whose parser reads JSON too but is very slow."""
    try:
        return json.loads(text)
    except ValueError:
        if is_json:
            raise
    import yaml  # noqa: PLC0415  # installed with flytekit, and most files are JSON

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def _pod(role: str, pod: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    if role == "workers":
        yield "workers.number_of_workers", int(pod["replicas"])
    yield f"{role}.image", pod["image"]
    yield from _amounts(role, pod["resources"])
    for kind in ("sidecars", "init_containers"):
        for name, resources in pod.get(kind, {}).items():
            yield from _amounts(f"{role}.{kind}.{name}", resources)
    for name in ("interruptible", "accelerator"):
        if name in pod:
            yield f"{role}.{name}", pod[name]


def _amounts(path: str, resources: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """The amounts of a container: a dict in pods, a list of entries in templates."""
    for side in _SIDES:
        given = resources.get(side) or {}
        if not isinstance(given, dict):
            given = {each["name"]: each["value"] for each in given}
        for name, amount in given.items():
            yield f"{path}.{side}.{_DIMENSION_OF.get(name, name)}", _amount(amount)


def _custom(custom: Mapping[str, Any]) -> Snapshot:
    config = Dask.from_custom(custom)
    snapshot: Snapshot = {"workers.number_of_workers": config.workers.number_of_workers}
    for name, role in (("scheduler", config.scheduler), ("workers", config.workers)):
        snapshot[f"{name}.image"] = role.image
        for dimension, pair in pairs(role.requests, role.limits).items():
            for side, amount in zip(_SIDES, pair, strict=True):
                if amount is not None:
                    snapshot[f"{name}.{side}.{dimension}"] = amount
    return snapshot


def _template(template: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """The custom, the containers, and everything else but names."""
    yield from _custom(template["custom"]).items()
    pod = template.get("k8sPod", {}).get("podSpec", {})
    primary = template.get("config", {}).get("primary_container_name", "primary")
    for kind, key in (("sidecars", "containers"), ("init_containers", "initContainers")):
        for each in pod.get(key, []):
            name = each.get("name")
            is_primary = kind == "sidecars" and name == primary
            yield from _container("runner" if is_primary else f"runner.{kind}.{name}", each)
    if "container" in template:
        yield from _container("runner", template["container"])
    others = {key: value for key, value in template.items() if key not in _COMPARED}
    yield from _flat("template", others)


_COMPARED = ("id", "custom", "container")
_OF_CONTAINER = ("image", "resources", "env", "args", "name")
"""Keys of templates and containers that are compared separately, or not at all."""


def _container(path: str, container: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    yield f"{path}.image", container.get("image")
    yield from _amounts(path, container.get("resources") or {})
    names = sorted(each.get("key") or each.get("name") for each in container.get("env") or [])
    yield f"{path}.environment", ", ".join(names) or None
    others = {key: value for key, value in container.items() if key not in _OF_CONTAINER}
    yield from _flat(path, others)


def _flat(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, each in value.items():
            # compared separately; values of variables never are
            if key not in {"containers", "initContainers", "env"}:
                yield from _flat(f"{path}.{key}", each)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _flat(f"{path}[{number}]", each)
    else:
        yield path, value


def _amount(value: object) -> object:
    """*value* as a quantity; unchanged if it is not an amount."""
    return value if value is None else quantity_or_none(str(value)) or value
