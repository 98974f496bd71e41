"""Inheritance: what the roles of a cluster get from their task, resolved per dimension."""

from flyte_dask.inheritance.parent import NodeOverrides, Parent, Sidecar
from flyte_dask.inheritance.resolution import (
    Inherit,
    Resolved,
    ResolvedPair,
    ResolvedRole,
    Side,
    Source,
    resolve,
)

__all__ = [
    "Inherit",
    "NodeOverrides",
    "Parent",
    "Resolved",
    "ResolvedPair",
    "ResolvedRole",
    "Side",
    "Sidecar",
    "Source",
    "resolve",
]
