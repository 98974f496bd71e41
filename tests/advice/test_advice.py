"""Advice: worked cases, and properties of all advice."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flyte_dask
from flyte_dask import (
    Dask,
    InvalidConfig,
    Parent,
    Quantity,
    Resources,
    Runtime,
    Scheduler,
    WorkerGroup,
    presets,
)
from flyte_dask.advice import OF_NUMBER, RULES, SEVERITIES, Advice, advise
from flyte_dask.advice.advise import _FINDERS
from flyte_dask.advice.job import NEEDS_KUBERNETES
from flyte_dask.inheritance.parent import NodeOverrides, Sidecar
from flyte_dask.prediction.platform import BASES, Platform
from flyte_dask.prediction.steps import SIDES
from flyte_dask.roles.resources import DIMENSIONS, KUBERNETES_NAMES, amounts
from tests.config.test_bad_input import ROWS
from tests.config.test_bad_input import evaluate as evaluate_bad
from tests.prediction.test_backend import PLATFORMS
from tests.recorded.official_plugin.cases import cases as golden_cases
from tests.support.configs import CONFIGS, MODES, PARENTS
from tests.support.paths import DOCS, RECORDED

TABLE = (RECORDED / "advice_cases.txt").read_text(encoding="utf-8")
CASES = re.findall(r"^>>> (.+)\n((?:.+\n?)+)", TABLE, re.MULTILINE)

NAMES: dict[str, Any] = {
    **{name: getattr(flyte_dask, name) for name in flyte_dask.__all__},
    "Platform": Platform,
    "Sidecar": Sidecar,
    "NodeOverrides": NodeOverrides,
    "PodTemplate": object,
    "TASK": Parent(Resources(cpu=4, mem="16G"), Resources(cpu=8, mem="32G")),
    "SMALL_TASK": Parent(limits=Resources(cpu=2, mem="8Gi")),
    "GPU_TASK": Parent(limits=Resources(cpu=4, mem="16Gi", gpu=1)),
    "PLATFORM": Platform(limits=Resources(cpu=16, mem="64Gi", gpu=4)),
}


def evaluate(code: str) -> tuple[Advice, ...]:
    """All advice on the arguments in a row of the table."""
    return advise(*eval(f"({code},)", dict(NAMES)))


def following(advice: Advice, config: Dask, parent: Parent) -> Iterator[tuple[Dask, Parent]]:
    """The config and task with its remedy, if that can be applied automatically."""
    remedy, path = advice.remedy.removesuffix(NEEDS_KUBERNETES), advice.path.split(".")
    if remedy.startswith("."):
        yield eval(f"config{remedy}", {"config": config}), parent
    elif remedy.startswith("@task(") and "V1PodSpec" not in remedy:
        values = _arguments(remedy)
        task_config = values.pop("task_config", config)
        yield task_config, _decorated(parent, **values)
    elif remedy.startswith("node.with_overrides(r"):
        assert parent.node is not None
        node = NodeOverrides(**_arguments(remedy), image=parent.node.image)
        yield config, attrs.evolve(parent, node=node)
    elif remedy.startswith("V1ResourceRequirements("):
        sides = _arguments(remedy)
        changed = Sidecar(path[2], *map(_of_kubernetes, (sides["requests"], sides["limits"])))
        sidecars, init_containers = (
            [changed if each.name == changed.name else each for each in containers]
            for containers in (parent.sidecars, parent.init_containers)
        )
        yield config, attrs.evolve(parent, sidecars=sidecars, init_containers=init_containers)


def _arguments(call: str) -> dict[str, Any]:
    """The keyword arguments of *call*."""
    arguments: dict[str, Any] = eval(f"dict({call.partition('(')[2]}", dict(NAMES))
    return arguments


def _decorated(
    parent: Parent,
    requests: Resources | None = None,
    limits: Resources | None = None,
    pod_template: object = None,
) -> Parent:
    """*parent* as a decorator with these arguments makes it, which replace all amounts.

    Those of a pod template too, as flytekit does.
    """
    is_pod = parent.has_own_pod_template or pod_template is not None
    return attrs.evolve(
        parent,
        requests=requests,
        limits=limits,
        zeros=(),
        has_own_pod_template=is_pod,
        gpu_from_pod_template=False,
    )


def _of_kubernetes(resources: dict[str, str]) -> Resources:
    """The requests or limits of a container as Resources."""
    names = {resource: name for name, resource in KUBERNETES_NAMES.items()}
    return Resources(**{names[resource]: amount for resource, amount in resources.items()})


def new_errors(given: Collection[Advice], again: Iterable[Advice]) -> set[str]:
    """The codes of new errors in *again*, the advice after *given* advice was followed.

    Not those that it only hid, such as a scheduler too small for workers that fit on no node.
    """
    before = {each.code for each in given}
    if "task-exceeds-platform" in before:
        before.add("role-exceeds-platform")  # whose amounts the role inherits
    if "renamed-gpu-resource" in before:
        before.add("rejected-by-kubernetes")  # a node overrides one side of the task's GPUs
    own = {"fractional-cpu", "role-exceeds-platform", "scheduler-gpu", "image-mismatch"}
    after = {each.code for each in again if each.severity == "error" or each.code in own}
    return after - before


def shown(advice: Advice) -> str:
    """The advice as in the table, without the page."""
    return str(advice).removesuffix(f" ({advice.page})")


@pytest.mark.parametrize(("code", "lines"), CASES, ids=[code for code, _ in CASES])
def test_a_case_is_as_worked_out(code: str, lines: str) -> None:
    given = [shown(advice) for advice in evaluate(code)]
    assert (given or ["nothing"]) == lines.splitlines()


def test_every_rule_has_a_case() -> None:
    assert {advice.code for code, _ in CASES for advice in evaluate(code)} == set(RULES)


def test_every_finder_has_a_rule() -> None:
    """Its name is the code; a rule without a finder cannot be imported."""
    assert {name.replace("_", "-") for name in _FINDERS} == set(RULES)


PAGES = DOCS / "advice"


@pytest.mark.parametrize("code", RULES)
def test_every_rule_has_a_page(code: str) -> None:
    """It has an example, which is run."""
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    assert f'"{code}"' in page.partition("```python")[2]
    examples = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (output,) = re.findall(r"^```text\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    assert output in advice_of(examples)


def advice_of(examples: list[str]) -> list[str]:
    """All advice that is given while the examples run."""
    texts: list[str] = []

    def recording(*args: Any, **kwargs: Any) -> tuple[Advice, ...]:
        given = advise(*args, **kwargs)
        texts.extend(map(str, given))
        return given

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flyte_dask.advice.advise", recording)
        for example in examples:
            exec(example, {"__name__": "example"})
    return texts


LEGAL = [row for row in ROWS if row[1].startswith("advice: ") and not row[0].startswith("@task")]


@pytest.mark.parametrize(("code", "expected"), LEGAL)
def test_what_is_valid_but_probably_wrong_gets_advice(code: str, expected: str) -> None:
    """These are the rows of the table of bad input that are not errors."""
    made = evaluate_bad(code)
    workers = flyte_dask.WorkerGroup(limits=made) if isinstance(made, Resources) else made
    config = workers if isinstance(workers, Dask) else Dask(workers=workers)  # type: ignore[arg-type]
    codes = re.findall(r"\((.*)\)$", expected.strip())
    assert codes
    assert set(codes[0].split(", ")) <= {advice.code for advice in advise(config)}


_AMOUNTS: dict[str, list[Any]] = {
    "cpu": ["250m", "500m", 1, 1.5, 2, 5, 64, 200],
    "mem": ["100m", 1, "1M", "64", "256Mi", "1Gi", "8Gi", "64Gi", "2Ti"],
    "gpu": [0, 1, 2],
    "ephemeral_storage": ["10Gi"],
}


@st.composite
def _amounts(draw: st.DrawFn) -> tuple[Resources, Resources]:
    """Requests and limits of a few dimensions."""
    sides: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for name in draw(st.sets(st.sampled_from([*_AMOUNTS]), max_size=3)):
        one, two = (draw(st.sampled_from(_AMOUNTS[name])) for _ in sides)
        low, high = sorted((one, two), key=lambda each: Quantity(str(each)))
        which = draw(st.sampled_from(["request", "limit", "both"]))
        if which != "limit":
            sides[0][name] = high if name == "gpu" else low
        if which != "request":
            sides[1][name] = high
    return Resources(**sides[0]), Resources(**sides[1])


ALL_CONFIGS = CONFIGS | st.builds(
    lambda number, scheduler, workers, images, inherit: Dask(
        Scheduler(images[0], *scheduler),
        WorkerGroup(number, images[1], *workers),
        inherit=inherit,
        runtime=Runtime(min_workers=0),
    ),
    st.sampled_from([1, 2, 9, 40, 500, 5_000]),
    _amounts(),
    _amounts(),
    st.sampled_from([(None, None), (None, "acme/etl:3"), ("acme/etl:3", "acme/etl:3")]),
    st.none() | MODES,
)
"""Configs of all shapes, and more of the usual ones."""
_ZEROS = st.sets(st.sampled_from([f"{side}.{name}" for side in SIDES for name in DIMENSIONS]))
SIDECARS = st.builds(
    lambda name, amounts, zeros: Sidecar(name, *amounts, zeros=zeros),
    st.sampled_from(["proxy", "scheduler", "dask-worker", "Logs"]),
    _amounts(),
    st.just(set()) | _ZEROS,
)
NODES = st.builds(
    lambda requests, limits, image, zeros: NodeOverrides(
        requests[0], limits[1], image=image, zeros=zeros
    ),
    _amounts(),
    _amounts(),
    st.none() | st.just("acme/etl:4"),
    st.just(set()) | _ZEROS,
)


@st.composite
def _tasks(draw: st.DrawFn) -> Parent:
    """Tasks of all shapes."""
    requests, limits = draw(_amounts())
    own = {f"requests.{name}" for name in amounts(requests)}
    own |= {f"limits.{name}" for name in amounts(limits)}
    is_pod = draw(st.booleans())
    return Parent(
        requests,
        limits,
        image=draw(st.none() | st.just("acme/etl:3")),
        pod_template=draw(st.none() | st.just("large")),
        sidecars=draw(st.lists(SIDECARS, max_size=2)) if is_pod else [],
        init_containers=draw(st.lists(SIDECARS, max_size=1)) if is_pod else [],
        has_own_pod_template=is_pod,
        gpu_from_pod_template=is_pod and draw(st.booleans()),
        zeros=draw(st.just(set()) | _ZEROS) - own,
        accelerator=draw(st.none() | st.just("nvidia-tesla-t4")),
        node=draw(st.none() | NODES),
    )


TASKS = PARENTS | _tasks()
_LIMITS = [
    {"cpu": "500m"},
    {"cpu": 1, "mem": "512Mi"},
    {"cpu": 2, "mem": "1Gi", "gpu": 1},
    {"cpu": 96, "mem": "512Mi"},
    {"mem": "32Gi"},
]
ALL_PLATFORMS = PLATFORMS | st.builds(
    lambda base, defaults, limits, unlimited, gpu_resource: Platform(
        base=base,
        defaults=Resources(**defaults),
        limits=None if base == "flyte-2" else Resources(**limits),
        unlimited=() if base == "flyte-2" else {*unlimited} - {*limits},
        gpu_resource=gpu_resource,
    ),
    st.sampled_from([None, *BASES]),
    st.sampled_from([{}, {"cpu": 4}, {"cpu": "500m", "mem": "1Gi"}]),
    st.sampled_from([{}, *_LIMITS]),
    st.sampled_from([(), ("cpu", "mem", "gpu")]),
    st.sampled_from(["nvidia.com/gpu", "nvidia.com/gpu", "amd.com/gpu"]),
)


class TestAnyAdvice:
    """Properties of all configs, tasks and platforms."""

    @given(ALL_CONFIGS, TASKS, ALL_PLATFORMS)
    def test_following_it_resolves_it(
        self, config: Dask, parent: Parent, platform: Platform
    ) -> None:
        """Where the remedy is a call on the config, or the task's decorator."""
        for advice in advise(config, parent, platform):
            for followed in following(advice, config, parent):
                again = advise(*followed, platform)
                assert (advice.code, advice.path) not in {(each.code, each.path) for each in again}

    @given(ALL_CONFIGS, TASKS, ALL_PLATFORMS)
    def test_following_it_brings_no_new_errors(
        self, config: Dask, parent: Parent, platform: Platform
    ) -> None:
        # A node gets advice of its own, and in a pod template its requests are also limits.
        others = [
            attrs.evolve(parent, node=None),
            attrs.evolve(parent, has_own_pod_template=True),
        ]
        of_others = [each for other in others for each in advise(config, other, platform)]
        for advice in (given := advise(config, parent, platform)):
            for followed in following(advice, config, parent):
                again = advise(*followed, platform)
                assert not new_errors([*given, *of_others], again)

    @given(ALL_CONFIGS, TASKS, ALL_PLATFORMS, st.sampled_from([1, 2, 15, 300, 1001]))
    def test_most_rules_apply_to_any_number_of_workers(
        self, config: Dask, parent: Parent, platform: Platform, number: int
    ) -> None:
        """A registration assesses all numbers at once, except by the others."""
        found, others = (
            {each.code for each in advise(given, parent, platform)} - OF_NUMBER
            for given in (config, config.with_workers(number))
        )
        assert found == others

    @given(CONFIGS, PARENTS, PLATFORMS)
    def test_silencing_all_codes_leaves_none(
        self, config: Dask, parent: Parent, platform: Platform
    ) -> None:
        codes = {advice.code for advice in advise(config, parent, platform)}
        assert advise(config.without_advice(*codes), parent, platform) == ()
        assert advise(config, parent, platform, silence=codes) == ()

    @given(CONFIGS, PARENTS, PLATFORMS)
    def test_the_most_severe_comes_first(
        self, config: Dask, parent: Parent, platform: Platform
    ) -> None:
        given = [SEVERITIES.index(advice.severity) for advice in advise(config, parent, platform)]
        assert given == sorted(given)

    @pytest.mark.parametrize("name", golden_cases())
    @pytest.mark.parametrize("backend", ["v1", "v2"])
    def test_configs_of_the_official_plugin_get_advice(self, name: str, backend: Any) -> None:
        config: Any = golden_cases()[name]
        for advice in advise(config, None, Platform(backend=backend)):
            assert advice.code in RULES


def test_built_in_presets_get_no_advice_except_on_gpus() -> None:
    presets_here = [preset for pack in presets.packages() for preset in pack.presets]
    given = {preset.name: [each.code for each in advise(preset())] for preset in presets_here}
    assert {name: codes for name, codes in given.items() if codes} == {
        "gpu_heavy": ["worker-only-gpu"]
    }


def test_a_spec_is_unknown_until_it_is_built() -> None:
    from flytekit import ImageSpec

    config = presets.medium(image=ImageSpec(name="etl", requirements="/nonexistent.txt"))
    assert advise(config, Parent(image="acme/etl:1")) == ()


def test_an_invalid_parent_is_rejected() -> None:
    with pytest.raises(InvalidConfig, match="is not a Parent"):
        advise(Dask(), "task")  # type: ignore[arg-type]
