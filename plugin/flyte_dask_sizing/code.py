"""A size as code and as a preset of a team file, from the nearest built-in preset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, final

from flyte_dask.catalog.builtin import NAMES, built_in
from flyte_dask.config.dask import Dask
from flyte_dask.quantities.quantity import Quantity
from flyte_dask.roles.origin import Pair
from flyte_dask.roles.resources import DIMENSIONS, pairs, sides
from flyte_dask.roles.roles import Scheduler, WorkerGroup
from flyte_dask_sizing.size import Size

__all__ = ["code_of", "config_of", "preset_of", "task_arguments"]

_WHOLE = frozenset({"cpu", "gpu"})
"""Dimensions whose whole numbers need no quotes."""


@final
class _Base(NamedTuple):
    """A built-in preset, and what has to be changed."""

    name: str
    number: int | None
    workers: Mapping[str, Pair]
    scheduler: Mapping[str, Pair]

    @property
    def changes(self) -> int:
        """How many values differ."""
        return len(self.workers) + len(self.scheduler)


def config_of(size: Size) -> Dask:
    """The scheduler and the workers of *size* as a config."""
    return Dask(
        Scheduler(None, *sides(size.scheduler)),
        WorkerGroup(size.number, None, *sides(size.workers)),
    )


def code_of(size: Size) -> str:
    """*size* as Python code, such as ``presets.large(12).with_workers(mem="6Gi")``."""
    base = _nearest(size)
    calls = [f"presets.{base.name}({base.number or ''})"]
    for role in ("workers", "scheduler"):
        if changed := getattr(base, role):
            arguments = ", ".join(f"{name}={_in_python(name, changed[name])}" for name in changed)
            calls.append(f"with_{role}({arguments})")
    return ".".join(calls)


def task_arguments(amounts: Mapping[str, Pair]) -> str:
    """The arguments of ``@task`` that give the runner these amounts."""
    texts = []
    for name, number in (("requests", 0), ("limits", 1)):
        given = [f"{each}={str(pair[number])!r}" for each, pair in amounts.items() if pair[number]]
        texts.append(f"{name}=Resources({', '.join(given)})")
    return ", ".join(texts).replace("'", '"')


def preset_of(size: Size, task: str, doc: str) -> str:
    """*size* as the preset of a team file, in TOML, which is named after the function of *task*."""
    base = _nearest(size)
    count = [] if base.number is None else [f"count = {base.number}"]
    lines = [f"[presets.{_preset_name(task)}]", f'extends = "{base.name}"', f"doc = {_quoted(doc)}"]
    for role, first in (("workers", count), ("scheduler", [])):
        values = [f"{each} = {_in_toml(each, pair)}" for each, pair in getattr(base, role).items()]
        if first or values:
            lines.append(f"{role} = {{ {', '.join([*first, *values])} }}")
    return "\n".join(lines) + "\n"


def _nearest(size: Size) -> _Base:
    """The built-in preset from which the fewest values have to be changed, and by the least."""
    has_gpu = "gpu" in size.workers
    bases = [_base(name, size) for name in NAMES]
    # what a preset sets can be changed, and not be unset
    usable = [each for each in bases if has_gpu or "gpu" not in _workers_of(each.name)]
    return min(usable, key=lambda base: (base.changes, _distance(base.name, size)))


def _base(name: str, size: Size) -> _Base:
    preset = built_in(name).config
    number = None if size.number == preset.workers.number_of_workers else size.number
    scheduler = pairs(preset.scheduler.requests, preset.scheduler.limits)
    return _Base(
        name,
        number,
        {each: size.workers[each] for each in _changed(size.workers, _workers_of(name))},
        {each: size.scheduler[each] for each in _changed(size.scheduler, scheduler)},
    )


def _workers_of(name: str) -> Mapping[str, Pair]:
    workers = built_in(name).config.workers
    return pairs(workers.requests, workers.limits)


def _changed(new: Mapping[str, Pair], old: Mapping[str, Pair]) -> Iterator[str]:
    return (name for name in DIMENSIONS if name in new and new[name] != old.get(name))


def _distance(name: str, size: Size) -> float:
    """How far the memory of a worker of that preset is from that of *size*, as a factor."""
    (_, one), (_, two) = _workers_of(name)["mem"], size.workers["mem"]
    if one is None or two is None or not two.value:
        return 0.0
    factor = float(one.value / two.value)
    return max(factor, 1 / factor)


def _in_python(name: str, pair: Pair) -> str:
    request, limit = (_one_in_python(name, each) for each in pair)
    return limit if pair[0] == pair[1] else f"({request}, {limit})"


def _one_in_python(name: str, amount: Quantity | None) -> str:
    if amount is None:
        return "None"
    return amount.text if name in _WHOLE and amount.text.isdigit() else f'"{amount.text}"'


def _in_toml(name: str, pair: Pair) -> str:
    request, limit = (_one_in_python(name, each) for each in pair)
    if pair[0] == pair[1]:
        return limit
    given = {"request": request, "limit": limit}
    texts = [f"{side} = {text}" for side, text in given.items() if text != "None"]
    return f"{{ {', '.join(texts)} }}"


def _quoted(text: str) -> str:
    """*text* as a string of TOML; names of tasks have no control characters."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _preset_name(task: str) -> str:
    """A valid name of a preset that is not a built-in one."""
    parts = task.rpartition(".")[2].replace("-", "_")
    name = "".join(each for each in parts if each.isalnum() or each == "_").lstrip("_0123456789")
    name = name or "sized"
    return f"{name}_sized" if name in NAMES else name
