"""``flyte-dask presets``: the presets that are available."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from flyte_dask.advice import Job, unsilenced, wanted
from flyte_dask.catalog.preset import Preset
from flyte_dask.catalog.preset_packages import BUILT_IN, PresetPackage, known_packages
from flyte_dask.errors import clipped, short
from flyte_dask.errors.suggestions import did_you_mean, listed
from flyte_dask.explanation.summary import UNITS, Json, summarize, summarize_footprint
from flyte_dask.inheritance.parent import Parent
from flyte_dask.prediction.platform import Platform
from flyte_dask.team_files.discovery import find_for_module
from flyte_dask_cli.loading.findings import from_advice
from flyte_dask_cli.options import check_options, format_option, preset_options, with_options
from flyte_dask_cli.rendering.console import Screen, show_cluster, show_findings
from flyte_dask_cli.rendering.documents import document

__all__ = ["presets"]

_HEADERS = ("preset", "workers", "each worker", "scheduler", "total", "source")
_DESCRIPTION = """List built-in presets, those of installed packages, and those of the team file.

With a NAME, show one preset in full: its purpose, each value and where it is set, the total of
scheduler and workers, and advice.

\b
  flyte-dask presets
  flyte-dask presets gpu_heavy --backend v2
  flyte-dask presets --file conf/flyte-dask.toml --format json
"""


def _complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    names = [each.name for package in known_packages() for each in package.presets]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command(help=_DESCRIPTION, short_help="List presets.")
@click.argument("name", required=False, shell_complete=_complete)
@preset_options
@format_option("text", "json", "yaml")
def presets(
    name: str | None,
    file: str | Path | None,
    notation: str,
    **options: Any,
) -> int:
    """Print all presets, or the one called *name*."""
    check_options(**options)
    packages, platform = list(known_packages()), Platform()
    silence: Collection[str] = ()
    file = file or find_for_module(Path.cwd() / "module.py")  # as for a module that is here
    if file:
        from flyte_dask.team_files import read  # noqa: PLC0415  # needs cattrs

        team = read(file)
        packages.append(team.preset_package)
        platform, silence = team.platform, team.silence
    platform = with_options(platform, **options)
    available = [(package, each) for package in packages for each in package.presets]
    found = [each for each in available if name in {None, each[1].name}]
    broken = [f"{package}: {package.error}" for package in packages if package.error]
    if name and not found:
        known = sorted({each.name for _, each in available})
        remedy = did_you_mean(name, known) or f"known presets: {listed(known)}"
        lines = [f"{short(name)} is an unknown preset: {remedy}", *broken]
        raise click.ClickException(clipped("\n".join(lines)))
    summaries = [_summary(*each, platform, silence) for each in found]
    if notation != "text":
        click.echo(document({"version": 1, "presets": summaries, "errors": broken}, notation))
    else:
        _show(summaries, in_full=name is not None)
        for each in broken:
            click.echo(f"flyte-dask: cannot load the presets of {each}", err=True)
    return 0


def _summary(
    package: PresetPackage, preset: Preset, platform: Platform, silence: Collection[str]
) -> Json:
    config = preset()
    job = Job.of(config, Parent(), platform)
    advice = wanted(unsilenced(job), config, silence)
    summary = summarize(job)
    for part in (summary["values"], summary["pods"]):
        for path in [path for path in part if path.startswith("runner")]:
            del part[path]  # the runner belongs to the task, which is unknown
    return {
        "name": preset.name,
        "source": {"package": package.package, "version": package.version, "text": str(package)},
        "doc": preset.doc,
        "usage": _usage(package, preset),
        **summary,
        "footprint": summarize_footprint(job, without_runner=True),
        "findings": [from_advice(each, None, preset.name) for each in advice],
    }


def _usage(package: PresetPackage, preset: Preset) -> str:
    if package.package == BUILT_IN:
        return f"@task(task_config=presets.{preset.name}(workers=5))"
    return f'@task(task_config=presets.get("{preset.name}")(workers=5))'


def _show(summaries: list[Json], *, in_full: bool) -> None:
    screen = Screen()
    if not in_full:
        screen.table(_HEADERS, map(_row, summaries))
        return
    for number, each in enumerate(summaries):
        if number:
            screen.line()
        screen.line(f"{each['name']}, from {each['source']['text']}", "title")
        if each["doc"]:
            screen.line(each["doc"])
        screen.line()
        show_cluster(screen, each)
        screen.line(f"usage: {each['usage']}")
        show_findings(screen, each["findings"])


def _row(summary: Json) -> tuple[str, ...]:
    values = summary["values"]
    number = str(values["workers.number_of_workers"]["value"])
    sizes = (_size("workers", values), _size("scheduler", values))
    total, source = summary["footprint"]["text"], summary["source"]["text"]
    return summary["name"], number, *sizes, total, source


def _size(role: str, values: Mapping[str, Json]) -> str:
    """``2 CPUs, 8Gi``: the requests of a role, with higher limits in parentheses."""
    sizes = []
    for name, unit in UNITS.items():
        request, limit = (values.get(f"{role}.{side}.{name}") for side in ("requests", "limits"))
        if request is None or limit is None or request["value"] is None:
            continue
        plural = "s" if name in {"cpu", "gpu"} and request["value"] != "1" else ""
        most = f" (to {limit['value']})" if limit["value"] != request["value"] else ""
        sizes.append(f"{request['value']}{unit}{plural}{most}")
    return ", ".join(sizes)
