"""``flyte-dask presets``: what there is to start from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from flyte_dask.advice import Job, unsilenced, wanted
from flyte_dask.catalog.preset import Preset
from flyte_dask.catalog.preset_packages import BUILT_IN, PresetPackage, known_packages
from flyte_dask.errors.suggestions import did_you_mean
from flyte_dask.explanation.summary import UNITS, Json, summarize, summarize_footprint
from flyte_dask.inheritance.parent import Parent
from flyte_dask.prediction.platform import Platform
from flyte_dask.team_files.discovery import NAME
from flyte_dask_cli.loading.findings import of_advice
from flyte_dask_cli.options import as_json, preset_options
from flyte_dask_cli.platform_options import with_options
from flyte_dask_cli.rendering.cluster import show_cluster, show_findings
from flyte_dask_cli.rendering.console import Screen, json_text

__all__ = ["presets"]

_HEADERS = ("preset", "workers", "each worker", "scheduler", "together", "from")
_DESCRIPTION = """Presets that are known here: built in, published by installed packages, and
those of the team file that --file names.

With a NAME, one of them in full: what it is for, every value and who says it, what scheduler and
workers take together, and advice.

\b
  flyte-dask presets
  flyte-dask presets gpu_heavy --backend v2
  flyte-dask presets --file flyte-dask.toml --json
"""


def _complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    names = [each.name for pack in known_packages() for each in pack.presets]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command(help=_DESCRIPTION, short_help="What there is to start from.")
@click.argument("name", required=False, shell_complete=_complete)
@preset_options
@as_json
def presets(
    name: str | None,
    file: str | None,
    as_json: bool,
    **site: Any,
) -> int:
    """Show all, or the one that is named."""
    packages, platform = list(known_packages()), Platform()
    silence: Collection[str] = ()
    if file:
        from flyte_dask.team_files import read  # noqa: PLC0415  # needs cattrs

        team = read(file)
        packages.append(team.preset_package)
        platform, silence = team.platform, team.silence
    platform = with_options(platform, **site)
    found = [
        (pack, each) for pack in packages for each in pack.presets if name in {None, each.name}
    ]
    broken = [f"{pack}: {pack.error}" for pack in packages if pack.error]
    if name and not found:
        known = sorted({each.name for pack in packages for each in pack.presets})
        remedy = did_you_mean(name, known) or f"known are {', '.join(known)}"
        raise click.ClickException(
            "\n".join([f"{name!r} is no preset that is known here: {remedy}", *broken])
        )
    told = [_facts(pack, preset, platform, silence) for pack, preset in found]
    if as_json:
        click.echo(json_text({"version": 1, "presets": told, "errors": broken}))
    else:
        _show(told, in_full=name is not None)
        for each in broken:
            click.echo(f"flyte-dask: the presets of {each}", err=True)
        if not file and Path(NAME).is_file():  # which is never found by where one works
            hint = f"flyte-dask: --file {NAME} shows those of the team file here too"
            click.echo(hint, err=True)
    return 0


def _facts(
    pack: PresetPackage, preset: Preset, platform: Platform, silence: Collection[str]
) -> Json:
    config = preset()
    job = Job.of(config, Parent(), platform)
    advice = wanted(unsilenced(job), config, silence)
    facts = summarize(job)
    for told in (facts["values"], facts["pods"]):
        for path in [path for path in told if path.startswith("runner")]:
            del told[path]  # of a task that is not known
    return {
        "name": preset.name,
        "source": {"package": pack.package, "version": pack.version, "text": str(pack)},
        "doc": preset.doc,
        "usage": _usage(pack, preset),
        **facts,
        "footprint": summarize_footprint(job, without_runner=True),
        "findings": [of_advice(each, None, preset.name) for each in advice],
    }


def _usage(pack: PresetPackage, preset: Preset) -> str:
    if pack.package == BUILT_IN:
        return f"@task(task_config=presets.{preset.name}(workers=5))"
    return f'@task(task_config=presets.get("{preset.name}")(workers=5))'


def _show(told: list[Json], *, in_full: bool) -> None:
    screen = Screen()
    if not in_full:
        screen.table(_HEADERS, map(_row, told))
        return
    for number, each in enumerate(told):
        if number:
            screen.line()
        screen.line(f"{each['name']}, from {each['source']['text']}", "title")
        if each["doc"]:
            screen.line(each["doc"])
        screen.line()
        show_cluster(screen, each)
        screen.line(f"write:  {each['usage']}")
        show_findings(screen, each["findings"])


def _row(told: Json) -> tuple[str, ...]:
    values = told["values"]
    number = str(values["workers.number_of_workers"]["value"])
    sizes = (_size("workers", values), _size("scheduler", values))
    return told["name"], number, *sizes, told["footprint"]["text"], told["source"]["text"]


def _size(role: str, values: Mapping[str, Json]) -> str:
    """``2 CPUs, 8Gi``: what it asks for, and in parentheses up to what, if that is more."""
    return ", ".join(_amounts(role, values))


def _amounts(role: str, values: Mapping[str, Json]) -> Iterator[str]:
    for name, unit in UNITS.items():
        request, limit = (values.get(f"{role}.{side}.{name}") for side in ("requests", "limits"))
        if request is None or limit is None or request["value"] is None:
            continue
        plural = "s" if name in {"cpu", "gpu"} and request["value"] != "1" else ""
        most = f" (to {limit['value']})" if limit["value"] != request["value"] else ""
        yield f"{request['value']}{unit}{plural}{most}"
