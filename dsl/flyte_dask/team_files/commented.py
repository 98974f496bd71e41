"""A team file to start from, whose lines are comments, derived from the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from flyte_dask.team_files.tables import (
    AdviceTable,
    Amounts,
    Limits,
    PlatformTable,
    PolicyTable,
    PresetTable,
    SchedulerTable,
    WorkersTable,
)

__all__ = ["starter"]

_HEAD = """\
# A team's presets, its platform and its policy, for flyte-dask. It is found in the folder of a
# module, or above it, up to the root of the repository. Remove the "# " of each line that you need;
# `flyte-dask schema` prints a JSON Schema with which editors complete and check them.
"""
_COLUMN = 48

_PARTS: tuple[tuple[str, type[Any], str], ...] = (
    ("presets.nightly", PresetTable, ""),
    ("presets.nightly.workers", WorkersTable, "The workers of that preset."),
    ("presets.nightly.scheduler", SchedulerTable, "Its scheduler."),
    ("platform", PlatformTable, ""),
    ("platform.defaults", Amounts, "The default amounts of a pod."),
    ("platform.limits", Limits, ""),
    ("policy", PolicyTable, ""),
    ("policy.per_worker", Amounts, "The maximum of each worker."),
    ("policy.total", Amounts, "The maximum of all pods of a job."),
    ("advice", AdviceTable, ""),
)
"""The tables, with the text of those whose own is not enough."""

_EXAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "presets.nightly.extends": '"large"',
        "presets.nightly.doc": '"The nightly run over all shops."',
        "presets.nightly.image": '"ghcr.io/acme/etl:3"',
        "presets.nightly.inherit": '"fill"',
        "presets.nightly.runtime": "{ worker_timeout = 1800 }",
        "presets.nightly.silence": '["poor-bin-packing"]',
        "presets.nightly.workers.count": "20",
        "presets.nightly.workers.cpu": "4",
        "presets.nightly.workers.mem": '"32Gi"',
        "presets.nightly.workers.gpu": "0",
        "presets.nightly.workers.ephemeral_storage": '"50Gi"',
        "presets.nightly.workers.image": '"ghcr.io/acme/etl:3"',
        "presets.nightly.scheduler.cpu": "2",
        "presets.nightly.scheduler.mem": '{ request = "8Gi", limit = "16Gi" }',
        "presets.nightly.scheduler.gpu": "0",
        "presets.nightly.scheduler.ephemeral_storage": '"10Gi"',
        "presets.nightly.scheduler.image": '"ghcr.io/acme/etl:3"',
        "platform.base": '"flyteadmin"',
        "platform.backend": '"v1"',
        "platform.gpu_resource": '"nvidia.com/gpu"',
        "platform.defaults.cpu": "1",
        "platform.defaults.mem": '"1Gi"',
        "platform.defaults.gpu": "0",
        "platform.defaults.ephemeral_storage": '"10Gi"',
        "platform.limits.cpu": "64",
        "platform.limits.mem": '"256Gi"',
        "platform.limits.gpu": "8",
        "platform.limits.ephemeral_storage": '"500Gi"',
        "policy.max_workers": "100",
        "policy.registries": '["ghcr.io/acme"]',
        "policy.per_worker.cpu": "32",
        "policy.per_worker.mem": '"256Gi"',
        "policy.per_worker.gpu": "1",
        "policy.per_worker.ephemeral_storage": '"200Gi"',
        "policy.total.cpu": "1000",
        "policy.total.mem": '"4Ti"',
        "policy.total.gpu": "16",
        "policy.total.ephemeral_storage": '"10Ti"',
        "advice.silence": '["poor-bin-packing"]',
        "advice.fatal": '["missing-worker-memory"]',
    }
)
"""A value for each key, by its path."""


def starter() -> str:
    """A team file in TOML with every key as a comment, its description and an example."""
    parts = ("\n".join(_part(*each)) for each in _PARTS)
    return "\n".join([_HEAD, *(f"{part}\n" for part in parts)])


def _part(path: str, table: type[Any], text: str) -> Iterator[str]:
    """The comment lines of one table."""
    yield f"## {text or table.__doc__}"
    yield f"# [{path}]"
    for name, field in attrs.fields_dict(table).items():
        example = _EXAMPLES.get(f"{path}.{name}")
        if example is not None:  # others are tables, which follow
            line = f"# {name} = {example}"
            yield f"{line:<{_COLUMN}}  # {field.metadata['description']}"
