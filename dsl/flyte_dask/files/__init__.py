"""Team files: a team's presets, its site, and what it allows, in TOML, YAML or JSON.

Nothing here is needed by who has none: it is loaded when a file is asked for.
"""

from flyte_dask.files.convert import parse, write
from flyte_dask.files.finding import NAME, find_beside, preset, taken
from flyte_dask.files.schema import schema
from flyte_dask.files.team import TeamFile, read

__all__ = ["NAME", "TeamFile", "find_beside", "parse", "preset", "read", "schema", "taken", "write"]
