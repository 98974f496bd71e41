"""What this process used: its peak memory and its CPU time."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["cpu_seconds", "peak_memory"]


def cpu_seconds() -> float:
    """CPU seconds of this process since its start."""
    used = os.times()
    return used.user + used.system


def peak_memory() -> int:
    """The peak memory of this process in bytes; 0 where the system does not report it."""
    with suppress(OSError):
        # the file also holds the name of the process, which can be any bytes
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
