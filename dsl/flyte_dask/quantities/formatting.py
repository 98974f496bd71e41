"""Numbers and amounts as people read them."""

from __future__ import annotations

from flyte_dask.quantities.quantity import Quantity

__all__ = ["counted", "decimal", "readable"]

_NEXT = {"Ki": "Mi", "Mi": "Gi", "Gi": "Ti"}


def counted(number: int, what: str) -> str:
    """``1 worker``, ``12,000 tasks``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def readable(amount: Quantity) -> str:
    """``44.2Gi`` of ``45256Mi``: five to nine digits in the next unit, to a tenth."""
    digits, unit = amount.text[:-2], amount.text[-2:]
    if not digits.isdigit() or not 5 <= len(digits) <= 9 or unit not in _NEXT:
        return amount.text
    return f"{round(int(digits) / 1024, 1):g}{_NEXT[unit]}"


def decimal(amount: Quantity) -> str:
    """``1.5`` of ``1500m``; what is beyond any number of things stays as it is written."""
    try:
        return f"{float(amount.value):g}"
    except OverflowError:
        return amount.text
