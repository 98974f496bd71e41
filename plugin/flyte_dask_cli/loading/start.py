"""The start of the server process, which first makes sure that our files are the installed ones."""

from __future__ import annotations

import sys
from json import dumps, load

__all__ = ["main"]


def main() -> None:
    """Serve one request; where the official plugin has replaced our files, reject it."""
    from flytekitplugins.dask.plugin import problem  # noqa: PLC0415  # flytekit, which is slow

    if error := problem():
        sys.stdout.write(f"{load(sys.stdin)['token']}{dumps({'error': error})}\n")
        return
    from flyte_dask_cli.loading import server  # noqa: PLC0415  # it needs our files

    server.main()
