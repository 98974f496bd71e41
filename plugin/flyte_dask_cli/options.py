"""Arguments and options that subcommands share: targets, the platform, the output format."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import attrs
import click

from flyte_dask.errors import InvalidConfig, Problem, short
from flyte_dask.errors.suggestions import did_you_mean
from flyte_dask.prediction.platform import BACKENDS, BASES, Backend, Base, Platform, split_limits
from flyte_dask.roles.base import with_values
from flyte_dask.roles.origin import Origin
from flyte_dask.roles.resources import DIMENSIONS, Resources, amounts
from flyte_dask.team_files.discovery import VARIABLE

__all__ = [
    "PATH",
    "check_options",
    "format_option",
    "preset_options",
    "targets",
    "task_options",
    "with_options",
]

F = TypeVar("F", bound=Callable[..., Any])


# Its default would check that an existing file is readable.
PATH = click.Path(readable=False)
"""A path, which shells complete; it need not exist."""


def _amounts(_: click.Context, option: click.Parameter, value: str | None) -> Mapping[str, str]:
    """Parse amounts such as ``cpu=2,mem=1Gi`` into a mapping by resource."""
    amounts: dict[str, str] = {}
    for part in value.split(",") if value else []:
        name, equals, amount = part.partition("=")
        if not equals:
            raise click.BadParameter(f"{short(part)} must be NAME=AMOUNT, such as cpu=2")
        if name not in DIMENSIONS:
            remedy = did_you_mean(name, DIMENSIONS) or f"known resources: {', '.join(DIMENSIONS)}"
            raise click.BadParameter(f"{short(name)} is an unknown resource: {remedy}")
        if name in amounts:
            raise click.BadParameter(f"{short(name)} is set twice: remove one of the two")
        amounts[name] = amount
    try:
        of_sides = {"defaults": {}, "limits": {}, str(option.name): amounts}
        with_options(Platform(), of_sides["defaults"], of_sides["limits"])
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
        raise click.BadParameter(f"file {short(Path(value))} does not exist")
    return path


targets = click.argument("targets", nargs=-1, required=True, type=PATH)

_PLATFORM = (
    click.option(
        "--platform",
        "base",
        type=click.Choice(BASES),
        help="Start from this platform instead of the team file's.",
    ),
    click.option(
        "--backend",
        type=click.Choice(BACKENDS),
        help="Predict for this generation of Flyte (default: the team file's, else v1).",
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
        help="Override the platform's limits per pod, such as cpu=64,mem=256Gi,gpu=8; 0 for none. "
        "Other limits are those of the base, by default flyteadmin's own.",
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
    click.option(
        "--root-dir",
        type=click.Path(exists=True, file_okay=False),
        metavar="FOLDER",
        help="Import modules from this folder, as `flyte deploy --root-dir` does.",
    ),
    click.option("--traceback", is_flag=True, help="Show tracebacks of modules that fail."),
)


def format_option(*notations: str, text: str = "Choose the output format.") -> Callable[[F], F]:
    """The option ``--format``, whose default is the first of *notations*; *text* is its help."""
    choice = click.Choice(notations)
    return click.option(
        "--format", "notation", type=choice, default=notations[0], show_default=True, help=text
    )


def preset_options(command: F) -> F:
    """Add the options of the platform, and the team file whose presets are listed too."""
    return _with_platform(
        command,
        "List the presets of this team file (default: the nearest in this folder or above).",
    )


def task_options(command: F) -> F:
    """Add the options of the platform, and those about importing tasks."""
    for option in reversed(_TASKS):
        command = option(command)
    text = "Use this team file (default: the nearest in the module's folder or above)."
    return _with_platform(command, text)


def _with_platform(command: F, text: str) -> F:
    file = click.option(
        "--file",
        type=PATH,
        callback=_file,
        metavar="PATH",
        envvar=VARIABLE,
        show_envvar=True,
        help=text,
    )
    for option in (*reversed(_PLATFORM), file):
        command = option(command)
    return command


def with_options(
    platform: Platform,
    defaults: Mapping[str, str],
    limits: Mapping[str, str],
    base: str | None = None,
    backend: str | None = None,
) -> Platform:
    """*platform* with the values that options set; each resource is overridden separately.

    With another base or backend, nothing of *platform* applies.

    Raises:
        InvalidConfig: with every amount that is invalid, or without effect on Flyte 2.
    """
    if base is not None:
        platform = Platform(base=cast("Base", base), backend=cast("Backend | None", backend))
    elif backend not in {None, platform.backend}:
        platform = Platform(backend=cast("Backend", backend))
    limited, unlimited = split_limits(limits)
    result = attrs.evolve(
        platform,
        defaults=_overridden(platform.defaults, defaults),
        limits=_overridden(platform.limits, limited, without=unlimited),
        unlimited={*platform.unlimited, *unlimited} - {*limited},
    )
    origins = dict(result.origins)
    for side, overrides in {"defaults": defaults, "limits": limited}.items():
        for name in overrides:
            value = result.origins[f"{side}.{name}"].value
            origins[f"{side}.{name}"] = Origin(f"--platform-{side}", None, value)
    return with_values(result, _origins=origins)


def check_options(
    defaults: Mapping[str, str], limits: Mapping[str, str], base: str | None, backend: str | None
) -> None:
    """Raise `click.UsageError` if the options exclude each other, whatever the team file has."""
    if base is None and backend is None:
        return
    try:
        with_options(Platform(), defaults, limits, base, backend)
    except InvalidConfig as error:
        raise click.UsageError("; ".join(map(_of_option, error.problems))) from None


def _of_option(problem: Problem) -> str:
    """*problem* with the option, and the resource, that it is about."""
    field, _, name = problem.path.partition(".")
    return ": ".join(filter(None, (_OPTIONS[field], name, str(problem))))


_OPTIONS = {
    "base": "--platform",
    "defaults": "--platform-defaults",
    "limits": "--platform-limits",
    "unlimited": "--platform-limits",
}
"""The options that set a platform's fields."""


def _overridden(
    resources: Resources | None, overrides: Mapping[str, str], without: Collection[str] = ()
) -> Resources | None:
    merged: dict[str, Any] = {**amounts(resources), **overrides}
    kept = {name: each for name, each in merged.items() if name not in without}
    return Resources(**kept) if kept else None
