"""What a function left unfinished when it returned."""

from __future__ import annotations

import attrs

from flyte_dask.quantities.formatting import counted

__all__ = ["Unfinished"]


@attrs.frozen(kw_only=True)
class Unfinished:
    """The numbers of Dask tasks that a function left unfinished."""

    live: int
    """Tasks that the scheduler still has to finish."""
    released: int
    """Tasks whose futures were released when the function returned."""
    dropped: int
    """Tasks that were released before they finished, at any time and for whatever reason."""
    failed: int
    """Tasks that failed. Dask releases the others of their computation."""
    is_exact: bool
    """Whether all that the clients had sent was counted; otherwise there may be more."""

    @property
    def number(self) -> int:
        """How many are lost."""
        return self.live + (0 if self.failed else self.released)

    @property
    def is_nothing(self) -> bool:
        """Whether it is known that the function left nothing unfinished at any time."""
        return self.is_exact and not (self.live or self.dropped)

    def __str__(self) -> str:
        least = "" if self.is_exact else "at least "
        was, they = ("was", "it is") if self.number == 1 else ("were", "they are")
        return f"{least}{counted(self.number, 'task')} {was} unfinished; {they} lost"
