"""The prediction replays what the backends' own code was recorded to make of real templates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask.prediction.remarks import BACKEND_RULES
from tests.prediction.replay import WORKED, recorded, replayed

RECORDED = {backend: recorded(backend) for backend in ("v1", "v2")}
ALL = [*RECORDED["v1"], *RECORDED["v2"]]

CAUSES = {
    "sidecars get zeros where they say nothing": "sidecar-zero",
    "pod template: no default of disk or GPUs": "no-default",
    "a pod template keeps a zero": "zero-kept",
    "registration judges sidecars too": {"rejected", "rejected-limit"},
    "registration compares whole units, rounded up": "rounded-comparison",
    "registration does not judge GPUs that a pod template says": "unvalidated-gpu",
    "registration counts a limit of zero": "rejected-limit",
}
"""The rules for what an earlier prediction did not know, as the recordings name it."""

OF_FLYTE_2 = {"Flyte 2 has no limits of a platform", "Flyte 2 has no default of disk or GPUs"}
"""What a `Platform` of Flyte 2 cannot have."""


def names(cases: list[dict[str, Any]]) -> list[str]:
    """The names of *cases*."""
    return [case["name"] for case in cases]


@pytest.mark.once  # arithmetic that is the same with every Python
@pytest.mark.parametrize("case", ALL, ids=names(ALL))
def test_a_recorded_case_is_predicted(case: dict[str, Any]) -> None:
    """Resources, replicas, images, arguments and sidecars of all pods, and the rejection."""
    pods = replayed(case)
    assert pods.as_dict() == case["pods"]
    assert pods.is_rejected == case.get("refused", False)


@pytest.mark.parametrize("case", WORKED, ids=names(WORKED))
def test_a_worked_case_is_predicted(case: dict[str, Any]) -> None:
    """Cases of what was not recorded, worked out by hand."""
    pods = replayed(case)
    assert pods.as_dict() == case["pods"], case["rule"]
    assert pods.is_rejected == case.get("refused", pods.is_rejected)
    if "remarks" in case:
        assert [list(remark) for remark in pods.remarks] == case["remarks"]


def test_every_rule_has_a_case() -> None:
    rules = {remark.rule for case in [*WORKED, *ALL] for remark in replayed(case).remarks}
    assert rules == set(BACKEND_RULES)


def test_the_recordings_are_whole() -> None:
    """As many as `docs/evidence.md` counts."""
    hypothetical = [case for case in RECORDED["v2"] if case.get("as_if")]
    rejected = [case for case in RECORDED["v1"] if case["refused"]]
    counts = [len(RECORDED["v1"]), len(RECORDED["v2"]), len(hypothetical), len(rejected)]
    assert counts == [420, 420, 100, 36]
    assert len(set(names(ALL))) == len(ALL)


@pytest.mark.parametrize("cause", CAUSES)
def test_a_cause_has_a_rule(cause: str) -> None:
    """Each case in which an earlier prediction was wrong for *cause* has a remark of its rule."""
    expected = CAUSES[cause]
    rules = expected if isinstance(expected, set) else {expected}
    cases = [case for case in ALL if cause in case.get("predict_differs", [])]
    assert cases
    for case in cases:
        assert rules & {remark.rule for remark in replayed(case).remarks}, case["name"]


def test_every_cause_is_known() -> None:
    causes = {cause for case in ALL for cause in case.get("predict_differs", [])}
    assert causes == {*CAUSES, *OF_FLYTE_2}


@given(st.sampled_from(ALL))
def test_the_prediction_is_json(case: dict[str, Any]) -> None:
    pods = replayed(case).as_dict()
    assert json.loads(json.dumps(pods)) == pods
