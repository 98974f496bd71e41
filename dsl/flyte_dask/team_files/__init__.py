"""Team files: a team's presets, platform and policy, in TOML, YAML or JSON.

Modules are loaded lazily: without a team file only the one that looks for it is needed.
"""

from typing import TYPE_CHECKING

from flyte_dask.lazy import lazy

if TYPE_CHECKING:
    from flyte_dask.team_files.commented import starter
    from flyte_dask.team_files.convert import parse, write
    from flyte_dask.team_files.discovery import NAME, find_for_module
    from flyte_dask.team_files.json_schema import schema
    from flyte_dask.team_files.loader import preset, read
    from flyte_dask.team_files.team_file import TeamFile
else:
    _HERE = "flyte_dask.team_files"
    __getattr__ = lazy(
        __name__,
        {
            "NAME": f"{_HERE}.discovery",
            "TeamFile": f"{_HERE}.team_file",
            "find_for_module": f"{_HERE}.discovery",
            "parse": f"{_HERE}.convert",
            "preset": f"{_HERE}.loader",
            "read": f"{_HERE}.loader",
            "schema": f"{_HERE}.json_schema",
            "starter": f"{_HERE}.commented",
            "write": f"{_HERE}.convert",
        },
    )

__all__ = [
    "NAME",
    "TeamFile",
    "find_for_module",
    "parse",
    "preset",
    "read",
    "schema",
    "starter",
    "write",
]
