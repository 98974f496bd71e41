"""What is worked out once for all tasks that are worded alike: it is what each would get alone."""

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
from flyte_dask.advice import Job, unsilenced
from flyte_dask.prediction.platform import Platform
from flyte_dask.team_files.tracking import TrackedFile, taken
from flyte_dask_engine.registration import serialization as wire
from flyte_dask_engine.registration.cache import remembered
from flyte_dask_engine.registration.cluster import TaskCluster
from flyte_dask_engine.registration.requested import RequestedResources, judged
from flytekitplugins.dask.bundle_check import left_behind
from flytekitplugins.dask.images import with_real_images
from flytekitplugins.dask.registration import review_of
from flytekitplugins.dask.requested import described
from flytekitplugins.dask.task import DaskTask
from tests.support.configs import CONFIGS

SETTINGS = SerializationSettings(ImageConfig(Image("default", "acme/etl", "1")))
SITES = [
    Platform(),
    Platform(backend="v2"),
    Platform(limits=Amounts(cpu="500m", mem="512Mi")),
    Platform(limits=Amounts(cpu=0.5, mem="0.5Gi")),
]
# the same amounts in several spellings, and types that are equal in Python and no text alike
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


def decorated(**said: Any) -> DaskTask:
    made: Any = task(task_config=Dask(), **said)(nothing)
    assert isinstance(made, DaskTask)
    return made


TASKS = [
    decorated(),
    decorated(container_image="acme/other:2"),
    decorated(environment={"DASK_WORKER_NAME": "one"}),
    decorated(pod_template_name="large"),
]


@given(CONFIGS, st.sampled_from(AMOUNTS), st.sampled_from(AMOUNTS))
def test_each_has_the_message_of_its_own_words(
    config: Dask, amounts: dict[str, Any], others: dict[str, Any]
) -> None:
    real = with_real_images(config, SETTINGS, "here", None)
    for asked in (
        RequestedResources("@task", amounts, {}),
        RequestedResources("@task", others, {}),
        RequestedResources("x", {}, amounts),
    ):
        cluster = TaskCluster(real, asked, "etl", None)
        alone = wire.custom(real, real.resolve(judged(asked, "etl", None)))
        assert cluster.custom == alone
        cluster.custom["workers"]["resources"].clear()  # of which nobody else sees anything
        assert cluster.custom == alone


@given(CONFIGS, st.sampled_from(AMOUNTS), st.sampled_from(TASKS))
def test_each_has_the_advice_of_its_own_words(
    config: Dask, amounts: dict[str, Any], task: DaskTask
) -> None:
    real = with_real_images(config, SETTINGS, "here", None)
    cluster = TaskCluster(real, RequestedResources("@task", {}, amounts), task.name, None)
    parent = described(cluster.parent, task, SETTINGS)
    for site in SITES:
        review = attrs.evolve(review_of(task, cluster, SETTINGS), platform=site)
        assert review.unsilenced == unsilenced(Job.of(real, parent, site))


def test_each_is_told_of_its_own_name_and_line() -> None:
    """Though what is wrong with them is the same."""
    asked = RequestedResources("@task", {"mem": "16GB"}, {})
    for name in ("one", "other"):
        with pytest.raises(InvalidConfig, match=f"@task of {name}"):
            _ = TaskCluster(Dask(workers=2), asked, name, None).custom


def test_a_number_is_not_taken_for_the_text_that_it_looks_like() -> None:
    assert judged(RequestedResources("@task", {"gpu": "1.0"}, {}), "etl", None).requests == Amounts(
        gpu=1
    )
    with pytest.raises(InvalidConfig, match="must be a str or int, not float"):
        judged(RequestedResources("@task", {"gpu": 1.0}, {}), "etl", None)


def test_what_goes_wrong_is_told_alone() -> None:
    """Without the look into an empty memory before it."""
    with pytest.raises(ZeroDivisionError) as caught:
        remembered({}, "etl", lambda: 1 // 0)
    assert caught.value.__context__ is None


def test_the_same_is_worked_out_once() -> None:
    memory: dict[Any, list[int]] = {}
    first = remembered(memory, ("a", 1), lambda: [1])
    assert remembered(memory, ("a", 1), lambda: [2]) is first
    assert remembered(memory, ("a", 2), lambda: [2]) == [2]


def test_no_more_is_kept_than_a_registration_has() -> None:
    memory: dict[Any, int] = {}
    for number in range(10_000):
        assert remembered(memory, number, partial(int, number)) == number
    assert len(memory) <= 4096


def test_a_team_file_that_comes_later_is_seen_by_the_next_registration(tmp_path: Path) -> None:
    """Within one, what a folder has is looked for once."""
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
def test_a_remedy_counts_at_once(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process that goes on, such as a notebook's, with the settings that it has."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    root = tmp_path / folder
    code, ignore = root / "pipeline.py", root / ".dockerignore"
    for module in (code, tmp_path / "elsewhere.py"):  # of which the latter is not sent
        monkeypatch.setitem(taken, TrackedFile(root / "flyte-dask.toml", "nightly", module), None)
    ignore.write_text("*.toml\n")
    registration = fast(root)
    (problem,) = left_behind(registration)
    assert problem.value == tmp_path / "real" / "flyte-dask.toml"
    assert problem.rule == "of preset nightly is ignored when the code is sent"
    assert left_behind(registration) == (problem,)
    ignore.write_text("")
    assert left_behind(registration) == ()


def test_a_file_is_judged_once_in_a_registration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many tasks there are; and for each next one."""
    resolve, resolved = Path.resolve, list[Path]()

    def counted(path: Path) -> Path:
        resolved.append(path)
        return resolve(path)

    monkeypatch.setattr(Path, "resolve", counted)
    team, (first, second) = tmp_path / "flyte-dask.toml", (tmp_path / "a.py", tmp_path / "b.py")
    registration = fast(tmp_path)
    assert left_behind(registration) == ()  # of what other tests have taken
    for module in (first, second):
        monkeypatch.setitem(taken, TrackedFile(team, "nightly", module), None)
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
