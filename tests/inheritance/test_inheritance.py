"""Inheritance: the table, the worked cases, and the laws of ``resolve``."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from flyte_dask import (
    Dask,
    InvalidConfig,
    Parent,
    Resources,
    Runtime,  # noqa: F401  # for `eval`
    Scheduler,
    WorkerGroup,
    presets,
)
from flyte_dask.inheritance import Inherit
from flyte_dask.inheritance.resolution import Resolved, ResolvedRole, Side
from flyte_dask.quantities.quantity import Quantity
from flyte_dask.roles.origin import Pair
from flyte_dask.roles.resources import DIMENSIONS, pairs
from tests.support.configs import CONFIGS, MODES, PARENTS

Amounts = dict[str, Any]
Table = dict[str, tuple[str, str, str]]
"""By side and dimension, such as ``limits.mem``: emitted, effective, and source."""

TASK: Amounts = {"cpu": (4, 8), "mem": ("16G", "32G")}


def requests_and_limits(amounts: Amounts) -> tuple[Resources, Resources]:
    """Requests and limits with these pairs."""
    requests = {name: request for name, (request, _) in amounts.items()}
    return Resources(**requests), Resources(**{name: limit for name, (_, limit) in amounts.items()})


def group(amounts: Amounts) -> WorkerGroup:
    """Workers that set these amounts."""
    requests, limits = requests_and_limits(amounts)
    return WorkerGroup(3, None, requests, limits)


def parent(amounts: Amounts) -> Parent:
    """A task that sets these amounts."""
    return Parent(*requests_and_limits(amounts))


def table(role: ResolvedRole) -> Table:
    """All sides of *role* that are not unset."""
    sides = {
        f"{side}s.{name}": getattr(pair, side)
        for name, pair in zip(DIMENSIONS, role, strict=True)
        for side in ("request", "limit")
    }
    return {path: _row(side) for path, side in sides.items() if side.source != "unset"}


def by_role(config: Dask, resolved: Resolved) -> list[tuple[Scheduler | WorkerGroup, ResolvedRole]]:
    """Each role, with its resolved resources."""
    return [(config.scheduler, resolved.scheduler), (config.workers, resolved.workers)]


def _row(side: Side) -> tuple[str, str, str]:
    return str(side.emitted or ""), str(side.effective or ""), side.source


PLATFORM = ("", "", "platform")

CASES: dict[str, tuple[Amounts, Amounts, Table]] = {
    "nothing, in a task that sets nothing": (
        {},
        {},
        dict.fromkeys(["requests.cpu", "limits.cpu", "requests.mem", "limits.mem"], PLATFORM),
    ),
    "nothing: Flyte uses the task's": (
        {},
        {**TASK, "gpu": (1, 1)},
        {
            "requests.cpu": ("", "4", "task"),
            "limits.cpu": ("", "8", "task"),
            "requests.mem": ("", "16G", "task"),
            "limits.mem": ("", "32G", "task"),
            "requests.gpu": ("", "1", "task"),
            "limits.gpu": ("", "1", "task"),
        },
    ),
    "memory": (
        {"mem": ("16G", "16G")},
        {"cpu": (1, 2), "mem": ("4G", "8G")},
        {
            "requests.cpu": ("1", "1", "task"),
            "limits.cpu": ("2", "2", "task"),
            "requests.mem": ("16G", "16G", "role"),
            "limits.mem": ("16G", "16G", "role"),
        },
    ),
    "requests": (
        {"cpu": (2, None), "mem": ("8G", None)},
        TASK,
        {
            "requests.cpu": ("2", "2", "role"),
            "limits.cpu": ("8", "8", "task"),
            "requests.mem": ("8G", "8G", "role"),
            "limits.mem": ("32G", "32G", "task"),
        },
    ),
    "a request above the task's limit": (
        {"mem": ("64G", None)},
        {"mem": ("16G", "32G")},
        {
            "requests.cpu": PLATFORM,
            "limits.cpu": PLATFORM,
            "requests.mem": ("64G", "64G", "role"),
            "limits.mem": ("64G", "64G", "raised"),
        },
    ),
    "a limit below the task's request": (
        {"cpu": (None, 1)},
        {"cpu": (4, 8), "mem": ("4G", "8G")},
        {
            "requests.cpu": ("1", "1", "lowered"),
            "limits.cpu": ("1", "1", "role"),
            "requests.mem": ("4G", "4G", "task"),
            "limits.mem": ("8G", "8G", "task"),
        },
    ),
    "a request, in a task that has no limit": (
        {"cpu": (2, None)},
        {"cpu": (4, None), "mem": (None, "8G")},
        {
            "requests.cpu": ("2", "2", "role"),
            "limits.cpu": ("", "2", "matched"),
            "requests.mem": ("", "8G", "matched"),
            "limits.mem": ("8G", "8G", "task"),
        },
    ),
    "a GPU on one side": (
        {"gpu": (None, 2)},
        {**TASK, "gpu": (1, 1)},
        {
            "requests.cpu": ("4", "4", "task"),
            "limits.cpu": ("8", "8", "task"),
            "requests.mem": ("16G", "16G", "task"),
            "limits.mem": ("32G", "32G", "task"),
            "requests.gpu": ("2", "2", "matched"),
            "limits.gpu": ("2", "2", "role"),
        },
    ),
    "no GPU": (
        {"gpu": (0, None)},
        {"gpu": (1, 1)},
        {
            **dict.fromkeys(["requests.cpu", "limits.cpu", "requests.mem", "limits.mem"], PLATFORM),
            "requests.gpu": ("0", "0", "role"),
            "limits.gpu": ("0", "0", "matched"),
        },
    ),
    "something, in a task with a GPU and a disk": (
        {"cpu": (1, 1)},
        {"gpu": (1, None), "ephemeral_storage": ("10G", "20G")},
        {
            "requests.cpu": ("1", "1", "role"),
            "limits.cpu": ("1", "1", "role"),
            "requests.mem": PLATFORM,
            "limits.mem": PLATFORM,
            "requests.gpu": ("", "", "dropped"),
            "requests.ephemeral_storage": ("10G", "10G", "task"),
            "limits.ephemeral_storage": ("20G", "20G", "task"),
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_dimension_is_resolved_separately(name: str) -> None:
    role, task, expected = CASES[name]
    assert table(Dask(workers=group(role)).resolve(parent(task)).workers) == expected


@pytest.mark.parametrize("name", CASES)
def test_both_roles_are_resolved_the_same_way(name: str) -> None:
    role, task, expected = CASES[name]
    scheduler = Scheduler(None, *requests_and_limits(role))
    assert table(Dask(scheduler).resolve(parent(task)).scheduler) == expected


def test_pin_emits_an_unset_role_in_full() -> None:
    task = parent({**TASK, "gpu": (1, None), "ephemeral_storage": ("10G", None)})
    assert table(Dask(inherit="pin").resolve(task).workers) == {
        "requests.cpu": ("4", "4", "task"),
        "limits.cpu": ("8", "8", "task"),
        "requests.mem": ("16G", "16G", "task"),
        "limits.mem": ("32G", "32G", "task"),
        "requests.gpu": ("1", "1", "task"),
        "limits.gpu": ("1", "1", "matched"),
        "requests.ephemeral_storage": ("10G", "10G", "task"),
        "limits.ephemeral_storage": ("", "10G", "matched"),
    }


def test_off_emits_only_what_the_role_sets() -> None:
    config = Dask(workers=group({"cpu": (2, None), "gpu": (None, 1)}), inherit="off")
    task = parent({**TASK, "ephemeral_storage": ("10G", "10G")})
    assert table(config.resolve(task).workers) == {
        "requests.cpu": ("2", "2", "role"),
        "limits.cpu": ("", "2", "matched"),
        "requests.mem": PLATFORM,
        "limits.mem": PLATFORM,
        "requests.gpu": ("", "1", "matched"),
        "limits.gpu": ("1", "1", "role"),
        "requests.ephemeral_storage": ("", "", "dropped"),
        "limits.ephemeral_storage": ("", "", "dropped"),
    }


def test_every_amount_has_its_origin() -> None:
    config = presets.medium().with_workers(mem=("64G", None))
    task = parent({**TASK, "ephemeral_storage": ("1G", None)})
    sides = config.resolve(task).sides
    assert list(sides)[:5] == [
        "scheduler.requests.cpu",
        "scheduler.requests.mem",
        "scheduler.requests.gpu",
        "scheduler.requests.ephemeral_storage",
        "scheduler.limits.cpu",
    ]
    origins = {path: side.origin for path, side in sides.items() if path.startswith("workers")}
    assert origins == {
        "workers.requests.cpu": config.origins["workers.cpu"],
        "workers.limits.cpu": config.origins["workers.cpu"],
        "workers.requests.mem": config.origins["workers.mem"],
        "workers.limits.mem": config.origins["workers.mem"],
        "workers.requests.gpu": None,
        "workers.limits.gpu": None,
        "workers.requests.ephemeral_storage": task.origins["ephemeral_storage"],
        "workers.limits.ephemeral_storage": task.origins["ephemeral_storage"],
    }
    assert (str(sides["workers.limits.mem"].task), sides["workers.limits.mem"].source) == (
        "32G",
        "raised",
    )


def test_the_default_parent_sets_nothing() -> None:
    assert presets.large().resolve() == presets.large().resolve(Parent())


def test_a_parent_is_validated() -> None:
    with pytest.raises(InvalidConfig) as caught:
        Parent(requests=Resources(cpu=2), limits=Resources(cpu=1))
    assert [problem.path for problem in caught.value.problems] == ["limits.cpu"]
    other: Any = Resources(cpu=1)
    with pytest.raises(InvalidConfig, match="is not a Parent: pass Parent"):
        Dask().resolve(other)


NOTHING: Pair = (None, None)


def by_table(name: str, own: dict[str, Pair], task: dict[str, Pair], inherit: Inherit) -> Pair:
    """The pair of one dimension of one role in the template."""
    request, limit = own.get(name, NOTHING)
    task_request, task_limit = task.get(name, NOTHING)
    if not own:
        request, limit = (task_request, task_limit) if inherit == "pin" else NOTHING
        return both(request, limit) if name == "gpu" else (request, limit)
    if inherit == "off" or (request and limit):
        return request, limit
    if name == "gpu":
        return both(request, limit)
    if request:
        return request, max(request, task_limit) if task_limit else None
    return min(limit, task_request) if limit and task_request else task_request, limit or task_limit


def both(request: Quantity | None, limit: Quantity | None) -> Pair:
    """The set amount on both sides."""
    return request or limit, limit or request


class TestLaws:
    """Properties of all configs and parents."""

    @given(CONFIGS, PARENTS)
    def test_an_unset_role_emits_nothing_unless_pinned(self, config: Dask, task: Parent) -> None:
        resolved = config.resolve(task)
        for role, result in by_role(config, resolved):
            if not pairs(role.requests, role.limits) and config.inherit != "pin":
                assert result.emitted == {}

    @given(CONFIGS, PARENTS)
    def test_requests_are_within_limits(self, config: Dask, task: Parent) -> None:
        for role in config.resolve(task):
            for pair in role:
                for request, limit in (pair.emitted, pair.effective):
                    assert request is None or limit is None or request <= limit
            request, limit = role.gpu.effective
            assert request == limit

    @given(CONFIGS, PARENTS)
    def test_what_a_role_sets_is_kept(self, config: Dask, task: Parent) -> None:
        """The amount keeps its text, whatever the task sets."""
        resolved = config.resolve(task)
        for role, result in by_role(config, resolved):
            for name, own in pairs(role.requests, role.limits).items():
                found: tuple[Side, Side] = getattr(result, name)
                for amount, side in zip(own, found, strict=True):
                    if amount is not None:
                        assert side.emitted is side.effective is amount
                        assert (side.source, side.origin) == ("role", role.origins[name])

    @given(CONFIGS, PARENTS)
    def test_is_deterministic_and_respects_equality(self, config: Dask, task: Parent) -> None:
        again: Dask = eval(repr(config))
        same: Parent = eval(repr(task))
        effective = [[pair.effective for pair in role] for role in again.resolve(same)]
        assert [[pair.effective for pair in role] for role in config.resolve(task)] == effective

    @given(CONFIGS, PARENTS)
    def test_matches_the_documented_table(self, config: Dask, task: Parent) -> None:
        """The table is implemented again here, without sources and origins."""
        for role, result in by_role(config, config.resolve(task)):
            own, tasks = pairs(role.requests, role.limits), pairs(task.requests, task.limits)
            expected = {
                name: by_table(name, own, tasks, config.inherit)
                for name in DIMENSIONS
                if by_table(name, own, tasks, config.inherit) != NOTHING
            }
            assert result.emitted == expected

    @given(CONFIGS, PARENTS, MODES)
    def test_an_amount_has_an_origin_if_and_only_if_it_is_set(
        self, config: Dask, task: Parent, inherit: Inherit
    ) -> None:
        for side in config.with_inherit(inherit).resolve(task).sides.values():
            assert (side.effective is None) == (side.origin is None)
            assert (side.effective is None) == (side.source in {"platform", "dropped", "unset"})

    @given(CONFIGS, PARENTS)
    def test_pinning_what_is_resolved_changes_nothing(self, config: Dask, task: Parent) -> None:
        """A config that sets the resolved amounts and inherits nothing emits the same."""
        pinned = config.with_inherit("pin").resolve(task)
        roles = [requests_and_limits(role.emitted) for role in pinned]
        written = Dask(Scheduler(None, *roles[0]), WorkerGroup(1, None, *roles[1]), inherit="off")
        assert [role.emitted for role in written.resolve(task)] == [role.emitted for role in pinned]
