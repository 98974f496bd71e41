"""Numbers and amounts as text for people."""

from __future__ import annotations

from flyte_dask.quantities.quantity import Quantity

__all__ = ["counted", "decimal", "duration", "in_bytes", "percent", "readable"]

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


def duration(seconds: float) -> str:
    """``40 µs``, ``250 ms``, ``4.2 s``, ``41 s``, ``3 min 12 s``, ``2 h 5 min``."""
    if seconds < 0.0009995:
        return f"{1_000_000 * seconds:.0f} µs" if seconds else "0 s"
    if seconds < 0.9995:
        return f"{1000 * seconds:.0f} ms" if seconds >= 0.00995 else f"{1000 * seconds:.1f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def in_bytes(number: float) -> str:
    """*number* bytes to three digits, with Kubernetes' units: ``3.75Gi``, ``262B``."""
    amount, unit = float(int(number)), "B"
    for larger in ("Ki", "Mi", "Gi", "Ti", "Pi"):
        if amount >= 1023.5:
            amount, unit = amount / 1024, larger
    return f"{amount:.3g}{unit}" if amount < 999.5 else f"{amount:.0f}{unit}"


def percent(share: float) -> str:
    """``83 %`` for 0.83; ``0 %`` only for 0."""
    return "below 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"
