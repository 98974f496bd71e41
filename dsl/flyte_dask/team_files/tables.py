"""What may be written in a team file: its tables, by their names there.

They say no more than what is written; `flyte_dask.team_files.builder` makes presets, a
platform and a policy of them. Their texts are those of the JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import attrs

from flyte_dask.config.runtime import MOST_SECONDS, Local, Report
from flyte_dask.inheritance.resolution import Inherit
from flyte_dask.prediction.platform import Backend
from flyte_dask.roles.roles import MOST_WORKERS

__all__ = [
    "SCHEMA_KEY",
    "AdviceTable",
    "Amount",
    "Amounts",
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
"""A time; none at all is ``never``, since a file cannot say None."""


SCHEMA_KEY = "$schema"
"""By which editors find the schema; it says nothing else."""

_NUMBER_OF_WORKERS = {"minimum": 1, "maximum": MOST_WORKERS}
_CPUS = {"exclusiveMinimum": 0}
_BYTES = {"exclusiveMinimum": 0, "multipleOf": 1}
_GPUS = {"minimum": 0, "multipleOf": 1}
_SECONDS = {"exclusiveMinimum": 0, "maximum": MOST_SECONDS}
_NAMES = {"propertyNames": {"pattern": r"^[^\d\s._-][^\s.]*(\.[^\d\s._-][^\s.]*)*$"}}


def _field(text: str, rules: Mapping[str, Any] | None = None) -> Any:
    """What is described so; *rules* are those of the JSON Schema that its kind does not say."""
    return attrs.field(default=None, metadata={"description": text, **(rules or {})})


@attrs.frozen(kw_only=True)
class Sides:
    """Request and limit, where they differ."""

    request: Amount | None = _field("What the pod is scheduled by.")
    limit: Amount | None = _field("What the pod may use at most.")


@attrs.frozen(kw_only=True)
class Amounts:
    """One amount for each dimension."""

    cpu: Amount | None = _field("CPUs, such as 2, 0.5 or '500m'.", _CPUS)
    mem: Amount | None = _field("Bytes of memory, such as '16Gi'.", _BYTES)
    gpu: Amount | None = _field("Whole GPUs.", _GPUS)
    ephemeral_storage: Amount | None = _field("Bytes of local disk, such as '50Gi'.", _BYTES)


@attrs.frozen(kw_only=True)
class SchedulerTable:
    """The scheduler pod: one amount for request and limit, or both."""

    cpu: Amount | Sides | None = _field("CPUs, such as 2, 0.5 or '500m'.", _CPUS)
    mem: Amount | Sides | None = _field("Bytes of memory, such as '16Gi'.", _BYTES)
    gpu: Amount | Sides | None = _field("Whole GPUs; 0 is none, explicitly.", _GPUS)
    ephemeral_storage: Amount | Sides | None = _field(
        "Bytes of local disk, such as '50Gi'.", _BYTES
    )
    image: str | None = _field("Reference or template of the image.")


@attrs.frozen(kw_only=True)
class WorkersTable(SchedulerTable):
    """The worker pods; amounts are those of one worker."""

    count: int | None = _field("How many.", _NUMBER_OF_WORKERS)


@attrs.frozen(kw_only=True)
class RuntimeTable:
    """How a task's function uses its cluster; see `flyte_dask.Runtime`."""

    client: bool | None = _field("Whether a bare .compute() uses the cluster.")
    require_cluster: bool | None = _field("Whether no cluster is an error.")
    min_workers: int | None = _field(
        "How many workers there have to be at first.", {"minimum": 0, "maximum": MOST_WORKERS}
    )
    connect_timeout: Seconds | None = _field(
        "How long the first connection to the scheduler may take, in seconds.", _SECONDS
    )
    worker_timeout: Seconds | None = _field(
        "How long it may take until min_workers are there, in seconds.", _SECONDS
    )
    stall_timeout: Seconds | None = _field(
        "How long work may wait while no worker makes progress, in seconds.", _SECONDS
    )
    scheduler_timeout: Seconds | None = _field(
        "How long the scheduler may stay silent once connected, in seconds.", _SECONDS
    )
    ship_code: bool | None = _field("Whether code of a fast registration goes to the workers.")
    check_versions: bool | None = _field("Whether versions are compared.")
    report: Report = _field("Whether the task's deck shows its cluster.")
    local: Local | None = _field("What the workers of a local cluster are.")
    dashboard: bool | None = _field("Whether a local cluster serves Dask's dashboard.")
    progress: bool | None = _field("Whether a terminal shows the progress of a local cluster.")


@attrs.frozen(kw_only=True)
class PresetTable:
    """A preset."""

    extends: str | None = _field("The preset that this one builds on.")
    doc: str | None = _field("What it is for, and why its numbers.")
    image: str | None = _field("Reference or template of the image of both roles.")
    workers: WorkersTable | None = _field("The workers.")
    scheduler: SchedulerTable | None = _field("The scheduler.")
    inherit: Inherit | None = _field("How a role gets what it leaves unsaid.")
    runtime: RuntimeTable | None = _field("How a task's function uses its cluster.")
    silence: tuple[str, ...] | None = _field("Codes of advice that is not to be given.")


@attrs.frozen(kw_only=True)
class PlatformTable:
    """The site of Flyte."""

    backend: Backend | None = _field("Flyte 1's backend, or Flyte 2's.")
    defaults: Amounts | None = _field("What a pod gets where nobody sets an amount.")
    limits: Amounts | None = _field("To what each pod is cut.")


@attrs.frozen(kw_only=True)
class PolicyTable:
    """What the team allows."""

    max_workers: int | None = _field("How many workers a task may have.", _NUMBER_OF_WORKERS)
    per_worker: Amounts | None = _field("How much each worker may use.")
    total: Amounts | None = _field("How much all pods of a job may use together.")
    registries: tuple[str, ...] | None = _field("From where images may come.")


@attrs.frozen(kw_only=True)
class AdviceTable:
    """What becomes of advice."""

    silence: tuple[str, ...] | None = _field("Codes of advice that is not to be given.")
    fatal: tuple[str, ...] | None = _field("Codes of advice that is an error.")


@attrs.frozen(kw_only=True)
class Tables:
    """A team's presets, its site, and what it allows."""

    presets: dict[str, PresetTable] | None = _field("Presets, by name.", _NAMES)
    platform: PlatformTable | None = _field("The site of Flyte.")
    policy: PolicyTable | None = _field("What the team allows.")
    advice: AdviceTable | None = _field("What becomes of advice.")
