# Written by `python -m codegen` (`just codegen`). Do not edit.
# Versions: flyteidl 1.16.8, betterproto 2.0.0b7
# Descriptors: sha256 6b4f7c8783d6909b309dbcd70d100f9d6e2faa4f0f1971534667c47e6aab29e3

from dataclasses import dataclass

import betterproto


class ResourcesResourceName(betterproto.Enum):
    """The dimensions that a pod's resources have."""

    UNKNOWN = 0
    """Not said: no dimension at all."""

    CPU = 1
    """CPUs; a worker's limit is its threads."""

    GPU = 2
    """GPUs, whole ones."""

    MEMORY = 3
    """Bytes of memory."""

    STORAGE = 4
    """Ignored by the Dask backends."""

    EPHEMERAL_STORAGE = 5
    """Bytes of the node's local disk."""


@dataclass(eq=False, repr=False)
class Resources(betterproto.Message):
    """Requests and limits of one container, an entry a dimension."""

    requests: "list[ResourcesResourceEntry]" = betterproto.message_field(1)
    """What the pod is scheduled by: reserved on its node."""

    limits: "list[ResourcesResourceEntry]" = betterproto.message_field(2)
    """What the pod may use at most."""


@dataclass(eq=False, repr=False)
class ResourcesResourceEntry(betterproto.Message):
    """The amount of one dimension."""

    name: "ResourcesResourceName" = betterproto.enum_field(1)
    """The dimension."""

    value: str = betterproto.string_field(2)
    """A Kubernetes quantity, such as 500m or 2Gi."""
