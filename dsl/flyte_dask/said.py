"""What a config says, apart from what it leaves unsaid."""

from __future__ import annotations

from typing import Any

import attrs

from flyte_dask.arguments import ConfigType
from flyte_dask.quantity import Quantity

__all__ = ["said", "said_repr"]


def said(config: attrs.AttrsInstance) -> dict[str, Any]:
    """The said arguments of *config*, by name: those that are neither None nor a silent config."""
    values = {field.alias: getattr(config, field.name) for field in attrs.fields(type(config))}
    return {name: value for name, value in values.items() if name and not _is_silent(value)}


def said_repr(config: attrs.AttrsInstance) -> str:
    """The call that makes *config*, with nothing in it that was not said."""
    arguments = ", ".join(f"{name}={_shown(value)}" for name, value in said(config).items())
    return f"{type(config).__name__}({arguments})"


def _shown(value: object) -> str:
    return repr(value.text if isinstance(value, Quantity) else value)


def _is_silent(value: Any) -> bool:
    return value is None or (isinstance(type(value), ConfigType) and not said(value))
