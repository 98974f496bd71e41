"""Named configurations of sensible sizes: ``@task(task_config=presets.medium(workers=5))``.

All built-in presets have:

- Whole CPUs, because Flyte sets a worker's number of threads to its CPU limit, rounded up.
- Requests equal to limits, so that a pod keeps its resources and its memory limit is guaranteed.
- The memory per CPU of common cloud machines: 4 GiB for general purposes, 8 for memory, 2 for
  computation; and 6 GiB per CPU with a GPU, whose data passes through the memory.
- Workers of at most half of the CPUs of the node that they are sized for, since no pod can have all
  of them.
- A scheduler that can serve the workers: a CPU for its one thread, a second one for many or large
  workers, and memory for the graph.
- GPUs on workers only: the scheduler never computes.

Define presets with `define` or in a team file; `get` finds those of the team file and of installed
packages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyte_dask.roles.base import checked, with_values

if TYPE_CHECKING:  # loaded on first use: importing flyte_dask must stay almost free
    from os import PathLike

    from flyte_dask.catalog.preset import Preset, define
    from flyte_dask.catalog.preset_packages import PresetPackage

__all__ = ["Preset", "define", "get", "packages"]

# tables: preset attributes
__all__ += [
    "cpu_heavy",
    "gpu_heavy",
    "large",
    "medium",
    "memory_heavy",
    "small",
]

small: Preset
"""2 workers of 1 CPU and 4Gi; scheduler of 1 CPU and 2Gi. For experiments and data of a few GB."""

medium: Preset
"""4 workers of 2 CPUs and 8Gi; scheduler of 1 CPU and 4Gi. For daily work on tens of GB."""

large: Preset
"""8 workers of 4 CPUs and 16Gi; scheduler of 2 CPUs and 8Gi. For hundreds of GB."""

memory_heavy: Preset
"""4 workers of 4 CPUs and 32Gi; scheduler of 2 CPUs and 8Gi. For joins, shuffles and sorts, which
hold much of their data at once."""

cpu_heavy: Preset
"""16 workers of 2 CPUs and 4Gi; scheduler of 2 CPUs and 8Gi. For heavy computing on little data:
simulations, searches, scoring."""

gpu_heavy: Preset
"""2 workers of 4 CPUs, 24Gi and 1 GPU; scheduler of 2 CPUs and 8Gi. For computing on GPUs."""
# /tables


def packages() -> tuple[PresetPackage, ...]:
    """The built-in presets and those of installed packages, by package."""
    from flyte_dask.catalog.preset_packages import known_packages  # noqa: PLC0415  # as above

    return known_packages()


def _unknown(name: object = "get") -> Preset:
    """What stands in for the preset *name*, which is not found, also in errors of its calls."""
    from flyte_dask.catalog.builtin import built_in  # noqa: PLC0415  # as above

    return with_values(built_in("small"), name=str(name))


@checked("presets.get(...)", stand_in=_unknown)
def get(name: str, *, source: str | None = None, file: str | PathLike[str] | None = None) -> Preset:
    """The preset *name*: a built-in one, one of an installed package, or one of the team file.

    The team file is ``flyte-dask.toml``, or the table ``[tool.flyte-dask]`` of ``pyproject.toml``,
    in the folder of the calling module or the nearest one above it.

    Args:
        name: the name, such as ``medium`` or ``acme.etl``.
        source: the package to search, such as ``acme-presets``, or the name of the team file;
            needed only if several have a preset of this name.
        file: another team file to use, TOML, YAML or JSON; a relative path is relative to the
            folder of the calling module.

    Raises:
        UnknownPreset: if there is no such preset, with the nearest name.
        ShadowedPreset: if there are several, and *source* does not select one.
        InvalidConfig: if an argument is invalid, or with every problem of the team file.
        MissingExtra: if the file is YAML, and PyYAML is not installed.
    """
    from flyte_dask.team_files import preset  # noqa: PLC0415  # as above

    return preset(name, source, file)


if not TYPE_CHECKING:  # type checkers should know the names

    def __getattr__(name: str) -> object:
        if name in __annotations__:  # the built-in presets
            from flyte_dask.catalog.builtin import built_in  # noqa: PLC0415  # as above

            return built_in(name)
        if name in {"Preset", "define"}:
            from flyte_dask.catalog import preset  # noqa: PLC0415  # as above

            return getattr(preset, name)
        if name.startswith("__"):  # Python looks these up at each import from here
            raise AttributeError(name)
        from flyte_dask.errors.usage_errors import reject_preset  # noqa: PLC0415  # for errors only

        return reject_preset(name, __all__)

    def __dir__() -> list[str]:
        return __all__
