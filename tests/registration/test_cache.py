"""Results that tasks with equal cache keys share are those that each would get alone."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest
from flytekit import Resources, task
from flytekit.configuration import (
    FastSerializationSettings,
    Image,
    ImageConfig,
    SerializationSettings,
)
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask import Dask, InvalidConfig
from flyte_dask import Resources as Amounts
from flyte_dask.advice import RULES, Job, unsilenced
from flyte_dask.prediction.platform import Platform
from flyte_dask.team_files.tracking import TrackedFile, tracked
from flyte_dask_engine.registration import serialization as wire
from flyte_dask_engine.registration.cache import cached
from flyte_dask_engine.registration.cluster import TaskCluster
from flyte_dask_engine.registration.requested import RequestedResources, parent_with
from flytekitplugins.dask.bundle_check import left_behind
from flytekitplugins.dask.images import with_real_images
from flytekitplugins.dask.registration import review_of
from flytekitplugins.dask.requested import described
from flytekitplugins.dask.task import DaskTask
from tests.support.configs import CONFIGS

SETTINGS = SerializationSettings(ImageConfig(Image("default", "acme/etl", "1")))
PLATFORMS = [
    Platform(),
    Platform(backend="v2"),
    Platform(limits=Amounts(cpu="500m", mem="512Mi")),
    Platform(limits=Amounts(cpu=0.5, mem="0.5Gi")),
]
# equal amounts in several spellings and types
AMOUNTS = [
    {"cpu": 1},
    {"cpu": 1.0},
    {"cpu": "1"},
    {"cpu": "1000m", "mem": "1Gi"},
    {"mem": "1024Mi", "gpu": 1},
    {"gpu": "1", "ephemeral_storage": "10G"},
    {},
]


def nothing() -> int:
    return 1


def decorated(**arguments: Any) -> DaskTask:
    made: Any = task(task_config=Dask(), **arguments)(nothing)
    assert isinstance(made, DaskTask)
    return made


TASKS = [
    decorated(),
    decorated(container_image="acme/other:2"),
    decorated(environment={"DASK_WORKER_NAME": "one"}),
    decorated(pod_template_name="large"),
]


@given(CONFIGS, st.sampled_from(AMOUNTS), st.sampled_from(AMOUNTS))
def test_each_has_its_own_message(
    config: Dask, amounts: dict[str, Any], others: dict[str, Any]
) -> None:
    real = with_real_images(config, SETTINGS, "here", None)
    for requested in (
        RequestedResources("@task", amounts, {}),
        RequestedResources("@task", others, {}),
        RequestedResources("x", {}, amounts),
    ):
        cluster = TaskCluster(real, requested, "etl", None)
        alone = wire.custom(real, real.resolve(parent_with(requested, "etl", None)))
        assert cluster.custom == alone
        cluster.custom["workers"]["resources"].clear()  # others must not see it
        assert cluster.custom == alone


@given(CONFIGS, st.sampled_from(AMOUNTS), st.sampled_from(TASKS))
def test_each_has_its_own_advice(config: Dask, amounts: dict[str, Any], task: DaskTask) -> None:
    real = with_real_images(config, SETTINGS, "here", None)
    cluster = TaskCluster(real, RequestedResources("@task", {}, amounts), task.name, None)
    parent = described(cluster.parent, task, SETTINGS)
    for platform in PLATFORMS:
        review = attrs.evolve(review_of(task, cluster, SETTINGS), platform=platform)
        assert review.unsilenced == unsilenced(Job.of(real, parent, platform))


@given(CONFIGS, st.sampled_from(AMOUNTS), st.sampled_from(TASKS), st.sampled_from(PLATFORMS))
def test_what_applies_depends_on_the_number_of_workers_where_that_is_known(
    config: Dask, amounts: dict[str, Any], task: DaskTask, platform: Platform
) -> None:
    """One assessment serves all numbers."""
    for number in (None, 1, 8, 200, 1001):
        numbered = config if number is None else config.with_workers(number)
        real = with_real_images(numbered, SETTINGS, "here", None)
        cluster = TaskCluster(real, RequestedResources("@task", {}, amounts), task.name, None)
        review = attrs.evolve(review_of(task, cluster, SETTINGS), platform=platform)
        assert review.codes() == [*dict.fromkeys(each.code for each in review.unsilenced)]
        errors = [code for code in review.codes() if RULES[code].severity == "error"]
        assert review.codes(("error",)) == errors


def test_errors_name_each_task() -> None:
    """Even if the problem is the same."""
    requested = RequestedResources("@task", {"mem": "16GB"}, {})
    for name in ("one", "other"):
        with pytest.raises(InvalidConfig, match=f"@task of {name}"):
            _ = TaskCluster(Dask(workers=2), requested, name, None).custom


def test_a_float_does_not_have_the_key_of_an_equal_str() -> None:
    assert parent_with(
        RequestedResources("@task", {"gpu": "1.0"}, {}), "etl", None
    ).requests == Amounts(gpu=1)
    with pytest.raises(InvalidConfig, match="must be a str or int, not float"):
        parent_with(RequestedResources("@task", {"gpu": 1.0}, {}), "etl", None)


def test_an_error_has_no_context() -> None:
    """The failed lookup in the cache is not part of its traceback."""
    with pytest.raises(ZeroDivisionError) as caught:
        cached({}, "etl", lambda: 1 // 0)
    assert caught.value.__context__ is None


def test_a_value_is_computed_once() -> None:
    cache: dict[Any, list[int]] = {}
    first = cached(cache, ("a", 1), lambda: [1])
    assert cached(cache, ("a", 1), lambda: [2]) is first
    assert cached(cache, ("a", 2), lambda: [2]) == [2]


def test_the_cache_is_bounded() -> None:
    cache: dict[Any, int] = {}
    for number in range(10_000):
        assert cached(cache, number, partial(int, number)) == number
    assert len(cache) <= 4096


def test_a_team_file_that_comes_later_is_seen_by_the_next_registration(tmp_path: Path) -> None:
    """Within one, each folder is searched once."""
    made = decorated(limits=Resources(cpu="1", mem="1Gi"))
    module = tmp_path / "pipeline.py"
    (tmp_path / ".git").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, __name__, _module(module))
        settings = SerializationSettings(SETTINGS.image_config)
        assert made.review(settings).team is None
        (tmp_path / "flyte-dask.toml").write_text("[policy]\nmax_workers = 1\n")
        assert made.review(settings).team is None
        team = made.review(SerializationSettings(SETTINGS.image_config)).team
    assert team is not None
    assert team.path == tmp_path / "flyte-dask.toml"


@pytest.mark.parametrize("folder", ["real", "link"])
def test_a_remedy_takes_effect_at_once(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same process, such as a notebook's, with the same settings."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    root = tmp_path / folder
    code, ignore = root / "pipeline.py", root / ".dockerignore"
    for module in (code, tmp_path / "elsewhere.py"):  # the latter is not uploaded
        monkeypatch.setitem(tracked, TrackedFile(root / "flyte-dask.toml", "nightly", module), None)
    ignore.write_text("*.toml\n")
    registration = fast(root)
    (problem,) = left_behind(registration)
    assert problem.value == tmp_path / "real" / "flyte-dask.toml"
    assert problem.rule == "of preset nightly is excluded from the upload of the code"
    assert left_behind(registration) == (problem,)
    ignore.write_text("")
    assert left_behind(registration) == ()


def test_a_file_is_checked_once_per_registration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regardless of the number of tasks, and again in the next registration."""
    resolve, resolved = Path.resolve, list[Path]()

    def counted(path: Path) -> Path:
        resolved.append(path)
        return resolve(path)

    monkeypatch.setattr(Path, "resolve", counted)
    team, (first, second) = tmp_path / "flyte-dask.toml", (tmp_path / "a.py", tmp_path / "b.py")
    registration = fast(tmp_path)
    assert left_behind(registration) == ()  # files that other tests have tracked
    for module in (first, second):
        monkeypatch.setitem(tracked, TrackedFile(team, "nightly", module), None)
        resolved.clear()
        for _ in range(3):
            assert left_behind(registration) == ()
        assert resolved == [tmp_path, module, team]
    assert left_behind(fast(tmp_path)) == ()
    assert resolved[-3:] == [first, second, team]


def fast(root: Path) -> SerializationSettings:
    settings = FastSerializationSettings(enabled=True)
    return SerializationSettings(
        SETTINGS.image_config, source_root=str(root), fast_serialization_settings=settings
    )


def _module(file: Path) -> ModuleType:
    module = ModuleType(__name__)
    module.__file__ = str(file)
    return module
