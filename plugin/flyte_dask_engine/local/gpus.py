"""Whether this machine has a GPU that Dask tasks can use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from shutil import which

__all__ = ["has_gpu"]

_DEVICES = ("dev/nvidia[0-9]*", "dev/kfd", "dev/dxg")
"""The devices of drivers: NVIDIA's, AMD's, and that of Windows for Linux."""

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def has_gpu(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a GPU, as far as its driver shows without being asked.

    Asking a library would load it, and take seconds.

    Args:
        root: the root of the file system.
        environment: the environment variables, which may hide all GPUs and have the search path.
    """
    if environment.get(_VISIBLE, "all") in {"", "-1"}:
        return False
    if any(any(root.glob(pattern)) for pattern in _DEVICES):
        return True
    return which("nvidia-smi", path=environment.get("PATH")) is not None
