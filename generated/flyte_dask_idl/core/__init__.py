# Written by `python -m codegen` (`just codegen`). Do not edit.
# Versions: flyteidl 1.16.8, betterproto 2.0.0b7
# Descriptors: sha256 6b4f7c8783d6909b309dbcd70d100f9d6e2faa4f0f1971534667c47e6aab29e3

from dataclasses import dataclass

import betterproto


class ResourcesResourceName(betterproto.Enum):
    """The dimensions of a pod's resources."""

    UNKNOWN = 0
    """Unset."""

    CPU = 1
    """CPUs; a worker's limit is its number of threads."""

    GPU = 2
    """Number of GPUs, an integer."""

    MEMORY = 3
    """Bytes of memory."""

    STORAGE = 4
    """Ignored by the Dask backends."""

    EPHEMERAL_STORAGE = 5
    """Bytes of the node's local disk."""


@dataclass(eq=False, repr=False)
class Resources(betterproto.Message):
    """Requests and limits of one container, with an entry per dimension."""

    requests: "list[ResourcesResourceEntry]" = betterproto.message_field(1)
    """Amounts that the pod reserves on its node."""

    limits: "list[ResourcesResourceEntry]" = betterproto.message_field(2)
    """Maximum amounts that the pod may use."""


@dataclass(eq=False, repr=False)
class ResourcesResourceEntry(betterproto.Message):
    """The amount of one dimension."""

    name: "ResourcesResourceName" = betterproto.enum_field(1)
    """The dimension."""

    value: str = betterproto.string_field(2)
    """A Kubernetes quantity, such as 500m or 2Gi."""
