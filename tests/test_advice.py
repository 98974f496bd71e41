"""Advice: worked cases, and what holds for every piece of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

import flyte_dask
from flyte_dask import Dask, InvalidConfig, Parent, Resources, presets
from flyte_dask.advice import TRAPS, Advice, advise
from flyte_dask.parent import Sidecar
from flyte_dask.platform import Platform
from tests.configs import CONFIGS, PARENTS
from tests.golden.cases import cases as golden_cases
from tests.test_backend import PLATFORMS
from tests.test_bad_input import ROWS
from tests.test_bad_input import evaluate as evaluate_bad

TABLE = Path(__file__).with_name("advice_cases.txt").read_text(encoding="utf-8")
CASES = re.findall(r"^>>> (.+)\n((?:.+\n?)+)", TABLE, re.MULTILINE)

NAMES: dict[str, Any] = {
    **{name: getattr(flyte_dask, name) for name in flyte_dask.__all__},
    "Platform": Platform,
    "Sidecar": Sidecar,
    "TASK": Parent(Resources(cpu=4, mem="16G"), Resources(cpu=8, mem="32G")),
    "SMALL_TASK": Parent(limits=Resources(cpu=2, mem="8Gi")),
    "GPU_TASK": Parent(limits=Resources(cpu=4, mem="16Gi", gpu=1)),
    "SITE": Platform(limits=Resources(cpu=16, mem="64Gi", gpu=4)),
}


def evaluate(code: str) -> tuple[Advice, ...]:
    """All advice about what a row of the table says."""
    said = eval(f"({code},)", dict(NAMES))
    return advise(*said)


def dangers(given: Iterable[Advice]) -> set[tuple[str, str]]:
    """Code and path of each danger."""
    return {(each.code, each.path) for each in given if each.severity == "danger"}


def shown(advice: Advice) -> str:
    """As in the table, without the page."""
    return str(advice).removesuffix(f" ({advice.page})")


@pytest.mark.parametrize(("code", "lines"), CASES, ids=[code for code, _ in CASES])
def test_a_case_is_as_worked_out(code: str, lines: str) -> None:
    given = [shown(advice) for advice in evaluate(code)]
    assert (given or ["nothing"]) == lines.splitlines()


def test_every_trap_has_a_case() -> None:
    assert {advice.code for code, _ in CASES for advice in evaluate(code)} == set(TRAPS)


PAGES = Path(__file__).parent.parent / "docs" / "advice"


@pytest.mark.parametrize("code", TRAPS)
def test_every_trap_has_a_page(code: str) -> None:
    """It starts with the title, has an example, and is listed; `test_documents` runs it."""
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    title, severity = TRAPS[code].title, TRAPS[code].severity
    assert page.startswith(f"# {title[0].upper()}{title[1:]}\n\n`{code}`, a {severity}.")
    assert f'"{code}"' in page.partition("```python")[2]
    examples = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (told,) = re.findall(r"^```text\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    assert told in said_by(examples)
    assert f"[`{code}`]({code}.md)" in (PAGES / "README.md").read_text(encoding="utf-8")


def said_by(examples: list[str]) -> list[str]:
    """All advice that is given while they run."""
    said: list[str] = []

    def recording(*args: Any, **kwargs: Any) -> tuple[Advice, ...]:
        given = advise(*args, **kwargs)
        said.extend(map(str, given))
        return given

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flyte_dask.advice.advise", recording)
        for example in examples:
            exec(example, {"__name__": "example"})
    return said


LEGAL = [row for row in ROWS if row[1].startswith("advice: ") and not row[0].startswith("@task")]


@pytest.mark.parametrize(("code", "expected"), LEGAL)
def test_what_is_legal_and_probably_wrong_is_advised_on(code: str, expected: str) -> None:
    """In the table of bad input: whatever is no error, and should not pass in silence."""
    made = evaluate_bad(code)
    workers = flyte_dask.WorkerGroup(limits=made) if isinstance(made, Resources) else made
    config = workers if isinstance(workers, Dask) else Dask(workers=workers)  # type: ignore[arg-type]
    codes = re.findall(r"\((.*)\)$", expected.strip())
    assert codes
    assert set(codes[0].split(", ")) <= {advice.code for advice in advise(config)}


class TestAnyAdvice:
    """What holds for all configs, tasks and sites."""

    @given(CONFIGS, PARENTS, PLATFORMS)
    def test_following_it_ends_it(self, config: Dask, parent: Parent, platform: Platform) -> None:
        """Where the remedy is a call on the config."""
        for advice in advise(config, parent, platform):
            if advice.remedy.startswith("."):
                followed = eval(f"config{advice.remedy}", {"config": config})
                again = advise(followed, parent, platform)
                assert (advice.code, advice.path) not in {(each.code, each.path) for each in again}

    @given(CONFIGS, PARENTS, PLATFORMS)
    def test_following_it_is_no_new_danger(
        self, config: Dask, parent: Parent, platform: Platform
    ) -> None:
        given = advise(config, parent, platform)
        for advice in given:
            if advice.remedy.startswith("."):
                followed = eval(f"config{advice.remedy}", {"config": config})
                again = advise(followed, parent, platform)
                assert dangers(again) <= dangers(given)

    @given(CONFIGS, PARENTS, PLATFORMS)
    def test_silencing_all_of_it_leaves_none(
        self, config: Dask, parent: Parent, platform: Platform
    ) -> None:
        codes = {advice.code for advice in advise(config, parent, platform)}
        assert advise(config.without_advice(*codes), parent, platform) == ()
        assert advise(config, parent, platform, silence=codes) == ()

    @given(CONFIGS, PARENTS, PLATFORMS)
    def test_the_worst_comes_first(self, config: Dask, parent: Parent, platform: Platform) -> None:
        ranks = ["danger", "warning", "hint"]
        given = [ranks.index(advice.severity) for advice in advise(config, parent, platform)]
        assert given == sorted(given)

    @pytest.mark.parametrize("name", golden_cases())
    @pytest.mark.parametrize("backend", ["v1", "v2"])
    def test_the_incumbents_configurations_go_through(self, name: str, backend: Any) -> None:
        config: Any = golden_cases()[name]
        for advice in advise(config, None, Platform(backend=backend)):
            assert advice.code in TRAPS


def test_built_in_presets_are_fine_but_for_what_their_gpus_need() -> None:
    presets_here = [preset for pack in presets.packs() for preset in pack.presets]
    given = {preset.name: [each.code for each in advise(preset())] for preset in presets_here}
    assert {name: codes for name, codes in given.items() if codes} == {
        "gpu_heavy": ["worker-only-gpu"]
    }


def test_what_is_no_parent_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="is no Parent"):
        advise(Dask(), "task")  # type: ignore[arg-type]
