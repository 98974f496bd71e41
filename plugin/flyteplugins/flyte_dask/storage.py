"""The storage settings of Flyte 2, as the options of fsspec's own filesystems.

`read_storage` runs in scheduler and workers too. It is pickled by value, because their images may
have another flyte-dask or ``flyte``, or none. So this module imports nothing but Python's own.
"""

from __future__ import annotations

import os
from typing import Any

__all__ = ["read_storage"]


def read_storage() -> dict[str, dict[str, Any]]:
    """The options by protocol in this process; none for a protocol without settings.

    Only S3 has settings of Flyte's own; for others the environment is what fsspec's read anyway.
    """
    found: dict[str, Any] = {
        "key": os.environ.get("FLYTE_AWS_ACCESS_KEY_ID"),
        "secret": os.environ.get("FLYTE_AWS_SECRET_ACCESS_KEY"),
    }
    if endpoint := os.environ.get("FLYTE_AWS_ENDPOINT"):
        found["client_kwargs"] = {"endpoint_url": endpoint}
    if style := os.environ.get("FLYTE_AWS_S3_ADDRESSING_STYLE"):
        found["config_kwargs"] = {"s3": {"addressing_style": style}}
    options = {name: value for name, value in found.items() if value}
    return {"s3": options} if options else {}
