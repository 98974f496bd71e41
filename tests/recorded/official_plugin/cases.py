"""Configs that both plugins accept; this module runs with either plugin, and by itself."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

from flytekit import Resources, task
from flytekit.configuration import Image, ImageConfig, SerializationSettings

from flytekitplugins.dask import Dask, Scheduler, WorkerGroup

AMOUNTS: dict[str, tuple[Any, Any]] = {
    "cpu": ("500m", "2"),
    "mem": ("1Gi", "4Gi"),
    "gpu": ("1", "1"),
    "ephemeral_storage": ("10G", "20G"),
}


def cases() -> dict[str, Dask]:
    """Every case by name."""
    sizes = Resources(cpu="1", mem="2Gi")
    return {
        "nothing": Dask(),
        "unset roles": Dask(Scheduler(), WorkerGroup()),
        "one worker, set": Dask(workers=WorkerGroup(number_of_workers=1)),
        "a thousand workers": Dask(workers=WorkerGroup(number_of_workers=1000)),
        "most workers": Dask(workers=WorkerGroup(2**32 - 1)),
        "by position": Dask(Scheduler("img:1", sizes, sizes), WorkerGroup(4, None, sizes)),
        "scheduler image": Dask(scheduler=Scheduler(image="acme/dask:1")),
        "worker image": Dask(workers=WorkerGroup(image="registry:5000/acme/dask@sha256:0a1b")),
        "both images": Dask(Scheduler(image="a"), WorkerGroup(2, image="b")),
        "empty resources": Dask(
            Scheduler(requests=Resources(), limits=Resources()),
            WorkerGroup(requests=Resources(), limits=Resources()),
        ),
        "scheduler only": Dask(scheduler=Scheduler(requests=sizes, limits=sizes)),
        "workers only": Dask(workers=WorkerGroup(3, requests=sizes, limits=sizes)),
        "the document's sizes": Dask(
            Scheduler(requests=Resources(cpu="1", mem="2Gi"), limits=Resources(cpu="2", mem="4Gi")),
            WorkerGroup(
                number_of_workers=5,
                requests=Resources(cpu="0.5", mem="1Gi"),
                limits=Resources(cpu="1", mem="2Gi"),
            ),
        ),
        **{f"spelling {text}": _worker_memory(text) for text in _SPELLINGS},
        **{f"number {number!r}": _worker_cpu(number) for number in (1, 2, 0.5, 1.0, 1e-05, 64)},
        "whole numbers": Dask(
            workers=WorkerGroup(
                requests=Resources(cpu=2, mem=1024, gpu=1, ephemeral_storage=4096),
                limits=Resources(cpu=2, mem=1024, gpu=1, ephemeral_storage=4096),
            )
        ),
        "no GPU, set": Dask(workers=WorkerGroup(limits=Resources(gpu="0"))),
        **_subsets(),
    }


_SPELLINGS = ("1.5Gi", ".5Gi", "5.Gi", "+1Gi", "1e9", "1E9", "1e+9", "2E", "12Ei", "100M", "1000k")


def _worker_memory(amount: str) -> Dask:
    resources = Resources(mem=amount)
    return Dask(workers=WorkerGroup(requests=resources, limits=resources))


def _worker_cpu(amount: float) -> Dask:
    return Dask(workers=WorkerGroup(limits=Resources(cpu=amount)))


def _subsets() -> dict[str, Dask]:
    """Every subset of the dimensions, as requests, as limits, and as both."""
    found = {}
    for size in range(1, len(AMOUNTS) + 1):
        for names in combinations(AMOUNTS, size):
            requests = Resources(**{name: AMOUNTS[name][0] for name in names})
            limits = Resources(**{name: AMOUNTS[name][1] for name in names})
            label = "+".join(names)
            found[f"requests {label}"] = Dask(Scheduler(requests=requests), WorkerGroup(2))
            found[f"limits {label}"] = Dask(workers=WorkerGroup(2, limits=limits))
            found[f"both {label}"] = Dask(
                Scheduler(None, requests, limits), WorkerGroup(2, None, requests, limits)
            )
    return found


def customs() -> dict[str, Any]:
    """What ``get_custom`` returns for each case, for a task without resources of its own."""
    image = Image(name="default", fqn="acme/task", tag="1")
    settings = SerializationSettings(image_config=ImageConfig(default_image=image))
    return {
        name: task(task_config=config)(nothing).get_custom(settings)
        for name, config in cases().items()
    }


def nothing() -> None:
    """The function of every task; flytekit requires it at module level."""


if __name__ == "__main__":
    print(json.dumps(customs()))
