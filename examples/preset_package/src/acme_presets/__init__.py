"""Acme's presets: import them, or get them by name: ``presets.get("acme.nightly")``."""

from flyte_dask import presets

__all__ = ["nightly", "shuffle"]

nightly = presets.define(
    "acme.nightly",
    presets.large(workers=20).with_workers(mem="32Gi").with_runtime(worker_timeout=3600),
    doc="For the nightly run over all shops. It may wait an hour for its nodes.",
)

shuffle = presets.define(
    "acme.shuffle",
    presets.memory_heavy().with_workers(ephemeral_storage="100Gi"),
    doc="For joins of two large tables, with disk for what does not fit into memory.",
)
