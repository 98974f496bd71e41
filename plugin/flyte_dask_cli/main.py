"""The command: its subcommands, and how it ends."""

from __future__ import annotations

import io
import os
import signal
import sys

import click

from flyte_dask.errors import FlyteDaskError
from flyte_dask_cli.loading.client import NoAnswer
from flyte_dask_cli.subcommands.check import check
from flyte_dask_cli.subcommands.diff import diff
from flyte_dask_cli.subcommands.explain import explain
from flyte_dask_cli.subcommands.presets import presets
from flyte_dask_cli.subcommands.render import render
from flyte_dask_cli.subcommands.schema import schema

__all__ = ["cli", "main"]

_FAILED, _INTERRUPTED = 1, 130

_DESCRIPTION = """Dask clusters of Flyte tasks: what a task will get, who said so, and what changes.

Exit codes: 0 if all is well, 1 if something is wrong, with the command too, and of diff 2 if
something changed.

\b
  flyte-dask presets
  flyte-dask explain pipelines/etl.py:monthly
  flyte-dask check pipelines

Completion for bash, zsh or fish:  eval "$(_FLYTE_DASK_COMPLETE=bash_source flyte-dask)"
"""


@click.group(help=_DESCRIPTION, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="flyte-dask")
def cli() -> None:
    """All subcommands."""


for _command in (presets, explain, render, diff, check, schema):
    cli.add_command(_command)


def main() -> None:
    """Run the command of ``sys.argv``, and end."""
    if sys.stdout is None:  # it is closed
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # whatever the locale cannot say
    signal.signal(signal.SIGTERM, _end)
    sys.exit(_run())


def _end(*_: object) -> None:
    """As when interrupted: the process that imports modules has to go too."""
    raise KeyboardInterrupt


def _run() -> int:
    try:
        code = cli.main(prog_name="flyte-dask", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return _FAILED
    except (FlyteDaskError, NoAnswer) as error:
        click.echo(f"Error: {error}", err=True)
        return _FAILED
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return _INTERRUPTED
    except OSError as error:  # of the standard output; whoever reads may have seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            click.echo(f"Error: {error.strerror or error}", err=True)
        return _FAILED
    return code if isinstance(code, int) else 0
