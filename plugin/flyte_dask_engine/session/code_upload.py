"""Upload of fast-registered code to the scheduler and the workers.

Flyte hands that code to the runner only: ``pyflyte-fast-execute`` downloads the archive and unpacks
it into a folder.
"""

from __future__ import annotations

from hashlib import sha256

from distributed import Client

from flyte_dask_engine.cluster_plugins.code import CodeOnScheduler, CodeOnWorker

__all__ = ["upload"]


def upload(client: Client, archive: bytes) -> None:
    """Make the code in a tar *archive* importable on the scheduler and on all workers.

    Workers that join later get it too.
    """
    digest = sha256(archive).hexdigest()[:16]
    for plugin in (CodeOnScheduler, CodeOnWorker):
        client.register_plugin(plugin(archive, digest))
