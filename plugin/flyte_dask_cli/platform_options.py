"""The site that is meant: the platform of the team file, and what options say instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from flyte_dask.prediction.platform import Backend, Platform
from flyte_dask.roles.origin import Origin
from flyte_dask.roles.resources import Resources, amounts
from flyte_dask.roles.roles import with_origins

__all__ = ["with_options"]


def with_options(
    platform: Platform,
    backend: str | None,
    defaults: Mapping[str, str],
    limits: Mapping[str, str],
) -> Platform:
    """*platform*, overridden by the options, dimension by dimension.

    Raises:
        InvalidConfig: with every amount that cannot be.
    """
    said = {"defaults": defaults, "limits": limits}
    origins = dict(platform.origins)
    made = Platform(
        backend=cast("Backend", backend or platform.backend),
        defaults=_with(platform.defaults, defaults),
        limits=_with(platform.limits, limits),
    )
    for side, given in said.items():
        for name in given:
            value = made.origins[f"{side}.{name}"].value
            origins[f"{side}.{name}"] = Origin(f"--platform-{side}", None, value)
    return with_origins(made, origins)


def _with(resources: Resources | None, said: Mapping[str, str]) -> Resources | None:
    amounts_by_name: dict[str, Any] = {**amounts(resources), **said}
    return Resources(**amounts_by_name) if amounts_by_name else None
