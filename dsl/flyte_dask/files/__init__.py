"""Team files: a team's presets, its site, and what it allows, in TOML, YAML or JSON.

Nothing here is needed by who has none: its modules are loaded when they are asked for, and to look
whether there is a file takes but one of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flyte_dask.files.convert import parse, write
    from flyte_dask.files.finding import NAME, find_beside
    from flyte_dask.files.json_schema import schema
    from flyte_dask.files.taking import preset, read
    from flyte_dask.files.team import TeamFile
else:
    _LAZY = {
        "NAME": "finding",
        "TeamFile": "team",
        "find_beside": "finding",
        "parse": "convert",
        "preset": "taking",
        "read": "taking",
        "schema": "json_schema",
        "write": "convert",
    }

    def __getattr__(name):
        """What is loaded when it is first asked for."""
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)


__all__ = ["NAME", "TeamFile", "find_beside", "parse", "preset", "read", "schema", "write"]
