"""Named configurations of sensible sizes: ``@task(task_config=presets.medium(workers=5))``.

What holds for all of them:

- Whole CPUs, because Flyte makes a worker's CPU limit, rounded up, its number of threads.
- Request equals limit, so that a pod keeps what it was given and its memory limit is real.
- For each CPU of a worker the memory that the clouds' machines have for one: 4 GiB on those for
  general purposes, 8 on those for memory, 2 on those for computing. 6 GiB beside a GPU, whose data
  passes through it.
- A worker takes at most half of the CPUs of the node that it is meant for, since no pod can have
  all of them.
- A scheduler that can serve the workers: a CPU for its one thread, a second where workers are many
  or large, and memory for the graph.
- GPUs on workers only: the scheduler never computes.

Presets of one's own are made with `define`, or said in a team file; those of the team file and of
installed packages are found with `get`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyte_dask.roles.base import checked_function

if TYPE_CHECKING:  # loaded when they are asked for: importing us must stay almost free
    from os import PathLike

    from flyte_dask.catalog.preset import Preset, define
    from flyte_dask.catalog.preset_packages import PresetPackage

__all__ = [
    "Preset",
    "cpu_heavy",
    "define",
    "get",
    "gpu_heavy",
    "large",
    "medium",
    "memory_heavy",
    "packages",
    "small",
]

small: Preset
"""2 workers of 1 CPU and 4Gi; scheduler of 1 CPU and 2Gi. For trying out, and data of a few GB."""

medium: Preset
"""4 workers of 2 CPUs and 8Gi; scheduler of 1 CPU and 4Gi. For daily work on tens of GB."""

large: Preset
"""8 workers of 4 CPUs and 16Gi; scheduler of 2 CPUs and 8Gi. For hundreds of GB."""

memory_heavy: Preset
"""4 workers of 4 CPUs and 32Gi; scheduler of 2 CPUs and 8Gi. For joins, shuffles and sorts."""

cpu_heavy: Preset
"""16 workers of 2 CPUs and 4Gi; scheduler of 2 CPUs and 8Gi. For much computing on little data."""

gpu_heavy: Preset
"""2 workers of 1 GPU, 4 CPUs and 24Gi; scheduler of 2 CPUs and 8Gi. For computing on GPUs."""


def packages() -> tuple[PresetPackage, ...]:
    """The built-in presets, and those that installed packages publish, by where they come from."""
    from flyte_dask.catalog.preset_packages import known_packages  # noqa: PLC0415  # as above

    return known_packages()


@checked_function("presets.get(...)")
def get(name: str, *, source: str | None = None, file: str | PathLike[str] | None = None) -> Preset:
    """The preset *name*: built in, published by an installed package, or of a team file.

    The team file is the one next to the module that calls, ``flyte-dask.toml`` or the table
    ``[tool.flyte-dask]`` of ``pyproject.toml``, in its folder or in one above it.

    Args:
        name: as in ``medium`` or ``acme.etl``.
        source: the package whose preset is meant, such as ``acme-presets``, or the name of the
            team file; needed only where several have one of this name, so that none shadows
            another by accident.
        file: another team file, TOML, YAML or JSON, whose preset is meant; if its path is relative,
            then to the folder of the module that calls.

    Raises:
        UnknownPreset: if there is none, with the nearest name that there is.
        ShadowedPreset: if there are several, and *source* does not say which.
        InvalidConfig: if an argument cannot be, or with every problem of the team file.
        MissingExtra: if that is YAML, and PyYAML is not installed.
    """
    from flyte_dask.team_files import preset  # noqa: PLC0415  # as above

    return preset(name, source, file)


if not TYPE_CHECKING:  # type checkers shall know which names there are

    def __getattr__(name: str) -> object:
        if name in __annotations__:  # which are the built-in ones
            from flyte_dask.catalog.builtin import built_in  # noqa: PLC0415  # as above

            return built_in(name)
        if name in {"Preset", "define"}:
            from flyte_dask.catalog import preset  # noqa: PLC0415  # as above

            return getattr(preset, name)
        if name.startswith("__"):  # Python looks for such, at each import from here
            raise AttributeError(name)
        from flyte_dask.errors.usage_errors import reject_preset  # noqa: PLC0415  # for errors only

        return reject_preset(name, __all__)

    def __dir__() -> list[str]:
        return __all__
