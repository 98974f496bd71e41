"""What is told of a task's values: each with who said it, what it replaced, and what Flyte does."""

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
from flyte_dask.quantities.quantity import Quantity
from flyte_dask_cli.platform_options import with_options
from tests.prediction.test_backend import PLATFORMS
from tests.support.configs import CONFIGS, PARENTS


def values(config: Dask, parent: Parent | None = None, platform: Platform | None = None) -> Any:
    """All values of a config in a task on a site."""
    return summarize(Job.of(config, parent or Parent(), platform or Platform()))["values"]


TASK = Parent(Resources(cpu=4, mem="16G"), Resources(cpu=8, mem="32G", gpu=1))
SITE = Platform(limits=Resources(mem="10Gi"))
SAID = presets.medium(5).with_workers(mem="12Gi")
MEDIUM = "preset medium"


@pytest.mark.parametrize(
    ("path", "config", "parent", "platform", "lines"),
    [
        ("workers.limits.cpu", SAID, None, None, ["2", f"  2 is said by {MEDIUM}"]),
        (
            "workers.limits.mem",
            SAID,
            TASK,
            SITE,
            [
                "10Gi",
                f"  8Gi was said by {MEDIUM}",
                "  12Gi is said by with_workers(...) at {here} instead",
                "  32G is the task's, and does not count",
                "  12Gi -> 10Gi: above what the platform allows: cut to that, in silence",
            ],
        ),
        (
            "workers.number_of_workers",
            SAID,
            None,
            None,
            ["5", f"  4 was said by {MEDIUM}", "  5 is said by medium(...) at {here} instead"],
        ),
        (
            "workers.requests.gpu",
            SAID,
            TASK,
            None,
            ["none: nobody says it"],
        ),
        (
            "workers.limits.gpu",
            SAID,
            TASK,
            None,
            ["none", "  nobody: the task's 1 is not inherited"],
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
                "  default of the platform",
                "  none -> 2: nobody says it: the platform's default",
                "  the role says no resources: its pod has those of the task, as a whole",
            ],
        ),
        (
            "scheduler.limits.mem",
            Dask(),
            Parent(requests=Resources(mem="1Gi")),
            None,
            [
                "1Gi",
                "  as its request: Parent(...) at {here}",
                "  none -> 1Gi: no limit is said: the request is one",
                "  the role says no resources: its pod has those of the task, as a whole",
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
                "  1.5 -> 2: the number of threads is the CPU limit, rounded up to a whole number",
            ],
        ),
        ("runtime.min_workers", Dask(), None, None, ["1", "  default"]),
        (
            "inherit",
            Dask(inherit="pin"),
            None,
            None,
            ["pin", "  pin is said by Dask(...) at {here}"],
        ),
    ],
)
def test_a_story(
    path: str, config: Dask, parent: Parent | None, platform: Platform | None, lines: list[str]
) -> None:
    told = list(story(path, values(config, parent, platform)))
    assert [_here(line) for line in told] == lines


def _here(line: str) -> str:
    head, at, tail = line.partition(" at ")
    place, _, rest = tail.partition(" ") if " " in tail else (tail, "", "")
    comma = "," if place.endswith(",") else ""
    return f"{head} at {{here}}{comma}{' ' if rest else ''}{rest}" if at else line


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        ("workers.limits.memory", "did you mean 'workers.limits.mem'?"),
        ("etc", "write one such as runner.requests.cpu"),
    ],
)
def test_a_value_that_no_cluster_has_is_refused(path: str, remedy: str) -> None:
    with pytest.raises(LookupError, match="is no value of a cluster") as caught:
        fields_of(path)
    assert remedy in str(caught.value)


@given(CONFIGS, PARENTS, PLATFORMS)
def test_all_values_have_a_story(config: Dask, parent: Parent, platform: Platform) -> None:
    """Which starts with the value that the pods have."""
    job = Job.of(config, parent, platform)
    told = summarize(job)["values"]
    assert set(told) <= set(FIELDS)
    for path in FIELDS:
        first = next(story(path, told))
        value = told.get(path, {}).get("value")
        assert first == ("none: nobody says it" if path not in told else _shown(value))
    for role, pod in zip(job.pods._fields, job.pods, strict=True):
        for name, pair in pod.container.amounts.items():
            for side, amount in zip(("requests", "limits"), pair, strict=True):
                shown = told.get(f"{role}.{side}.{name}", {}).get("value")
                assert shown == (None if amount is None else amount.text)


def _shown(value: object) -> str:
    return "none" if value is None else str(value)


SITES: list[tuple[Mapping[str, Any], Platform]] = [
    ({"backend": None, "defaults": {}, "limits": {}}, SITE),
    (
        {"backend": "v2", "defaults": {"cpu": "3"}, "limits": {"gpu": "2"}},
        Platform(backend="v2", defaults=Resources(cpu=3), limits=Resources(mem="10Gi", gpu=2)),
    ),
    (
        {"backend": None, "defaults": {}, "limits": {"mem": "20Gi"}},
        Platform(limits=Resources(mem="20Gi")),
    ),
]


@pytest.mark.parametrize(("options", "expected"), SITES)
def test_options_say_another_site_dimension_by_dimension(
    options: Mapping[str, Any], expected: Platform
) -> None:
    made = with_options(SITE, **options)
    assert made == expected
    origins = {path: str(origin) for path, origin in made.origins.items()}
    for side in ("defaults", "limits"):
        for name in options[side]:
            assert origins.pop(f"{side}.{name}") == f"--platform-{side}"
    assert origins == {
        path: str(origin) for path, origin in SITE.origins.items() if path in origins
    }
    assert made.allowed.get("mem") != Quantity("0")
