"""What a cluster is, as flat values by path: read from what was rendered, or from a task's facts.

Amounts are quantities, so that two spellings of one amount are the same.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, final

from flyte_dask.config.dask import Dask
from flyte_dask.config.template_io import RESOURCE_NAMES
from flyte_dask.explanation.summary import Json
from flyte_dask.quantities.quantity import quantity_or_none
from flyte_dask.roles.resources import DIMENSIONS, KUBERNETES_NAMES, pairs

__all__ = ["Document", "Kind", "NoDocument", "Rendered", "from_summary", "of_rendered", "read"]

Document: TypeAlias = dict[str, object]
"""What is said, by path: ``workers.requests.mem``, ``scheduler.image``; amounts are quantities."""

Kind: TypeAlias = Literal["custom", "template", "pods"]

_SIDES = ("requests", "limits")
_DIMENSION_OF = {
    **{name: dimension for dimension, name in KUBERNETES_NAMES.items()},
    **{name: dimension for dimension, name in RESOURCE_NAMES.items()},
    "gpu": "gpu",  # of a role on Flyte 2
}
"""What dimensions are called in pods and in containers of templates."""

_DERIVED = {"workers.nthreads", "workers.memory_limit"}
"""Values that change with others."""


class NoDocument(ValueError):
    """A file that holds nothing that was rendered."""


@final
class Rendered(NamedTuple):
    """What was rendered of some tasks, all alike."""

    kind: Kind
    tasks: Mapping[str, Any]
    """By their names; of one that was rendered alone, by none."""


def read(path: str) -> Rendered:
    """What was rendered into the file at *path*, or for ``-`` into the standard input.

    Raises:
        NoDocument: if it is no such file.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
        data = _data(text, is_json=path.endswith(".json"))
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
        raise NoDocument(f"{path}: cannot be read: {why}") from None
    named: dict[str, Any] = data if isinstance(data, dict) else {}
    tasks = {"": data} if _kind(data) else named
    kinds: set[Kind | None] = {_kind(each) for each in tasks.values()}
    kind = next(iter(kinds), None)
    if kind is None or None in kinds:
        raise NoDocument(f"{path}: is nothing that `flyte-dask render` writes")
    if len(kinds) > 1:
        raise NoDocument(f"{path}: has customs, templates and pods beside each other")
    return Rendered(kind, tasks)


def of_rendered(rendered: Mapping[str, Any], kind: Kind) -> Document:
    """The values of what was rendered.

    Raises:
        InvalidConfig: with every problem of a custom that no template could have.
    """
    if kind == "pods":
        return {path: value for role, pod in rendered.items() for path, value in _pod(role, pod)}
    if kind == "custom":
        return _custom(rendered)
    return dict(_template(rendered))


def from_summary(facts: Json) -> Document:
    """The values of a task, of its pods as they will be."""
    values = {
        path: _amount(each["value"]) if _is_amount(path) else each["value"]
        for path, each in facts["values"].items()
        if path not in _DERIVED
    }
    sidecars = {
        path: value
        for role, pod in facts["pods"].items()
        for path, value in _pod(role, pod)
        if ".sidecars." in path
    }
    return {**values, **sidecars}


def _kind(data: object) -> Kind | None:
    if not isinstance(data, dict):
        return None
    if {"runner", "scheduler", "workers"} <= data.keys():
        return "pods"
    if {"scheduler", "workers"} == data.keys():
        return "custom"
    return "template" if {"id", "custom"} <= data.keys() else None


def _data(text: str, *, is_json: bool) -> object:
    """What it says, in JSON or else in YAML, whose parser reads JSON too, and takes very long."""
    try:
        return json.loads(text)
    except ValueError:
        if is_json:
            raise
    return _yaml(text)


def _yaml(text: str) -> object:
    import yaml  # noqa: PLC0415  # flytekit's, and most files are JSON

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def _pod(role: str, pod: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    if role == "workers":
        yield "workers.number_of_workers", int(pod["replicas"])
    yield f"{role}.image", pod["image"]
    yield from _amounts(role, pod["resources"])
    for name, resources in pod["sidecars"].items():
        yield from _amounts(f"{role}.sidecars.{name}", resources)


def _amounts(path: str, resources: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """The amounts of a container: of a pod by their names, of a template a list."""
    for side in _SIDES:
        said = resources.get(side) or {}
        for name, amount in said.items() if isinstance(said, dict) else map(_entry, said):
            yield f"{path}.{side}.{_DIMENSION_OF.get(name, name)}", _amount(amount)


def _custom(custom: Mapping[str, Any]) -> Document:
    config = Dask.from_custom(custom)
    document: Document = {"workers.number_of_workers": config.workers.number_of_workers}
    for name, role in (("scheduler", config.scheduler), ("workers", config.workers)):
        document[f"{name}.image"] = role.image
        for dimension, pair in pairs(role.requests, role.limits).items():
            for side, amount in zip(_SIDES, pair, strict=True):
                if amount is not None:
                    document[f"{name}.{side}.{dimension}"] = amount
    return document


def _template(template: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """What Dask's plugin reads, the pod's containers, and all else as it is, but for names."""
    yield from _custom(template["custom"]).items()
    pod = template.get("k8sPod", {}).get("podSpec", {})
    primary = template.get("config", {}).get("primary_container_name", "primary")
    for each in pod.get("containers", []):
        name = each.get("name")
        yield from _container("runner" if name == primary else f"runner.sidecars.{name}", each)
    if "container" in template:
        yield from _container("runner", template["container"])
    others = {key: value for key, value in template.items() if key not in _COMPARED}
    yield from _flat("template", others)


_COMPARED = ("id", "custom", "container")
_OF_CONTAINER = ("image", "resources", "env", "args", "name")
"""What of a template and of a container is compared in its own way, or tells a task's name."""


def _container(path: str, container: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    yield f"{path}.image", container.get("image")
    yield from _amounts(path, container.get("resources") or {})
    names = sorted(each.get("key") or each.get("name") for each in container.get("env") or [])
    yield f"{path}.environment", ", ".join(names) or None
    others = {key: value for key, value in container.items() if key not in _OF_CONTAINER}
    yield from _flat(path, others)


def _entry(entry: Mapping[str, str]) -> tuple[str, str]:
    return entry["name"], entry["value"]


def _flat(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key not in {"containers", "env"}:  # told before, and never told
                yield from _flat(f"{path}.{key}", each)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _flat(f"{path}[{number}]", each)
    else:
        yield path, value


def _is_amount(path: str) -> bool:
    return path.rpartition(".")[2] in DIMENSIONS


def _amount(value: object) -> object:
    """An amount as a quantity; as it is, if it is none."""
    return value if value is None else quantity_or_none(str(value)) or value
