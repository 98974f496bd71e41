"""``flyte-dask render``: the final thing."""

from __future__ import annotations

from typing import Any

import click

from flyte_dask_cli.loading.client import Form
from flyte_dask_cli.loading.collect import collect, show_errors
from flyte_dask_cli.options import targets, task_options
from flyte_dask_cli.rendering.console import json_text

__all__ = ["render"]

_DESCRIPTION = """The final thing: the custom part of the task template, as Flyte's Dask plugin
reads it; or the whole template; or the pods that Flyte will make of it, which is a prediction.

One task that is named, as in etl.py:monthly, is printed alone; all others under their names. Values
of environment variables are never shown.

\b
  flyte-dask render pipelines/etl.py:monthly
  flyte-dask render pipelines --as pods --format yaml > pods.yaml
"""


@click.command(help=_DESCRIPTION, short_help="The final thing, in JSON or YAML.")
@targets
@click.option(
    "--as",
    "form",
    type=click.Choice(["custom", "template", "pods"]),
    default="custom",
    show_default=True,
    help="What is rendered.",
)
@click.option(
    "--format",
    "notation",
    type=click.Choice(["json", "yaml"]),
    default="json",
    show_default=True,
    help="How.",
)
@task_options
def render(
    targets: tuple[str, ...],
    form: Form,
    notation: str,
    traceback: bool,
    **asked: Any,
) -> int:
    """Print each."""
    told = collect(form, targets, traceback, **asked)
    forbidden = [each for task in told.tasks for each in task["findings"] if each["blocking"]]
    if told.errors or forbidden:
        show_errors([*told.errors, *forbidden])
        return 1
    rendered = {name: each["rendered"] for name, each in told.by_name().items()}
    is_alone = len(told.targets) == 1 and told.targets[0].task
    value = next(iter(rendered.values())) if is_alone else rendered
    click.echo(json_text(value) if notation == "json" else _yaml(value))
    return 0


def _yaml(value: object) -> str:
    import yaml  # noqa: PLC0415  # flytekit's, and of no use to others

    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=False)
    return text.rstrip()
