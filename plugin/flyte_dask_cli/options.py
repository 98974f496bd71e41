"""What several subcommands are asked: targets, the site, the form of the answer."""

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

__all__ = ["as_json", "files_complete", "preset_options", "targets", "task_options"]

F = TypeVar("F", bound=Callable[..., Any])


def files_complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell complete paths."""
    return [CompletionItem(incomplete, type="file")]


def _amounts(_: click.Context, option: click.Parameter, value: str | None) -> Mapping[str, str]:
    """Amounts such as ``cpu=2,mem=1Gi``, by dimension."""
    said = {}
    for part in value.split(",") if value else []:
        name, equals, amount = part.partition("=")
        if not equals:
            raise click.BadParameter(f"{part!r} is no amount: write one such as cpu=2")
        if name not in DIMENSIONS:
            remedy = did_you_mean(name, DIMENSIONS) or f"write one of {', '.join(DIMENSIONS)}"
            raise click.BadParameter(f"{name!r} is no dimension: {remedy}")
        if name in said:
            raise click.BadParameter(f"{name!r} is said twice: leave one of them out")
        said[name] = amount
    try:
        with_options(Platform(), None, **{**_NOTHING, str(option.name): said})
    except InvalidConfig as error:
        told = [f"{each.path.rpartition('.')[2]}: {each}" for each in error.problems]
        raise click.BadParameter("; ".join(told)) from None
    return said


_NOTHING: Mapping[str, Mapping[str, str]] = {"defaults": {}, "limits": {}}


def _file(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """The path of a team file, made absolute: a user's module may change the working directory."""
    if value is None:
        return None
    path = os.path.abspath(value)  # noqa: PTH100  # a link is read where it is
    if not Path(path).is_file():
        raise click.BadParameter(f"{value}: there is no such file")
    return path


targets = click.argument("targets", nargs=-1, required=True, shell_complete=files_complete)
as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")

_PLATFORM = (
    click.option(
        "--backend", type=click.Choice(BACKENDS), help="Flyte 1 or 2; if nobody says it, v1."
    ),
    click.option(
        "--platform-defaults",
        "defaults",
        callback=_amounts,
        metavar="AMOUNTS",
        help="What a pod gets where nobody sets an amount: cpu=2,mem=1Gi.",
    ),
    click.option(
        "--platform-limits",
        "limits",
        callback=_amounts,
        metavar="AMOUNTS",
        help="What a pod may have at most: cpu=64,mem=256Gi,gpu=8; if nobody says it, all.",
    ),
)
_TASKS = (
    click.option(
        "-i",
        "--image",
        "images",
        multiple=True,
        metavar="[NAME=]REFERENCE",
        help="Image of tasks that say none, or the one that templates name; as for pyflyte.",
    ),
    click.option(
        "--timeout",
        type=click.IntRange(min=1, max=24 * 3600),
        default=300,
        show_default=True,
        metavar="SECONDS",
        help="How long a module may take to be imported.",
    ),
    click.option(
        "--traceback", is_flag=True, help="Show the traceback of modules that cannot be imported."
    ),
)


def preset_options(command: F) -> F:
    """The options that say the site, and whose presets are shown too."""
    shown = _file_option("Team file, whose presets are shown too.")
    return _with((shown, *_PLATFORM), command)


def task_options(command: F) -> F:
    """Those, and the ones about importing tasks."""
    meant = _file_option("Team file; unsaid, the one beside each module, or in a folder above.")
    return _with((meant, *_PLATFORM, *_TASKS), command)


def _file_option(text: str) -> Callable[[F], F]:
    return click.option(
        "--file",
        callback=_file,
        shell_complete=files_complete,
        metavar="PATH",
        envvar=VARIABLE,
        show_envvar=True,
        help=text,
    )


def _with(options: tuple[Callable[[F], F], ...], command: F) -> F:
    for option in reversed(options):
        command = option(command)
    return command
