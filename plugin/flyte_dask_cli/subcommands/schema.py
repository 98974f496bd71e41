"""``flyte-dask schema``: the JSON Schema of the team file."""

from __future__ import annotations

import click

from flyte_dask_cli.options import format_option
from flyte_dask_cli.rendering.documents import document

__all__ = ["schema"]

_DESCRIPTION = """Print the JSON Schema of the team file, for completion and checks in editors.

\b
  flyte-dask schema > flyte-dask.schema.json
"""


@click.command(help=_DESCRIPTION, short_help="Print the JSON Schema of the team file.")
@format_option("json", "yaml")
def schema(notation: str) -> int:
    """Print the schema."""
    from flyte_dask import team_files  # noqa: PLC0415  # needs cattrs

    click.echo(document(team_files.schema(), notation))
    return 0
