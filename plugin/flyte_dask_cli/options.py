"""Arguments and options that subcommands share: targets, the platform, the output format."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from flyte_dask.errors import InvalidConfig
from flyte_dask.errors.suggestions import did_you_mean
from flyte_dask.prediction.platform import BACKENDS, Platform
from flyte_dask.roles.resources import DIMENSIONS
from flyte_dask.team_files.discovery import VARIABLE
from flyte_dask_cli.platform_options import with_options

__all__ = ["as_json", "complete_files", "preset_options", "targets", "task_options"]

F = TypeVar("F", bound=Callable[..., Any])


def complete_files(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell complete paths."""
    return [CompletionItem(incomplete, type="file")]


def _amounts(_: click.Context, option: click.Parameter, value: str | None) -> Mapping[str, str]:
    """Parse amounts such as ``cpu=2,mem=1Gi`` into a mapping by resource."""
    amounts: dict[str, str] = {}
    for part in value.split(",") if value else []:
        name, equals, amount = part.partition("=")
        if not equals:
            raise click.BadParameter(f"{part!r} must be NAME=AMOUNT, such as cpu=2")
        if name not in DIMENSIONS:
            remedy = did_you_mean(name, DIMENSIONS) or f"known resources: {', '.join(DIMENSIONS)}"
            raise click.BadParameter(f"{name!r} is an unknown resource: {remedy}")
        if name in amounts:
            raise click.BadParameter(f"{name!r} is set twice: remove one of the two")
        amounts[name] = amount
    try:
        with_options(Platform(), None, **{"defaults": {}, "limits": {}, str(option.name): amounts})
    except InvalidConfig as error:
        problems = [f"{each.path.rpartition('.')[2]}: {each}" for each in error.problems]
        raise click.BadParameter("; ".join(problems)) from None
    return amounts


def _file(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Make the path of a team file absolute: a user's module may change the working directory."""
    if value is None:
        return None
    path = os.path.abspath(value)  # noqa: PTH100  # symbolic links are kept
    if not Path(path).is_file():
        raise click.BadParameter(f"file {value!r} does not exist")
    return path


targets = click.argument("targets", nargs=-1, required=True, shell_complete=complete_files)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

_PLATFORM = (
    click.option(
        "--backend",
        type=click.Choice(BACKENDS),
        help="Flyte generation (default: that of the team file, else v1).",
    ),
    click.option(
        "--platform-defaults",
        "defaults",
        callback=_amounts,
        metavar="AMOUNTS",
        help="Override the platform's default resources, such as cpu=2,mem=1Gi.",
    ),
    click.option(
        "--platform-limits",
        "limits",
        callback=_amounts,
        metavar="AMOUNTS",
        help="Override the platform's limits per pod, such as cpu=64,mem=256Gi,gpu=8.",
    ),
)
_TASKS = (
    click.option(
        "-i",
        "--image",
        "images",
        multiple=True,
        metavar="[NAME=]REFERENCE",
        help="Set the image of tasks without one, or of templates that use NAME; as in pyflyte.",
    ),
    click.option(
        "--timeout",
        type=click.IntRange(min=1, max=24 * 3600),
        default=300,
        show_default=True,
        metavar="SECONDS",
        help="Limit the time to import one module.",
    ),
    click.option("--traceback", is_flag=True, help="Show tracebacks of modules that fail."),
)


def preset_options(command: F) -> F:
    """Add the options of the platform, and the team file whose presets are listed too."""
    return _with((_file_option("List the presets of this team file too."), *_PLATFORM), command)


def task_options(command: F) -> F:
    """Add the options of the platform, and those about importing tasks."""
    file = _file_option("Team file (default: the nearest in the module's folder or above).")
    return _with((file, *_PLATFORM, *_TASKS), command)


def _file_option(text: str) -> Callable[[F], F]:
    return click.option(
        "--file",
        callback=_file,
        shell_complete=complete_files,
        metavar="PATH",
        envvar=VARIABLE,
        show_envvar=True,
        help=text,
    )


def _with(options: tuple[Callable[[F], F], ...], command: F) -> F:
    for option in reversed(options):
        command = option(command)
    return command
