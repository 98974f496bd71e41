"""A summary of a cluster as JSON: its values, each with its provenance, its pods, its total."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from flyte_dask.advice import Job
from flyte_dask.advice.job import Role
from flyte_dask.catalog import builtin
from flyte_dask.config.runtime import SETTINGS
from flyte_dask.errors.call_site import CallSite
from flyte_dask.prediction.footprint import footprint
from flyte_dask.prediction.node import NODE_CALL, of_side, on_node
from flyte_dask.prediction.platform import Platform
from flyte_dask.prediction.remarks import BACKEND_RULES
from flyte_dask.quantities.quantity import Quantity
from flyte_dask.roles.image import image_name
from flyte_dask.roles.origin import Leaf, Origin, as_text
from flyte_dask.roles.resources import DIMENSIONS, amounts

__all__ = ["UNITS", "Json", "place", "summarize", "summarize_footprint", "summarize_platform"]

Json: TypeAlias = dict[str, Any]
"""A JSON object."""

UNITS = {"cpu": " CPU", "mem": "", "gpu": " GPU", "ephemeral_storage": " disk"}
"""The suffix of an amount in text, by dimension."""

_SIDES = ("requests", "limits")


def summarize(job: Job) -> Json:
    """The platform, every value with its provenance, the pods, and their total."""
    return {
        "platform": summarize_platform(job.platform),
        "values": dict(_values(job)),
        "pods": job.pods.as_dict(),
        "footprint": summarize_footprint(job),
    }


def summarize_platform(platform: Platform) -> Json:
    """The backend, starting point, defaults and limits of a platform."""
    sides = {"defaults": platform.given, "limits": platform.allowed}
    texts = {name: _texts(side) for name, side in sides.items()}
    return {"backend": platform.backend, "base": platform.base, **texts}


def summarize_footprint(job: Job, *, without_runner: bool = False) -> Json:
    """The total of all pods; *without_runner*, if the task is unknown, that of the others."""
    total = footprint(job.pods, without_runner=without_runner)
    sides = {"requests": total.requests, "limits": total.limits}
    texts = {name: _texts(side._asdict()) for name, side in sides.items()}
    return {"pods": total.pods, **texts, "text": str(total)}


def _texts(amounts: Mapping[str, Quantity]) -> dict[str, str]:
    return {name: amount.text for name, amount in amounts.items()}


def _values(job: Job) -> Iterator[tuple[str, Json]]:
    """Every value of each role and of the config as a whole, with its path."""
    yield from _runner_values(job)
    for role in job.roles:
        yield from _role_values(job, role)
    settings = {f"runtime.{name}": getattr(job.config.runtime, name) for name in SETTINGS}
    for path, value in {"inherit": job.config.inherit, **settings}.items():
        yield path, _set_or_default(value, job.config.origins.get(path))


def _runner_values(job: Job) -> Iterator[tuple[str, Json]]:
    parent = on_node(job.parent, job.platform)
    yield "runner.image", _image(job)
    explicit = [amounts(parent.requests), amounts(parent.limits)]
    for number, side in enumerate(_SIDES):
        for name, pair in job.pods.runner.container.amounts.items():
            origin = parent.origins.get(name)
            is_set = origin and name in explicit[number]
            source = "task" if is_set else "matched" if origin else "platform"
            source, origin = _on_side(source, origin, number)
            path = f"runner.{side}.{name}"
            amount, steps = pair[number], _steps(job, path)
            yield path, _value(amount and amount.text, source, origin, number, steps=steps)


def _role_values(job: Job, role: Role) -> Iterator[tuple[str, Json]]:
    name, pod = role.name, getattr(job.pods, role.name)
    origins = job.config.origins
    if name == "workers":
        path = "workers.number_of_workers"
        yield path, _set_or_default(job.number, origins.get(path))
    own = origins.get(f"{name}.image")
    yield f"{name}.image", _value(pod.image, "role", own) if own else _image(job)
    for number, side in enumerate(_SIDES):
        for dimension, pair in zip(DIMENSIONS, role.resolved, strict=True):
            each = pair[number]
            given = pod.container.amounts.get(dimension, (None, None))[number]
            if given is not None or each.source not in {"unset", "platform"}:
                path = f"{name}.{side}.{dimension}"
                value, task = given and given.text, each.task and each.task.text
                steps = _steps(job, path)
                source, origin = _on_side(each.source, each.origin, number)
                yield path, _value(value, source, origin, number, task, steps)
    if name == "workers":
        for argument, of in (("nthreads", "cpu"), ("memory_limit", "mem")):
            path = f"workers.{argument}"
            value = job.worker_arg(f"--{argument.replace('_', '-')}")
            yield path, _value(value, f"workers.limits.{of}", steps=_steps(job, path))


def _on_side(source: str, origin: Origin | None, side: int) -> tuple[str, Origin | None]:
    """Source and origin of one side of a dimension, of which a node may override only the other."""
    own = of_side(origin, side)
    if origin is None or origin.by != NODE_CALL:
        return source, origin
    if own is None:
        return "platform", None
    is_set = isinstance(own.value, tuple) and own.value[side] is not None
    return "task" if is_set else "matched", own


def _image(job: Job) -> Json:
    """The image of the runner, and of each role that sets none."""
    image, node = job.pods.runner.image, job.parent.node
    origin = None
    if node and node.image and node.image == image:
        origin = Origin(NODE_CALL, node.call_site, image)
    return _value(image, "task" if image else "unknown", origin)


def _set_or_default(value: Any, origin: Origin | None) -> Json:
    """A value that has a default."""
    return _value(value, "role" if origin else "default", origin)


def _value(  # noqa: PLR0913, PLR0917  # one for each key
    value: object,
    source: str,
    origin: Origin | None = None,
    side: int | None = None,
    task: str | None = None,
    steps: Iterable[Json] = (),
) -> Json:
    """One value and its provenance.

    Args:
        value: the effective value.
        source: why it applies, as in `flyte_dask.inheritance.Source`, or the path that it is
            derived from.
        origin: where it was set.
        side: for a dimension, 0 for its request and 1 for its limit.
        task: the task's own value, whether or not it applies.
        steps: what Flyte does to it.
    """
    return {
        "value": value,
        "source": source,
        "origin": origin and _summarize_origin(origin, side),
        "overrides": origin and origin.overrides and _summarize_origin(origin.overrides, side),
        "task": task,
        "steps": list(steps),
    }


def _summarize_origin(origin: Origin, side: int | None) -> Json:
    leaf, call_site = origin.value, origin.call_site
    value = leaf[side] if isinstance(leaf, tuple) and side is not None else leaf
    if call_site is not None and call_site.file == builtin.__file__:
        call_site = None  # not in the user's code
    return {
        "value": _plain(value),
        "by": origin.by,
        "preset": origin.preset,
        **place(call_site),
        "text": str(origin._replace(call_site=call_site)),
    }


def place(call_site: CallSite | None) -> Json:
    """File and line; the file is relative if it is below the working directory."""
    if call_site is None:
        return {"file": None, "line": None}
    return {"file": str(call_site).rpartition(":")[0], "line": call_site.line}


def _plain(value: Leaf | Quantity) -> object:
    """*value* as JSON."""
    if isinstance(value, Quantity):
        return value.text
    if isinstance(value, tuple):
        return as_text(value)
    return value if isinstance(value, (str, int, float, type(None))) else image_name(value)


def _steps(job: Job, path: str) -> list[Json]:
    """What Flyte does to the value at *path*; for a copy, those to the runner's value too."""
    role, _, rest = path.partition(".")
    copied = [each for each in job.pods.remarks if each.path == role and each.rule == "copied"]
    copied = copied if rest.startswith(_SIDES) else []
    where = f"runner.{rest}" if copied else path
    found = [each for each in job.pods.remarks if each.path == where]
    return [
        {"rule": rule, "before": before, "after": after, "text": BACKEND_RULES[rule]}
        for _, rule, before, after in (*found, *copied)
    ]
