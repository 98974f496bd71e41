"""Presets: the class, the built-in ones, and those of installed packages."""

from flyte_dask.catalog.builtin import NAMES, built_in
from flyte_dask.catalog.preset import Preset, define
from flyte_dask.catalog.preset_packages import PresetPackage, known_packages

__all__ = ["NAMES", "Preset", "PresetPackage", "built_in", "define", "known_packages"]
