# Written by `python -m codegen` (`just codegen`). Do not edit.
# Versions: flyteidl 1.16.8, betterproto 2.0.0b7
# Descriptors: sha256 6b4f7c8783d6909b309dbcd70d100f9d6e2faa4f0f1971534667c47e6aab29e3

from dataclasses import dataclass

import betterproto

from .. import core as _core__


@dataclass(eq=False, repr=False)
class DaskJob(betterproto.Message):
    """
    One Dask cluster for one task: a scheduler pod and a group of equal worker pods.
    The runner pod, which executes the task's function, is the task's own container.
    """

    scheduler: "DaskScheduler" = betterproto.message_field(1)
    """The scheduler pod."""

    workers: "DaskWorkerGroup" = betterproto.message_field(2)
    """The worker pods."""


@dataclass(eq=False, repr=False)
class DaskScheduler(betterproto.Message):
    """The scheduler pod."""

    image: str = betterproto.string_field(1)
    """Image reference; empty means the task's image."""

    resources: "_core__.Resources" = betterproto.message_field(2)
    """
    Requests and limits; without any entry the pod has those of the task.
    A single entry replaces all of the task's resources.
    """


@dataclass(eq=False, repr=False)
class DaskWorkerGroup(betterproto.Message):
    """Equal worker pods, with one worker process each."""

    number_of_workers: int = betterproto.uint32_field(1)
    """Number of pods, at least 1."""

    image: str = betterproto.string_field(2)
    """Image reference; empty means the task's image."""

    resources: "_core__.Resources" = betterproto.message_field(3)
    """
    Requests and limits of each worker; without any entry those of the task.
    A single entry replaces all of the task's resources.
    """
