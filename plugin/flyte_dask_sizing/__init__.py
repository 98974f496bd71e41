"""What records of past runs say about the size of the next: trends, replays, suggestions.

Modules are loaded when they are first used, since most subcommands need none of them.
"""

from typing import TYPE_CHECKING

from flyte_dask.lazy import lazy

if TYPE_CHECKING:
    from flyte_dask_sizing.bounds import Bounds
    from flyte_dask_sizing.options import Options
    from flyte_dask_sizing.suggestion import Suggestion, suggest
else:
    _HERE = "flyte_dask_sizing"
    __getattr__ = lazy(
        __name__,
        {
            "Bounds": f"{_HERE}.bounds",
            "Options": f"{_HERE}.options",
            "Suggestion": f"{_HERE}.suggestion",
            "suggest": f"{_HERE}.suggestion",
        },
    )

__all__ = ["Bounds", "Options", "Suggestion", "suggest"]
