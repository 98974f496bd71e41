"""The presets that exist: the class, the built-in ones, and those of installed packages."""

from typing import TYPE_CHECKING

from flyte_dask.catalog.preset import Preset, define
from flyte_dask.lazy import lazy

if TYPE_CHECKING:  # loaded on first use: a config needs no preset
    from flyte_dask.catalog.builtin import NAMES, built_in
    from flyte_dask.catalog.preset_packages import PresetPackage, known_packages
else:
    _HERE = "flyte_dask.catalog"
    __getattr__ = lazy(
        __name__,
        {
            "NAMES": f"{_HERE}.builtin",
            "PresetPackage": f"{_HERE}.preset_packages",
            "built_in": f"{_HERE}.builtin",
            "known_packages": f"{_HERE}.preset_packages",
        },
    )

__all__ = ["NAMES", "Preset", "PresetPackage", "built_in", "define", "known_packages"]
