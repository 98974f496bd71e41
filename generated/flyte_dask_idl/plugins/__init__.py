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
    """What the scheduler pod has of its own."""

    workers: "DaskWorkerGroup" = betterproto.message_field(2)
    """How many workers, and what they have of their own."""


@dataclass(eq=False, repr=False)
class DaskScheduler(betterproto.Message):
    """The scheduler pod."""

    image: str = betterproto.string_field(1)
    """Image reference; empty means the task's image."""

    resources: "_core__.Resources" = betterproto.message_field(2)
    """
    Requests and limits; with no entry at all the pod has those of the task.
    One entry anywhere replaces the whole of the task's resources.
    """


@dataclass(eq=False, repr=False)
class DaskWorkerGroup(betterproto.Message):
    """The worker pods, all alike: one worker process a pod."""

    number_of_workers: int = betterproto.uint32_field(1)
    """How many pods: 1 or more."""

    image: str = betterproto.string_field(2)
    """Image reference; empty means the task's image."""

    resources: "_core__.Resources" = betterproto.message_field(3)
    """
    Requests and limits of each worker; with no entry at all those of the task.
    One entry anywhere replaces the whole of the task's resources.
    """
