"""Where the dashboard is, as the process of the scheduler knows."""

from __future__ import annotations

import sys

__all__ = ["dashboard_prefix"]

_OPTION = "--dashboard-prefix"


def dashboard_prefix() -> str:
    """The start of the paths of the dashboard, such as ``/proxy/a1``; empty by default.

    The backend of Flyte 2 sets it where a deployment links to the dashboard, and Dask keeps it
    nowhere else than in the arguments of the process.
    """
    arguments = iter(sys.argv)
    for each in arguments:
        if each == _OPTION:
            return f"/{next(arguments, '').strip('/')}".rstrip("/")
        if each.startswith(f"{_OPTION}="):
            return f"/{each.partition('=')[2].strip('/')}".rstrip("/")
    return ""
