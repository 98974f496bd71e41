"""Bad configurations: each is an error where it is made, with path, value, rule and remedy."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flytekit
import numpy as np
import pytest

from flyte_dask import (
    Dask,
    FlyteDaskError,
    InvalidConfig,
    Preset,
    Quantity,
    Resources,
    Scheduler,
    WorkerGroup,
    presets,
)

# Through Any, as a user without a type checker writes them.
AnyDask: Any = Dask
AnyScheduler: Any = Scheduler
AnyGroup: Any = WorkerGroup
AnyResources: Any = Resources
AnyPreset: Any = Preset
AnyQuantity: Any = Quantity
medium: Any = presets.medium

COUNT = "write a whole number from 1 to 4294967295"
SYNTAX = "write a number and a unit such as '500m', '2', '16Gi' or '16G'"
IMAGE = "write a reference such as 'acme/etl:3', or leave it out for the task's image"
ZERO = (
    "is not above zero, and Flyte drops such an amount: write what the pod needs, or leave it out"
)
GPUS = "is no whole number of GPUs: write 1, 2 ... or 0 for none"
NO_RESOURCES = "is no Resources: write Resources(cpu=..., mem=...)"
ROLES = "write a number of workers or WorkerGroup(...)"

Call = Callable[[], object]
CASES: list[tuple[Call, str, dict[str, str]]] = [
    # worker counts
    (lambda: WorkerGroup(0), "WorkerGroup", {"number_of_workers": f"0 is out of range: {COUNT}"}),
    (lambda: WorkerGroup(-3), "WorkerGroup", {"number_of_workers": f"-3 is out of range: {COUNT}"}),
    (
        lambda: WorkerGroup(2**32),
        "WorkerGroup",
        {"number_of_workers": f"4294967296 is out of range: {COUNT}"},
    ),
    (
        lambda: AnyGroup(2.5),
        "WorkerGroup",
        {"number_of_workers": f"2.5 is of type float, not int: {COUNT}"},
    ),
    (
        lambda: AnyGroup(True),
        "WorkerGroup",
        {"number_of_workers": f"True is of type bool, not int: {COUNT}"},
    ),
    (
        lambda: AnyGroup("4"),
        "WorkerGroup",
        {"number_of_workers": f"'4' is of type str, not int: {COUNT}"},
    ),
    (
        lambda: AnyGroup(np.array([4, 5])),
        "WorkerGroup",
        {"number_of_workers": f"array([4, 5]) is of type ndarray, not int: {COUNT}"},
    ),
    (lambda: Dask(workers=0), "Dask", {"workers": f"0 is out of range: {COUNT}"}),
    (lambda: medium(0), "medium", {"workers": f"0 is out of range: {COUNT}"}),
    # quantities
    (
        lambda: Resources(cpu="", mem="16GB", gpu="abc", ephemeral_storage="1 Gi"),
        "Resources",
        {
            "cpu": f"'' is not a Kubernetes quantity: {SYNTAX}",
            "mem": "'16GB' is not a Kubernetes quantity: did you mean '16Gi' (or '16G')?",
            "gpu": f"'abc' is not a Kubernetes quantity: {SYNTAX}",
            "ephemeral_storage": "'1 Gi' is not a Kubernetes quantity: did you mean '1Gi'?",
        },
    ),
    (
        lambda: Resources(cpu=float("nan")),
        "Resources",
        {"cpu": f"nan is not a Kubernetes quantity: {SYNTAX}"},
    ),
    (
        lambda: Resources(cpu="-1", mem=0, ephemeral_storage="0Gi"),
        "Resources",
        {"cpu": f"'-1' {ZERO}", "mem": f"'0' {ZERO}", "ephemeral_storage": f"'0Gi' {ZERO}"},
    ),
    (lambda: AnyQuantity(5), "Quantity", {"text": f"5 is not a Kubernetes quantity: {SYNTAX}"}),
    (lambda: Resources(gpu="500m"), "Resources", {"gpu": f"'500m' {GPUS}"}),
    (lambda: Resources(gpu=-1), "Resources", {"gpu": f"'-1' {GPUS}"}),
    (
        lambda: AnyResources(cpu=True, mem=4.0, gpu=0.5, ephemeral_storage=b"1Gi"),
        "Resources",
        {
            "cpu": "True is of type bool: write str or int or float, such as '500m'",
            "mem": "4.0 is of type float: write str or int, such as '16Gi'",
            "gpu": "0.5 is of type float: write str or int, such as 1",
            "ephemeral_storage": "b'1Gi' is of type bytes: write str or int, such as '16Gi'",
        },
    ),
    (
        lambda: WorkerGroup(requests=flytekit.Resources(cpu=("1", "2"))),
        "WorkerGroup",
        {
            "requests.cpu": "('1', '2') is a pair, and here is room for one amount: "
            "say requests=Resources(cpu=...) and limits=Resources(cpu=...)"
        },
    ),
    # request and limit
    (
        lambda: Scheduler(requests=Resources(4, "8Gi"), limits=Resources("2", "8000Mi")),
        "Scheduler",
        {
            "limits.cpu": "'2' is below the request '4': raise the limit or lower the request",
            "limits.mem": "'8000Mi' is below the request '8Gi': "
            "raise the limit or lower the request",
        },
    ),
    (
        lambda: WorkerGroup(requests=Resources(gpu=1), limits=Resources(gpu=2)),
        "WorkerGroup",
        {
            "limits.gpu": "'2' differs from the request '1', and Kubernetes needs them equal: "
            "say the same for both, or only one of them"
        },
    ),
    # images
    (lambda: Scheduler(""), "Scheduler", {"image": f"'' is an empty image reference: {IMAGE}"}),
    (
        lambda: Scheduler(" \t"),
        "Scheduler",
        {"image": f"' \\t' is an empty image reference: {IMAGE}"},
    ),
    (
        lambda: WorkerGroup(image="my image:latest"),
        "WorkerGroup",
        {"image": f"'my image:latest' is no image reference: it has a blank in it: {IMAGE}"},
    ),
    (
        lambda: AnyScheduler(image=b"etl"),
        "Scheduler",
        {"image": f"b'etl' is of type bytes, not str: {IMAGE}"},
    ),
    (lambda: medium(image=""), "medium", {"image": f"'' is an empty image reference: {IMAGE}"}),
    # roles and sides of a wrong type
    (
        lambda: AnyDask("a", {}),
        "Dask",
        {
            "scheduler": "'a' is no Scheduler: write Scheduler(...), or leave it out",
            "workers": f"{{}} is no number and no WorkerGroup: {ROLES}",
        },
    ),
    (
        lambda: AnyDask(WorkerGroup(), Scheduler()),
        "Dask",
        {
            "scheduler": "WorkerGroup() is no Scheduler: write Scheduler(...), or leave it out",
            "workers": f"Scheduler() is no number and no WorkerGroup: {ROLES}",
        },
    ),
    (
        lambda: AnyDask(workers=True),
        "Dask",
        {"workers": f"True is no number and no WorkerGroup: {ROLES}"},
    ),
    (
        lambda: AnyGroup(requests="4Gi", limits={"cpu": 1}),
        "WorkerGroup",
        {"requests": f"'4Gi' {NO_RESOURCES}", "limits": f"{{'cpu': 1}} {NO_RESOURCES}"},
    ),
    (
        lambda: AnyScheduler(limits=Resources),
        "Scheduler",
        {"limits": f"<class 'flyte_dask.resources.Resources'> {NO_RESOURCES}"},
    ),
    # calls that do not fit
    (
        lambda: AnyGroup(image="", number_of_worker=3),
        "WorkerGroup",
        {
            "number_of_worker": "3 is for an argument that WorkerGroup(...) does not have: "
            "did you mean 'number_of_workers'?",
            "image": f"'' is an empty image reference: {IMAGE}",
        },
    ),
    (
        lambda: AnyScheduler(zzz=1),
        "Scheduler",
        {
            "zzz": "1 is for an argument that Scheduler(...) does not have: "
            "it has image, requests, limits"
        },
    ),
    (
        lambda: AnyDask(Scheduler(), 5, 7, workers=3),
        "Dask",
        {
            "argument 3": "7 is one too many: Dask(...) takes 2 without a name: "
            "they are scheduler, workers",
            "workers": "3 is said twice, by position and by name: say it once",
        },
    ),
    (
        lambda: medium(worker=3, scheduler=5),
        "medium",
        {
            "worker": "3 is for an argument that medium(...) does not have: "
            "did you mean 'workers'?",
            "scheduler": "5 is no Scheduler: write Scheduler(...), or leave it out",
        },
    ),
    (
        lambda: AnyPreset("mine"),
        "Preset",
        {"config": "None was given, and the argument has no default: say it"},
    ),
    # presets of one's own
    (
        lambda: AnyPreset(" ", "medium", None),
        "Preset",
        {
            "name": "' ' is no name: write a text such as 'acme.etl'",
            "config": "'medium' is no Dask: write Dask(...), or call a preset",
            "doc": "None is no text: say what the preset is for, or leave it out",
        },
    ),
]


@pytest.mark.parametrize(("call", "subject", "problems"), CASES)
def test_names_path_value_rule_and_remedy(
    call: Call, subject: str, problems: dict[str, str]
) -> None:
    with pytest.raises(InvalidConfig) as caught:
        call()
    assert caught.value.subject == f"{subject}(...)"
    assert {problem.path: str(problem) for problem in caught.value.problems} == problems


def test_reads_as_one_table_with_the_users_line() -> None:
    with pytest.raises(InvalidConfig) as caught:
        WorkerGroup(
            requests=flytekit.Resources(cpu="4", mem="16GB"), limits=flytekit.Resources(cpu="2")
        )
    site = caught.value.call_site
    assert site is not None
    assert Path(site.file) == Path(__file__)
    assert str(caught.value).splitlines() == [
        f"2 problems in WorkerGroup(...) at {site}",
        "  requests.mem   '16GB' is not a Kubernetes quantity: did you mean '16Gi' (or '16G')?",
        "  limits.cpu     '2' is below the request '4': raise the limit or lower the request",
    ]


def test_the_users_file_is_shown_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "pipelines" / "etl.py"
    code = compile("\n\nDask(workers=0)", str(script), "exec")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidConfig, match=r"^1 problem in Dask\(\.\.\.\) at pipelines/etl.py:3"):
        exec(code, {"__name__": "etl", "Dask": Dask})


@pytest.mark.parametrize("natural", [FlyteDaskError, ValueError, TypeError])
def test_is_caught_by_its_natural_names(natural: type[Exception]) -> None:
    with pytest.raises(natural):
        WorkerGroup(0)


def test_survives_a_pickle() -> None:
    with pytest.raises(InvalidConfig) as caught:
        WorkerGroup(0)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.problems) == (str(caught.value), caught.value.problems)


def test_a_long_value_is_shortened() -> None:
    with pytest.raises(InvalidConfig) as caught:
        Resources(mem="9" * 5000)
    assert len(str(caught.value)) < 300
