"""What workers do with the partitions of a frame, without flytekit."""

from __future__ import annotations

from typing import Any

import distributed
import pytest
from dask import array

needs_arrays = pytest.mark.skipif(
    not hasattr(array.Array, "__weakref__"), reason="the extra array needs a newer Dask"
)
"""For tests of arrays, with the oldest Dask."""

computed = list[str]()
"""What has been computed in this process, in order."""


def note(part: Any, name: str) -> Any:
    """*part*, after a note that it was computed."""
    computed.append(name)
    return part


def fail(part: Any) -> Any:
    """Raise what the user's code would."""
    raise LookupError("mine", len(part))


def on_worker(part: Any) -> Any:
    """*part*, if a worker runs it."""
    assert distributed.get_worker() is not None
    return part
