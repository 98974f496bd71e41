"""Origins: what set each value, where, and what it overrides."""

from __future__ import annotations

import dataclasses
import pickle
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import flytekit
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask import Dask, Origin, Quantity, Resources, Scheduler, WorkerGroup, presets
from flyte_dask.catalog import builtin
from flyte_dask.roles.base import set_fields
from flyte_dask.roles.origin import as_text
from flyte_dask.roles.roles import leaves
from tests.support.configs import CONFIGS

PRESETS = builtin.__file__


def sources(config: Dask) -> dict[str, tuple[str, str]]:
    """For each path the call or the preset, and the text of its line."""
    return {path: (_source(origin), _line(origin)) for path, origin in config.origins.items()}


def _source(origin: Origin) -> str:
    return origin.preset or origin.by


def _line(origin: Origin) -> str:
    assert origin.call_site is not None
    lines = Path(origin.call_site.file).read_text(encoding="utf-8").splitlines()
    return lines[origin.call_site.line - 1].strip()


def test_each_value_has_its_call_and_line() -> None:
    base = Dask(Scheduler(image="a"), WorkerGroup(4, limits=Resources(mem="4Gi")))
    config = base.with_workers(cpu=2)
    config = config.with_image("b")
    assert sources(config) == {
        "scheduler.image": ("with_image(...)", 'config = config.with_image("b")'),
        "workers.number_of_workers": ("WorkerGroup(...)", _line(base.origins["scheduler.image"])),
        "workers.mem": ("WorkerGroup(...)", _line(base.origins["scheduler.image"])),
        "workers.cpu": ("with_workers(...)", "config = base.with_workers(cpu=2)"),
        "workers.image": ("with_image(...)", 'config = config.with_image("b")'),
    }


def test_values_of_a_built_in_preset_have_its_name_and_file() -> None:
    config = presets.medium(workers=5)
    count = config.origins["workers.number_of_workers"]
    assert (count.by, _line(count)) == ("medium(...)", "config = presets.medium(workers=5)")
    assert {path for path, origin in config.origins.items() if origin.preset == "medium"} == {
        "scheduler.cpu",
        "scheduler.mem",
        "workers.cpu",
        "workers.mem",
    }
    origin = config.origins["workers.mem"]
    assert origin.call_site is not None
    assert origin.call_site.file == PRESETS
    assert str(origin) == f"preset medium at {origin.call_site}"


def test_the_overridden_value_is_kept() -> None:
    config = presets.medium().with_workers(mem="16Gi").with_workers(mem=("16Gi", "32Gi"))
    origin = config.origins["workers.mem"]
    assert origin.value == (Quantity("16Gi"), Quantity("32Gi"))
    overridden = origin.overrides
    assert overridden is not None
    assert (overridden.by, overridden.value) == ("with_workers(...)", (Quantity("16Gi"),) * 2)
    assert overridden.overrides is None


def test_a_preset_is_the_origin_of_what_it_adds_to_another() -> None:
    etl = presets.define("acme.etl", presets.large(20).with_workers(mem="32Gi"))
    origins = etl(40).origins
    assert {path: _source(origin) for path, origin in origins.items()} == {
        "scheduler.cpu": "large",
        "scheduler.mem": "large",
        "workers.number_of_workers": "acme.etl(...)",
        "workers.cpu": "large",
        "workers.mem": "acme.etl",
    }
    overridden = origins["workers.number_of_workers"].overrides
    assert overridden is not None
    assert (overridden.value, overridden.preset) == (20, "acme.etl")
    overridden = origins["workers.mem"].overrides
    assert overridden is not None
    assert (overridden.value, overridden.preset) == ((Quantity("16Gi"),) * 2, "large")


def test_the_role_is_the_origin_of_flytekits_resources() -> None:
    group = WorkerGroup(requests=flytekit.Resources(cpu="1", mem="2Gi"))
    assert {name: origin.by for name, origin in group.origins.items()} == {
        "cpu": "WorkerGroup(...)",
        "mem": "WorkerGroup(...)",
    }


def test_the_call_is_the_origin_of_a_number_of_workers() -> None:
    assert Dask(workers=5).origins["workers.number_of_workers"].by == "Dask(...)"


def test_unset_values_have_no_origin() -> None:
    assert Dask(Scheduler(), WorkerGroup(requests=Resources())).origins == {}


