"""The platform that the command assumes: that of the team file, overridden by options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flyte_dask.prediction.platform import Backend, Platform
from flyte_dask.roles.base import with_values
from flyte_dask.roles.origin import Origin
from flyte_dask.roles.resources import Resources, amounts

__all__ = ["with_options"]


def with_options(
    platform: Platform,
    backend: str | None,
    defaults: Mapping[str, str],
    limits: Mapping[str, str],
) -> Platform:
    """*platform* with the values that options set; each resource is overridden separately.

    Raises:
        InvalidConfig: with every amount that is invalid.
    """
    origins = dict(platform.origins)
    result = Platform(
        backend=cast("Backend", backend or platform.backend),
        defaults=_with(platform.defaults, defaults),
        limits=_with(platform.limits, limits),
    )
    for side, overrides in {"defaults": defaults, "limits": limits}.items():
        for name in overrides:
            value = result.origins[f"{side}.{name}"].value
            origins[f"{side}.{name}"] = Origin(f"--platform-{side}", None, value)
    return with_values(result, _origins=origins)


def _with(resources: Resources | None, overrides: Mapping[str, str]) -> Resources | None:
    amounts_by_name: dict[str, Any] = {**amounts(resources), **overrides}
    return Resources(**amounts_by_name) if amounts_by_name else None
