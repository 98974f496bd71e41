"""The entry point of the command: its subcommands and exit codes."""

from __future__ import annotations

import io
import os
import signal
import sys
from importlib import import_module
from pkgutil import iter_modules

import click

from flyte_dask.errors import FlyteDaskError
from flyte_dask_cli import subcommands

__all__ = ["cli", "main"]

_FAILED, _INTERRUPTED = 1, 130

_DESCRIPTION = """Inspect and check Dask clusters of Flyte tasks before they run.

Exit codes: 0 on success, 1 on errors, 2 if diff or size found changes, 130 if interrupted.

\b
  flyte-dask presets
  flyte-dask explain pipelines/etl.py:monthly
  flyte-dask check pipelines

Completion for bash, zsh or fish:  eval "$(_FLYTE_DASK_COMPLETE=bash_source flyte-dask)"
"""


@click.group(help=_DESCRIPTION, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="flyte-dask")
def cli() -> None:
    """The group of all subcommands."""


for _module in iter_modules(subcommands.__path__, f"{subcommands.__name__}."):
    cli.add_command(getattr(import_module(_module.name), _module.name.rpartition(".")[2]))


def main() -> None:
    """Run the command line in ``sys.argv``, and exit."""
    if sys.stdout is None:  # it is closed
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # characters that the locale lacks
    # like Ctrl-C, so that the process that imports modules is ended too
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(_run())


def _run() -> int:
    try:
        code = cli.main(prog_name="flyte-dask", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return _FAILED
    except FlyteDaskError as error:
        click.echo(f"Error: {error}", err=True)
        return _FAILED
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return _INTERRUPTED
    except OSError as error:  # standard output: its reader may have closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            click.echo(f"Error: {error.strerror or error}", err=True)
        return _FAILED
    return code if isinstance(code, int) else 0
