"""The methods of frozen values that reject changes."""

from __future__ import annotations

__all__ = ["reject_change"]


def reject_change(frozen: object, name: str, *value: object) -> None:
    """The ``__setattr__`` and ``__delattr__`` of frozen values: raise `FrozenConfig`."""
    from flyte_dask.errors.frozen import reject  # noqa: PLC0415  # most programs never fail

    reject(frozen, name, *value)
