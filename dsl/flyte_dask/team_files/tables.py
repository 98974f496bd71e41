"""The tables of a team file, as they are written.

`flyte_dask.team_files.builder` builds presets, a platform and a policy from them. Their docstrings
and descriptions are those of the JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from inspect import cleandoc
from typing import Any, Literal, TypeAlias, get_type_hints

import attrs

from flyte_dask.config.runtime import SETTINGS, Runtime
from flyte_dask.config.setting_kinds import MOST_SECONDS
from flyte_dask.inheritance.resolution import Inherit
from flyte_dask.prediction.platform import Backend, Base
from flyte_dask.roles.roles import MOST_WORKERS

__all__ = [
    "SCHEMA_KEY",
    "AdviceTable",
    "Amount",
    "Amounts",
    "Limits",
    "PlatformTable",
    "PolicyTable",
    "PresetTable",
    "RuntimeTable",
    "SchedulerTable",
    "Seconds",
    "Sides",
    "Tables",
    "WorkersTable",
]

Amount: TypeAlias = str | int | float
"""A quantity as text, or a number."""

Seconds: TypeAlias = float | int | Literal["never"]
"""A time limit; ``never`` stands for None, which a file cannot contain."""


SCHEMA_KEY = "$schema"
"""The key by which editors find the schema; it is ignored otherwise."""

_NUMBER_OF_WORKERS = {"minimum": 1, "maximum": MOST_WORKERS}
_CPUS = {"exclusiveMinimum": 0}
_WHOLE = {"multipleOf": 1}
_LEAST = {"minimum": 0}
_BYTES = {**_CPUS, **_WHOLE}
_GPUS = {**_LEAST, **_WHOLE}
_NAMES = {"propertyNames": {"pattern": r"^[^\d\s._-][^\s.]*(\.[^\d\s._-][^\s.]*)*$"}}


_SETTINGS: Mapping[Any, tuple[Any, str, Mapping[str, Any]]] = {
    int: (int, "", {"minimum": 0, "maximum": MOST_WORKERS}),
    float | None: (Seconds, ", in seconds", {"exclusiveMinimum": 0, "maximum": MOST_SECONDS}),
}
"""The type, unit and keywords of settings in a file, by their type in `Runtime`."""


def _field(text: str, rules: Mapping[str, Any] | None = None, kind: Any = None) -> Any:
    """A field with a description; *rules* are keywords of the JSON Schema beyond its type."""
    return attrs.field(default=None, type=kind, metadata={"description": text, **(rules or {})})


@attrs.frozen(kw_only=True)
class Sides:
    """Request and limit of an amount, where they differ."""

    request: Amount | None = _field("The amount that the pod is scheduled by.")
    limit: Amount | None = _field("The maximum that the pod can use.")


@attrs.frozen(kw_only=True)
class Amounts:
    """One amount for each dimension."""

    cpu: Amount | None = _field("CPUs, such as 2, 0.5 or '500m'.", _CPUS)
    mem: Amount | None = _field("Bytes of memory, such as '16Gi'.", _BYTES)
    gpu: Amount | None = _field("Whole GPUs.", _GPUS)
    ephemeral_storage: Amount | None = _field("Bytes of local disk, such as '50Gi'.", _BYTES)


@attrs.frozen(kw_only=True)
class SchedulerTable:
    """The scheduler pod: each amount is one for both request and limit, or a pair."""

    cpu: Amount | Sides | None = _field("CPUs, such as 2, 0.5 or '500m'.", _CPUS)
    mem: Amount | Sides | None = _field("Bytes of memory, such as '16Gi'.", _BYTES)
    gpu: Amount | Sides | None = _field("Whole GPUs; 0 means explicitly none.", _GPUS)
    ephemeral_storage: Amount | Sides | None = _field(
        "Bytes of local disk, such as '50Gi'.", _BYTES
    )
    image: str | None = _field("Image reference or template.")


@attrs.frozen(kw_only=True)
class WorkersTable(SchedulerTable):
    """The worker pods; amounts are per worker."""

    count: int | None = _field("The number of workers.", _NUMBER_OF_WORKERS)


def _settings() -> dict[str, Any]:
    """The fields for the settings of `Runtime`, with their types and descriptions there."""
    doc, kinds = cleandoc(Runtime.__doc__ or ""), get_type_hints(Runtime)
    texts = dict(re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", doc, re.MULTILINE))
    return {name: _setting(texts.get(name, ""), kinds[name]) for name in SETTINGS}


def _setting(text: str, kind: Any) -> Any:
    kind, unit, rules = _SETTINGS.get(kind, (kind, "", {}))
    text = re.sub(r"``|\*", "`", " ".join(text.split())).removesuffix(".")
    return _field(f"{text[:1].upper()}{text[1:]}{unit}.", rules, kind | None)


@attrs.frozen(kw_only=True, these=_settings())
class RuntimeTable:
    """How a task's function uses its cluster; see `flyte_dask.Runtime`."""