def test_evolve_is_the_origin_of_what_it_changes() -> None:
    before = presets.medium().workers
    after = attrs.evolve(before, number_of_workers=8, image="a")
    assert {name: after.origins[name] for name in ("cpu", "mem")} == {
        name: before.origins[name] for name in ("cpu", "mem")
    }
    count = after.origins["number_of_workers"]
    assert _line(count) == 'after = attrs.evolve(before, number_of_workers=8, image="a")'
    assert count.overrides == before.origins["number_of_workers"]


def test_origins_do_not_affect_equality() -> None:
    one = Dask(workers=5)
    two = Dask().with_workers(5)
    assert one.origins != two.origins
    assert (one, hash(one), repr(one)) == (two, hash(two), repr(two))


def test_origins_survive_a_pickle() -> None:
    config = presets.medium(5).with_workers(mem="16Gi")
    assert pickle.loads(pickle.dumps(config)).origins == config.origins


def test_origins_cannot_be_changed() -> None:
    origins: Any = WorkerGroup(5).origins
    with pytest.raises(TypeError, match="does not support item assignment"):
        origins["image"] = None


@attrs.define
class Holder:
    """Code that attrs generates calls `Dask`."""

    config: Dask = attrs.field(factory=partial(Dask, workers=5))


@dataclasses.dataclass
class Other:
    """Code that dataclasses generate calls `Dask`."""

    config: Dask = dataclasses.field(default_factory=partial(Dask, workers=5))


@pytest.mark.parametrize("kind", [Holder, Other])
def test_generated_code_is_not_user_code(kind: type[Any]) -> None:
    holder = kind()
    assert _line(holder.config.origins["workers.number_of_workers"]) == "holder = kind()"


def test_other_plugins_of_flytekit_are_user_code() -> None:
    names: dict[str, Any] = {"__name__": "flytekitplugins.acme", "Dask": Dask}
    exec(compile("\nconfig = Dask(workers=5)", "acme.py", "exec"), names)
    assert names["config"].origins["workers.number_of_workers"].call_site == ("acme.py", 2)


def test_an_origin_has_the_current_text_of_a_value() -> None:
    group = WorkerGroup(requests=Resources(mem="1Gi"))
    again = attrs.evolve(group, requests=Resources(mem="1024Mi"))
    assert again.origins["mem"].call_site == group.origins["mem"].call_site
    assert [as_text(each.origins["mem"].value) for each in (group, again)] == [
        ("1Gi", None),
        ("1024Mi", None),
    ]


@st.composite
def configs(draw: st.DrawFn) -> Dask:
    """A config that is set by calls on several lines, with various texts, partly in a preset."""
    config = draw(CONFIGS)
    if draw(st.booleans()):
        config = config.with_workers(cpu=draw(st.sampled_from(["1", "1000m", "2"])))
    if draw(st.booleans()):
        config = config.with_workers(cpu=draw(st.sampled_from(["1", "1000m", "2"])))
    if draw(st.booleans()):
        config = presets.define(draw(st.sampled_from(["one", "two"])), config)()
    return config


MIXED = configs()


@given(MIXED, MIXED)
def test_origins_hold_what_the_config_holds(a: Dask, b: Dask) -> None:
    merged = a | b
    held = {
        **{f"scheduler.{leaf}": as_text(value) for leaf, value in leaves(merged.scheduler).items()},
        **{f"workers.{leaf}": as_text(value) for leaf, value in leaves(merged.workers).items()},
        **({"inherit": merged.inherit} if "inherit=" in repr(merged) else {}),
        **{f"runtime.{name}": value for name, value in set_fields(merged.runtime).items()},
        **{f"silence.{code}": code for code in merged.silence},
    }
    assert {path: as_text(origin.value) for path, origin in merged.origins.items()} == held


@given(MIXED, MIXED, MIXED)
def test_origins_merge_as_values_do(a: Dask, b: Dask, c: Dask) -> None:
    """They are associative, overridden values included, and nothing overrides itself."""
    assert ((a | b) | c).origins == (a | (b | c)).origins
    assert (a | a).origins == a.origins
    assert (a | b).origins.keys() == a.origins.keys() | b.origins.keys()


@given(CONFIGS, CONFIGS)
def test_a_merge_overrides_the_values_of_the_left_side(a: Dask, b: Dask) -> None:
    merged = (a.with_image("left") | b.with_image("right")).origins
    for path in ("scheduler.image", "workers.image"):
        assert merged[path].value == "right"
        overridden = merged[path].overrides
        assert overridden is not None
        before = b.origins.get(path)
        assert overridden.value == (before.value if before else "left")
