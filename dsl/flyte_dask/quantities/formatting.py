"""Numbers and amounts as text for people."""

from __future__ import annotations

from flyte_dask.quantities.quantity import Quantity

__all__ = ["counted", "decimal", "readable"]

_NEXT = {"Ki": "Mi", "Mi": "Gi", "Gi": "Ti"}


def counted(number: int, what: str) -> str:
    """*number* with the noun *what*: ``1 worker``, ``12,000 tasks``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def readable(amount: Quantity) -> str:
    """*amount* with five to nine digits shown in the next unit: ``44.2Gi`` for ``45256Mi``."""
    digits, unit = amount.text[:-2], amount.text[-2:]
    if not digits.isdigit() or not 5 <= len(digits) <= 9 or unit not in _NEXT:
        return amount.text
    return f"{round(int(digits) / 1024, 1):g}{_NEXT[unit]}"


def decimal(amount: Quantity) -> str:
    """*amount* as a decimal number, ``1.5`` for ``1500m``; as it is written if too large."""
    try:
        return f"{float(amount.value):g}"
    except OverflowError:
        return amount.text
