"""What Kubernetes' API server would reject of predicted pods."""

from __future__ import annotations

import pytest

from flyte_dask import Dask, Parent, Resources, WorkerGroup
from flyte_dask.inheritance.parent import Sidecar
from flyte_dask.prediction.backend import predict
from flyte_dask.prediction.kubernetes import rejections
from flyte_dask.prediction.platform import Platform


def found(parent: Parent, config: Dask | None = None, backend: str = "v1") -> list[str]:
    """Each rejection as one text."""
    platform = Platform(base="flyte-2" if backend == "v2" else None)
    pods = predict(config or Dask(), parent, platform)
    return [f"{each.role}: {each.container.name}: {each.reason}" for each in rejections(pods)]


def in_all_pods(text: str) -> list[str]:
    """*text* for the pods of all roles."""
    return [f"{role}: {text}" for role in ("runner", "scheduler", "workers")]


SMALL = Resources(cpu="100m", mem="64Mi")


@pytest.mark.parametrize("backend", ["v1", "v2"])
@pytest.mark.parametrize(
    ("sidecar", "reasons"),
    [
        (Sidecar("proxy"), []),
        (Sidecar("proxy", limits=SMALL), []),
        (Sidecar("proxy", SMALL, SMALL), []),
        (
            Sidecar("proxy", SMALL, Resources(cpu="100m")),
            ["proxy: memory has the request 64Mi, which is above the limit 0"],
        ),
        (
            Sidecar("proxy", Resources(ephemeral_storage="1Gi")),
            ["proxy: ephemeral-storage has the request 1Gi, which is above the limit 0"],
        ),
        (
            Sidecar("proxy", limits=Resources(gpu=1)),
            ["proxy: nvidia.com/gpu has the request 0 and the limit 1, which must be equal"],
        ),
        (Sidecar("proxy", Resources(gpu=1), Resources(gpu=1)), []),
        (
            Sidecar("Proxy"),
            ["Proxy: its name must consist of lower-case letters, digits and hyphens"],
        ),
        (
            Sidecar("x" * 64),
            [f"{'x' * 64}: its name has 64 characters, and 63 are allowed"],
        ),
        (Sidecar("x" * 63), []),
    ],
)
def test_sidecars_are_in_all_pods(sidecar: Sidecar, reasons: list[str], backend: str) -> None:
    each = [text for reason in reasons for text in in_all_pods(reason)]
    assert found(Parent(sidecars=[sidecar]), backend=backend) == each


def test_the_names_of_dasks_containers_are_taken() -> None:
    sidecars = [Sidecar("scheduler"), Sidecar("dask-worker"), Sidecar("job-runner")]
    assert found(Parent(sidecars=sidecars)) == [
        "runner: job-runner: another container of the pod is named 'job-runner' too",
        "scheduler: scheduler: another container of the pod is named 'scheduler' too",
        "workers: dask-worker: another container of the pod is named 'dask-worker' too",
    ]


def test_init_containers_have_names_of_their_own() -> None:
    reasons = found(Parent(init_containers=[Sidecar("scheduler")]))
    assert reasons == [
        "scheduler: scheduler: another container of the pod is named 'scheduler' too"
    ]


def test_init_containers_get_zeros_on_flyte_2_only() -> None:
    parent = Parent(init_containers=[Sidecar("fetch", Resources(mem="1Gi"))])
    assert found(parent) == []
    assert found(parent, backend="v2") == in_all_pods(
        "fetch: memory has the request 1Gi, which is above the limit 0"
    )


def test_gpus_of_roles_on_flyte_2_are_no_resource() -> None:
    workers = WorkerGroup(limits=Resources(cpu=1, mem="4Gi", gpu=1))
    assert found(Parent(), Dask(workers=workers), "v2") == [
        "workers: dask-worker: 'gpu' is not a resource of Kubernetes, nor one with a domain"
    ]
