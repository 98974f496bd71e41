"""Changes between two clusters: invariants of all clusters, and worked cases."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given

from flyte_dask import Dask, Parent, Resources, presets
from flyte_dask.advice import Job
from flyte_dask.explanation.summary import summarize
from flyte_dask.prediction.footprint import Total, footprint
from flyte_dask.prediction.platform import Platform
from flyte_dask.quantities.quantity import Quantity
from flyte_dask.roles.resources import DIMENSIONS
from flyte_dask_cli.rendering.changes import Delta, changes, delta, matched
from flyte_dask_cli.rendering.snapshots import (
    InvalidSnapshot,
    Rendered,
    Snapshot,
    from_rendered,
    from_summary,
    read,
)
from flyte_dask_engine.registration import serialization
from tests.prediction.test_backend import PLATFORMS
from tests.support.command import flyte_dask, in_shell
from tests.support.configs import CONFIGS, PARENTS


def job(config: Dask, parent: Parent | None = None, platform: Platform | None = None) -> Job:
    """A config in a task on a platform."""
    return Job.of(config, parent or Parent(), platform or Platform())


def snapshot(config: Dask, parent: Parent | None = None) -> Snapshot:
    """The values of a config that the command compares."""
    return from_summary(summarize(job(config, parent)))


BASE = presets.medium(4).with_image("acme/etl:3")
TASK = Parent(limits=Resources(cpu=1, mem="1Gi"), image="acme/etl:3")


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (
            presets.medium(4).with_workers(cpu=4, mem="16Gi"),
            presets.medium(5).with_workers(cpu=4, mem="16Gi"),
            ["~ workers 4 -> 5 (+1 pod, +4 CPU, +16Gi)"],
        ),
        (BASE, BASE.with_workers(cpu="2000m", mem="8192Mi"), []),
        (BASE, BASE.with_workers(mem="6Gi"), ["~ workers.mem 8Gi -> 6Gi (-8Gi)"]),
        (
            BASE,
            BASE.with_workers(2, cpu=1),
            ["~ workers 4 -> 2 (-2 pods, -4 CPU, -16Gi)", "~ workers.cpu 2 -> 1 (-2 CPU)"],
        ),
        (BASE, BASE.with_workers(cpu=(2, 3)), ["~ workers.limits.cpu 2 -> 3"]),
        (
            BASE,
            BASE.with_workers(gpu=1, ephemeral_storage="100Gi"),
            ["+ workers.gpu 1 (+4 GPU)", "+ workers.ephemeral_storage 100Gi (+400Gi disk)"],
        ),
        (BASE, BASE.with_image("acme/etl:4"), ["~ scheduler.image acme/etl:3 -> acme/etl:4"]),
        (BASE, BASE.with_scheduler(mem="8Gi"), ["~ scheduler.mem 4Gi -> 8Gi (+4Gi)"]),
        (BASE, BASE.with_runtime(stall_timeout=None), ["- runtime.stall_timeout 300"]),
        (BASE, BASE.with_inherit("pin"), ["~ inherit fill -> pin"]),
        (BASE.with_workers(gpu=1), BASE.with_workers(gpu=0), ["- workers.gpu 1 (-4 GPU)"]),
    ],
)
def test_a_change_is_shown_with_its_cost(old: Dask, new: Dask, lines: list[str]) -> None:
    found = [str(each) for each in changes(snapshot(old, TASK), snapshot(new, TASK))]
    if lines == ["~ scheduler.image acme/etl:3 -> acme/etl:4"]:
        lines = [*lines, "~ workers.image acme/etl:3 -> acme/etl:4"]
    assert found == lines


def test_a_change_of_all_pods_is_shown_once() -> None:
    old, new = (Parent(image=image) for image in ("acme/etl:3", "acme/etl:4"))
    (change,) = changes(snapshot(presets.small(), old), snapshot(presets.small(), new))
    assert str(change) == "~ image acme/etl:3 -> acme/etl:4"


@given(CONFIGS, PARENTS, PLATFORMS, CONFIGS, PARENTS)
def test_deltas_add_up_to_the_difference_of_the_footprints(
    old: Dask, parent: Parent, platform: Platform, new: Dask, other: Parent
) -> None:
    """For requests, also of clusters between the two that cannot exist."""
    jobs = job(old, parent, platform), job(new, other, platform)
    before, after = (from_summary(summarize(each)) for each in jobs)
    (pods, requests), (new_pods, new_requests) = (_requests(each) for each in jobs)
    total = sum((each.delta for each in changes(before, after)), Delta())
    assert total.pods == new_pods - pods == delta(before, after).pods
    for name in DIMENSIONS:
        more = getattr(new_requests, name).value - getattr(requests, name).value
        assert total.amounts.get(name, Quantity("0")).value == more
        assert delta(before, after).amounts.get(name, Quantity("0")).value == more


def _requests(job: Job) -> tuple[int, Total]:
    total = footprint(job.pods)
    return total.pods, total.requests


@given(CONFIGS, PARENTS, PLATFORMS)
def test_a_cluster_does_not_differ_from_itself(
    config: Dask, parent: Parent, platform: Platform
) -> None:
    """Nor do its summary, its pods and its template in JSON and in YAML."""
    same = job(config, parent, platform)
    read_back = from_summary(json.loads(json.dumps(summarize(same))))
    assert changes(read_back, from_summary(summarize(same))) == ()
    pods = same.pods.as_dict()
    again = yaml.safe_load(yaml.safe_dump(pods))
    assert changes(from_rendered(pods, "pods"), from_rendered(again, "pods")) == ()
    custom = serialization.custom(config.with_image("acme/etl:3"), same.resolved)
    custom["workers"]["numberOfWorkers"] = float(custom["workers"]["numberOfWorkers"])
    assert changes(from_rendered(custom, "custom"), from_rendered(custom, "custom")) == ()


@pytest.mark.parametrize(
    ("old", "new", "pairs"),
    [
        (["a.f"], ["b.g"], [("a.f", "b.g")]),
        (["a.f", "a.g"], ["b.g", "b.f"], [("a.g", "b.g"), ("a.f", "b.f")]),
        (["a.f", "b.f"], ["b.f", "c.f"], [("b.f", "b.f"), ("a.f", "c.f")]),
        (["a.f", "b.f"], ["c.f", "d.f"], [("a.f", "c.f"), ("b.f", "d.f")]),
        (
            ["a.f-11111111", "b.f-22222222", "b.f"],
            ["b.f-33333333", "b.f", "c.f-44444444", "a.f-55555555"],
            [
                ("b.f-22222222", "b.f-33333333"),
                ("b.f", "b.f"),
                (None, "c.f-44444444"),
                ("a.f-11111111", "a.f-55555555"),
            ],
        ),
        (["a.f", "a.g"], ["a.f"], [("a.f", "a.f"), ("a.g", None)]),
        (["a.f"], ["a.g", "b.f"], [(None, "a.g"), ("a.f", "b.f")]),
        ([], ["a.f"], [(None, "a.f")]),
        ([""], ["a.f"], [("", "a.f")]),
    ],
)
def test_tasks_are_matched_by_their_functions(
    old: list[str], new: list[str], pairs: list[tuple[str | None, str | None]]
) -> None:
    """Two single tasks are matched whatever their names."""
    assert list(matched(old, new)) == pairs


INVALID = {
    "empty.json": ("", "cannot be read: "),
    "empty.yaml": ("", "is not output of `flyte-dask render`"),
    "deep.json": ('{"a":' * 100_000, "cannot be read: "),
    "list.json": ("[]", "is not output of `flyte-dask render`"),
    "cut.json": ('{"scheduler": ', "cannot be read: "),
    "other.yaml": ("a: {b: 1}", "is not output of `flyte-dask render`"),
    "text.yaml": ("- : :", "cannot be read: "),
    "bad.yaml": ("a: [", "cannot be read: "),
    "mixed.json": (
        json.dumps(
            {
                "f": {"scheduler": {}, "workers": {}},
                "g": {"runner": {}, "scheduler": {}, "workers": {}},
            }
        ),
        "mixes customs, templates and pods",
    ),
}


@pytest.mark.parametrize("name", INVALID)
def test_files_that_were_not_rendered_are_rejected(tmp_path: Path, name: str) -> None:
    text, reason = INVALID[name]
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InvalidSnapshot) as caught:
        read(str(tmp_path / name))
    assert reason in str(caught.value)


def test_missing_and_binary_files_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    for name in ("binary.json", "nowhere.json"):
        with pytest.raises(InvalidSnapshot, match="cannot be read"):
            read(str(tmp_path / name))


@pytest.mark.once
@pytest.mark.parametrize(
    ("old", "text", "message"),
    [
        ("before.json", None, "cannot be read: No such file or directory"),
        ("before.json", "{}", "is not output of `flyte-dask render`"),
        ("before.yml", "a: 1", "is not output of `flyte-dask render`"),
    ],
)
def test_the_command_that_writes_the_file_is_named(
    tmp_path: Path, old: str, text: str | None, message: str
) -> None:
    (tmp_path / "etl.py").touch()
    if text is not None:
        (tmp_path / old).write_text(text, encoding="utf-8")
    done = flyte_dask(tmp_path, "diff", old, "etl.py")
    remedy = f"write it by `flyte-dask render etl.py --as pods > {old}`"
    assert (done.returncode, done.stderr) == (1, f"Error: {old}: {message}: {remedy}\n")


@pytest.mark.once
def test_so_is_the_one_to_pipe(tmp_path: Path) -> None:
    done = in_shell("flyte-dask diff - etl.py < /dev/null", tmp_path)
    remedy = "pipe `flyte-dask render etl.py --as pods` into it"
    assert done.stderr == f"Error: -: is not output of `flyte-dask render`: {remedy}\n"


@pytest.mark.parametrize(
    "text", ['{"f": {"scheduler": {}, "workers": {}}}', "f: {scheduler, workers}"]
)
def test_standard_input_may_be_json_or_yaml(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert read("-").kind == "custom"


def test_json_is_not_read_by_the_yaml_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """The YAML parser takes hundreds of times as long."""
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"f": CUSTOM})))
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert read("-") == Rendered("custom", {"f": CUSTOM})


CUSTOM: dict[str, Any] = {
    "scheduler": {"resources": {}},
    "workers": {"numberOfWorkers": 4, "resources": {}},
}


@pytest.mark.parametrize(
    ("container", "amounts", "others"),
    [
        (
            {
                "container": {
                    "image": "acme/etl:3",
                    "resources": {
                        "requests": [{"name": "CPU", "value": "1"}],
                        "limits": [{"name": "EPHEMERAL_STORAGE", "value": "1Gi"}],
                    },
                    "env": [{"key": "B", "value": "(not shown)"}, {"key": "A"}],
                }
            },
            {"runner.requests.cpu": "1", "runner.limits.ephemeral_storage": "1Gi"},
            {},
        ),
        (
            {
                "config": {"primary_container_name": "main"},
                "k8sPod": {
                    "podSpec": {
                        "containers": [
                            {"name": "proxy", "image": "acme/proxy:1", "command": ["serve"]},
                            {
                                "name": "main",
                                "image": "acme/etl:3",
                                "resources": {"limits": {"memory": "1Gi", "nvidia.com/gpu": 1}},
                                "env": [{"name": "A", "value": "(not shown)"}, {"name": "B"}],
                            },
                        ],
                        "tolerations": [{"key": "gpu"}],
                    }
                },
            },
            {"runner.limits.mem": "1Gi", "runner.limits.gpu": "1"},
            {
                "runner.sidecars.proxy.image": "acme/proxy:1",
                "runner.sidecars.proxy.environment": None,
                "runner.sidecars.proxy.command[0]": "serve",
                "template.config.primary_container_name": "main",
                "template.k8sPod.podSpec.tolerations[0].key": "gpu",
            },
        ),
    ],
)
def test_a_template_has_the_values_of_its_own_container(
    tmp_path: Path, container: dict[str, Any], amounts: dict[str, str], others: dict[str, Any]
) -> None:
    template = {
        "id": {"name": "a.f"},
        "type": "dask",
        "metadata": {"retries": {"retries": 2}},
        "custom": CUSTOM,
        **container,
    }
    (tmp_path / "template.json").write_text(json.dumps(template), encoding="utf-8")
    assert read(str(tmp_path / "template.json")) == ("template", {"": template})
    assert from_rendered(template, "template") == {
        "workers.number_of_workers": 4,
        "scheduler.image": None,
        "workers.image": None,
        "runner.image": "acme/etl:3",
        **{path: Quantity(text) for path, text in amounts.items()},
        **others,
        "runner.environment": "A, B",
        "template.type": "dask",
        "template.metadata.retries.retries": 2,
    }
