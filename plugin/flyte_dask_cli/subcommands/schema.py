"""``flyte-dask schema``: what editors complete and check team files with."""

from __future__ import annotations

import click

from flyte_dask_cli.rendering.console import json_text

__all__ = ["schema"]

_DESCRIPTION = """The JSON Schema of the team file, which editors complete and check it with.

\b
  flyte-dask schema > flyte-dask.schema.json
"""


@click.command(help=_DESCRIPTION, short_help="The JSON Schema of the team file.")
def schema() -> int:
    """Print it."""
    from flyte_dask import team_files as files  # noqa: PLC0415  # needs cattrs

    click.echo(json_text(files.schema()))
    return 0