@attrs.frozen(kw_only=True)
class PresetTable:
    """A preset: a named config that tasks start from."""

    extends: str | None = _field("The preset that this one extends.")
    doc: str | None = _field("The purpose of the preset, and the reasons for its numbers.")
    image: str | None = _field("Image reference or template for both roles.")
    workers: WorkersTable | None = _field("The workers.")
    scheduler: SchedulerTable | None = _field("The scheduler.")
    inherit: Inherit | None = _field("How a role inherits values that it does not set.")
    runtime: RuntimeTable | None = _field("How a task's function uses its cluster.")
    silence: tuple[str, ...] | None = _field("Codes of advice to suppress.")


@attrs.frozen(kw_only=True)
class Limits(Amounts):
    """The limit of each dimension; 0 means none, as in flyteadmin's configuration."""

    cpu: Amount | None = _field("CPUs, such as 2, 0.5 or '500m'.", _LEAST)
    mem: Amount | None = _field("Bytes of memory, such as '16Gi'.", {**_LEAST, **_WHOLE})
    gpu: Amount | None = _field("Whole GPUs.", _GPUS)
    ephemeral_storage: Amount | None = _field(
        "Bytes of local disk, such as '50Gi'.", {**_LEAST, **_WHOLE}
    )


@attrs.frozen(kw_only=True)
class PlatformTable:
    """The Flyte platform: its defaults and limits."""

    base: Base | None = _field("The starting point, whose amounts apply unless set here.")
    backend: Backend | None = _field("The backend: v1 for Flyte 1, v2 for Flyte 2.")
    defaults: Amounts | None = _field("The default amounts of a pod.")
    limits: Limits | None = _field("The maximum amounts of a pod, to which Flyte 1 clamps.")
    gpu_resource: str | None = _field(
        "The Kubernetes resource of GPUs, such as amd.com/gpu.", {"pattern": r"^[^/\s]+/[^/\s]+$"}
    )


@attrs.frozen(kw_only=True)
class PolicyTable:
    """The team's policy."""

    max_workers: int | None = _field("The maximum number of workers of a task.", _NUMBER_OF_WORKERS)
    per_worker: Amounts | None = _field("The maximum of each worker.")
    total: Amounts | None = _field("The maximum of all pods of a job.")
    registries: tuple[str, ...] | None = _field("The allowed registries of images.")


@attrs.frozen(kw_only=True)
class AdviceTable:
    """Which advice to suppress, and which to treat as errors."""

    silence: tuple[str, ...] | None = _field("Codes of advice to suppress.")
    fatal: tuple[str, ...] | None = _field("Codes of advice to treat as errors.")


@attrs.frozen(kw_only=True)
class Tables:
    """A team's presets, platform, policy and advice."""

    presets: dict[str, PresetTable] | None = _field("Presets, by name.", _NAMES)
    platform: PlatformTable | None = _field("The Flyte platform.")
    policy: PolicyTable | None = _field("The team's policy.")
    advice: AdviceTable | None = _field("Advice to suppress, or to treat as errors.")
