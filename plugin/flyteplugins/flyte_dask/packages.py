"""The Python packages that an image of Flyte 2 installs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flyte import Image

from flyte_dask_engine.registration.packages import OTHERS, named, named_in
from flyteplugins.flyte_dask.flyte_internals import layers_of

__all__ = ["packages_of"]

_BASE = "ghcr.io/flyteorg/flyte:"  # of `Image.from_debian_base`
_WITHOUT_PACKAGES = frozenset(
    {"AptPackages", "CodeBundleLayer", "CopyConfig", "DockerIgnore", "Env", "WorkDir"}
)
"""The layers that install no Python packages."""


def packages_of(image: object) -> tuple[str, ...]:
    """The names of packages that *image* installs on Flyte's own; none if it adds no layers."""
    layers = layers_of(image) if isinstance(image, Image) else ()
    if not layers or not isinstance(image, Image):
        return ()
    found = {"flyte"} if (image.base_image or "").startswith(_BASE) else {OTHERS}
    for layer in layers:
        found.update(_packages(layer))
    return tuple(sorted(found))


def _packages(layer: Any) -> Iterator[str]:
    kind = type(layer).__name__
    if kind == "PythonWheels":
        yield from named(layer.package_name)
    elif kind in {"PipPackages", "Requirements"}:
        yield from named(*layer.packages or ())
        if kind == "Requirements":
            yield from named_in(layer.file)
    elif kind not in _WITHOUT_PACKAGES:
        yield OTHERS
