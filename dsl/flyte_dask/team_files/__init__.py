"""Team files: a team's presets, its site, and what it allows, in TOML, YAML or JSON.

Nothing here is needed by who has none: its modules are loaded when they are asked for, and to look
whether there is a file takes but one of them.
"""

from typing import TYPE_CHECKING

from flyte_dask.lazy import lazy

if TYPE_CHECKING:
    from flyte_dask.team_files.convert import parse, write
    from flyte_dask.team_files.discovery import NAME, find_beside
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
            "find_beside": f"{_HERE}.discovery",
            "parse": f"{_HERE}.convert",
            "preset": f"{_HERE}.loader",
            "read": f"{_HERE}.loader",
            "schema": f"{_HERE}.json_schema",
            "write": f"{_HERE}.convert",
        },
    )

__all__ = ["NAME", "TeamFile", "find_beside", "parse", "preset", "read", "schema", "write"]
