"""The provenance of a task's values: their origin, what they override, and what Flyte does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given

from flyte_dask import Dask, Parent, Resources, WorkerGroup, presets
from flyte_dask.advice import Job
from flyte_dask.explanation.summary import summarize
from flyte_dask.explanation.text import FIELDS, fields_of, story
from flyte_dask.prediction.platform import Platform
from flyte_dask_cli.options import with_options
from tests.prediction.test_backend import PLATFORMS
from tests.support.configs import CONFIGS, PARENTS


def values(config: Dask, parent: Parent | None = None, platform: Platform | None = None) -> Any:
    """All values of a config in a task on a platform."""
    return summarize(Job.of(config, parent or Parent(), platform or Platform()))["values"]


TASK = Parent(Resources(cpu=4, mem="16G"), Resources(cpu=8, mem="32G", gpu=1))
PLATFORM = Platform(limits=Resources(mem="10Gi"))
CONFIG = presets.medium(5).with_workers(mem="12Gi")
MEDIUM = "preset medium"


@pytest.mark.parametrize(
    ("path", "config", "parent", "platform", "lines"),
    [
        ("workers.limits.cpu", CONFIG, None, None, ["2", f"  2 set by {MEDIUM}"]),
        (
            "workers.limits.mem",
            CONFIG,
            TASK,
            PLATFORM,
            [
                "10Gi",
                f"  8Gi set by {MEDIUM}",
                "  12Gi set by with_workers(...) at {here}, overriding it",
                "  32G of the task does not apply",
                "  12Gi -> 10Gi: above the platform's limit: silently clamped to it",
            ],
        ),
        (
            "workers.number_of_workers",
            CONFIG,
            None,
            None,
            ["5", f"  4 set by {MEDIUM}", "  5 set by medium(...) at {here}, overriding it"],
        ),
        (
            "workers.requests.gpu",
            CONFIG,
            TASK,
            None,
            ["none: not set"],
        ),
        (
            "workers.limits.gpu",
            CONFIG,
            TASK,
            None,
            ["none", "  not set: the task's 1 is not inherited"],
        ),
        (
            "workers.limits.cpu",
            Dask(workers=WorkerGroup(requests=Resources(cpu=16))),
            TASK,
            None,
            ["16", "  WorkerGroup(...) at {here}, above the task's 8"],
        ),
        (
            "workers.requests.mem",
            Dask(workers=WorkerGroup(limits=Resources(mem="1G"))),
            TASK,
            None,
            ["1G", "  WorkerGroup(...) at {here}, below the task's 16G"],
        ),
        (
            "workers.requests.cpu",
            Dask(),
            None,
            None,
            [
                "2",
                "  platform default",
                "  none -> 2: not set: the platform default applies",
                "  the role sets no resources: its pod gets all of the task's",
            ],
        ),
        (
            "scheduler.limits.mem",
            Dask(),
            Parent(requests=Resources(mem="1Gi")),
            None,
            [
                "1Gi",
                "  same as the request: Parent(...) at {here}",
                "  none -> 1Gi: the limit is not set and defaults to the request",
                "  the role sets no resources: its pod gets all of the task's",
            ],
        ),
        (
            "workers.nthreads",
            presets.small().with_workers(cpu=1.5),
            None,
            None,
            [
                "2",
                "  from workers.limits.cpu",
                "  1.5 -> 2: the number of threads is the CPU limit, rounded up to an integer",
            ],
        ),
        ("runtime.min_workers", Dask(), None, None, ["1", "  default"]),
        (
            "inherit",
            Dask(inherit="pin"),
            None,
            None,
            ["pin", "  pin set by Dask(...) at {here}"],
        ),
    ],
)
def test_a_story(
    path: str, config: Dask, parent: Parent | None, platform: Platform | None, lines: list[str]
) -> None:
    lines_shown = list(story(path, values(config, parent, platform)))
    assert [_here(line) for line in lines_shown] == lines


def _here(line: str) -> str:
    head, at, tail = line.partition(" at ")
    place, _, rest = tail.partition(" ") if " " in tail else (tail, "", "")
    comma = "," if place.endswith(",") else ""
    return f"{head} at {{here}}{comma}{' ' if rest else ''}{rest}" if at else line


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        ("workers.limits.memory", "did you mean 'workers.limits.mem'?"),
        ("workers.memory", "did you mean 'workers.mem'?"),
        ("scheduler.cores", "did you mean 'scheduler.cpu'?"),
        ("worker.request.disk", "did you mean 'workers.requests.ephemeral_storage'?"),
        ("workers.threads", "did you mean 'workers.nthreads'?"),
        ("workers.replicas", "did you mean 'workers.number_of_workers'?"),
        ("workers.memory_limits", "did you mean 'workers.memory_limit'?"),
        ("count", "did you mean 'workers.number_of_workers'?"),
        ("memory", "did you mean 'workers.mem'?"),
        ("stall_timeout", "did you mean 'runtime.stall_timeout'?"),
        ("scheduler.replicas", "scheduler has cpu, mem, gpu, ephemeral_storage, requests"),
        ("workers.limits", "workers.limits has cpu, mem, gpu, ephemeral_storage"),
        ("etc", "use one such as runner.requests.cpu"),
    ],
)
def test_an_unknown_field_is_rejected(path: str, remedy: str) -> None:
    with pytest.raises(LookupError, match="is an unknown field") as caught:
        fields_of(path)
    assert remedy in str(caught.value)


@given(CONFIGS, PARENTS, PLATFORMS)
def test_all_values_have_a_story(config: Dask, parent: Parent, platform: Platform) -> None:
    """Which starts with the value that the pods have."""
    job = Job.of(config, parent, platform)
    summary = summarize(job)["values"]
    assert set(summary) <= set(FIELDS)
    for path in FIELDS:
        first = next(story(path, summary))
        value = summary.get(path, {}).get("value")
        assert first == ("none: not set" if path not in summary else _shown(value))
    for role, pod in zip(job.pods._fields, job.pods, strict=True):
        for name, pair in pod.container.amounts.items():
            for side, amount in zip(("requests", "limits"), pair, strict=True):
                shown = summary.get(f"{role}.{side}.{name}", {}).get("value")
                assert shown == (None if amount is None else amount.text)


def _shown(value: object) -> str:
    return "none" if value is None else str(value)


PLATFORM_OPTIONS: list[tuple[Mapping[str, Any], Platform]] = [
    ({"defaults": {}, "limits": {}}, PLATFORM),
    (
        {"backend": "v2", "defaults": {"cpu": "3"}, "limits": {}},
        Platform(backend="v2", defaults=Resources(cpu=3)),
    ),
    (
        {"base": "flyte-core", "defaults": {"cpu": "3"}, "limits": {"gpu": "2"}},
        Platform(base="flyte-core", defaults=Resources(cpu=3), limits=Resources(gpu=2)),
    ),
    (
        {"backend": "v1", "defaults": {}, "limits": {"mem": "20Gi"}},
        Platform(limits=Resources(mem="20Gi")),
    ),
    (
        {"defaults": {}, "limits": {"mem": "0", "cpu": "4"}},
        Platform(limits=Resources(cpu=4), unlimited=["mem"]),
    ),
]


@pytest.mark.parametrize(("options", "expected"), PLATFORM_OPTIONS)
def test_options_override_the_platform_dimension_by_dimension(
    options: Mapping[str, Any], expected: Platform
) -> None:
    made = with_options(PLATFORM, **options)
    assert made == expected
    origins = {path: str(origin) for path, origin in made.origins.items()}
    for side in ("defaults", "limits"):
        for name, amount in options[side].items():
            if amount == "0":
                assert f"{side}.{name}" not in origins
                continue
            assert origins.pop(f"{side}.{name}") == f"--platform-{side}"
    assert origins == {
        path: str(origin) for path, origin in PLATFORM.origins.items() if path in origins
    }
