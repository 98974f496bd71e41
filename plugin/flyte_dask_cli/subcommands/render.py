"""``flyte-dask render``: what Flyte registers of tasks, and the pods that it will create."""

from __future__ import annotations

from typing import Any

import click

from flyte_dask_cli.loading.client import Form
from flyte_dask_cli.loading.collect import collect
from flyte_dask_cli.options import format_option, targets, task_options
from flyte_dask_cli.rendering.documents import document
from flyte_dask_cli.rendering.findings import show_errors

__all__ = ["render"]

_DESCRIPTION = """Render the custom part of task templates, which Flyte's Dask plugin reads; whole
templates; or the predicted pods.

A single task, as in etl.py:monthly, is printed alone; all others are printed under their names.
Values of environment variables are never shown.

\b
  flyte-dask render pipelines/etl.py:monthly
  flyte-dask render pipelines --as pods --format yaml > pods.yaml
"""


@click.command(help=_DESCRIPTION, short_help="Render templates or pods.")
@targets
@click.option(
    "--as",
    "form",
    type=click.Choice(["custom", "template", "pods"]),
    default="custom",
    show_default=True,
    help="Choose what to render.",
)
@format_option("json", "yaml")
@task_options
def render(
    targets: tuple[str, ...],
    form: Form,
    notation: str,
    traceback: bool,
    **options: Any,
) -> int:
    """Print the rendered tasks."""
    collected = collect(form, targets, traceback, **options)
    blocking = [each for task in collected.tasks for each in task["findings"] if each["blocking"]]
    if collected.errors or blocking:
        show_errors([*collected.errors, *blocking])
        return 1
    rendered = {name: each["rendered"] for name, each in collected.by_name().items()}
    is_alone = len(collected.targets) == 1 and collected.targets[0].task
    value = next(iter(rendered.values())) if is_alone else rendered
    click.echo(document(value, notation))
    return 0
