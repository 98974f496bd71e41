"""``flyte-dask init``: a team file to start from."""

from __future__ import annotations

from pathlib import Path

import click

from flyte_dask.team_files.discovery import NAME, find_for_module

__all__ = ["init"]

_DESCRIPTION = f"""Write {NAME}, with every key as a comment, into a FOLDER (default: this one).

The file sets nothing until you remove the comment signs. A folder that has a team file already,
also as a table of its pyproject.toml, is left as it is.

\b
  flyte-dask init
  flyte-dask init conf
"""


@click.command(help=_DESCRIPTION, short_help="Write a team file to start from.")
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False))
def init(folder: str) -> int:
    """Write the file into *folder*."""
    path = Path(folder, NAME)
    found = find_for_module(path.absolute())
    if found is not None and found.parent == path.absolute().parent:
        raise click.ClickException(f"{Path(folder, found.name)} is a team file already")
    from flyte_dask.team_files import starter  # noqa: PLC0415  # needs cattrs

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(starter())
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from error
    click.echo(f"{path} was written: remove the '# ' of each line that you need")
    if found is not None:
        click.echo(f"flyte-dask: it replaces {found} for the modules below {folder}", err=True)
    return 0
