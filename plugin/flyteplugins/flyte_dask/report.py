"""The report as a tab of the task's report in Flyte 2."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import flyte.report

from flyte_dask_engine.host import Host
from flyteplugins.flyte_dask.context import task_context

__all__ = ["shown_in_tab"]

_NAME = "Dask"
_ADDED = " (cluster)"
_FILE = "report.html"


@contextmanager
def shown_in_tab(make: Callable[[], str], task: str, host: Host) -> Iterator[None]:
    """Show the page that *make* renders as a tab of *task*, during the block and afterwards.

    The SDK writes reports of tasks that succeed only; this one is there if the task fails, too. Of
    a local run the path of its file is logged.
    """
    context = task_context()
    try:
        yield
    finally:
        flyte.report.get_tab(_unused_name()).replace(make())
        try:
            flyte.report.flush()
        except Exception:
            host.logger.exception("%s: cannot write the report", task)
        else:
            if context is not None and not host.is_on_flyte():
                page = Path(context.output_path, _FILE).absolute()
                host.logger.warning("%s: report: %s", task, page.as_uri())


def _unused_name() -> str:
    """The name of the tab: another one if the function has a tab with the usual name."""
    tabs, name = flyte.report.current_report().tabs, _NAME
    while name in tabs:
        name += _ADDED
    return name
