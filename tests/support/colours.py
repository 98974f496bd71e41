"""Colours as people see them: contrast, and simulated colour blindness."""

from __future__ import annotations

import re
from operator import mul
from typing import TypeAlias

Triple: TypeAlias = tuple[float, float, float]

# Machado, Oliveira and Fernandes (2009), severity 1.0, of linear RGB
_SIGHTS: dict[str, tuple[Triple, Triple, Triple]] = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
_XYZ: tuple[Triple, Triple, Triple] = (  # of linear RGB, by white
    (0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883),
)


def times(matrix: tuple[Triple, Triple, Triple], values: Triple) -> Triple:
    one, two, three = (sum(map(mul, row, values)) for row in matrix)
    return one, two, three


def linear(colour: str) -> Triple:
    """Linear RGB of a computed, opaque colour."""
    match = re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour)
    assert match, colour
    shares = (int(each) / 255 for each in match.groups())
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in shares)
    return red, green, blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio by WCAG, 1 to 21."""
    dark, light = sorted(times(_XYZ, linear(each))[1] for each in (one, other))
    return (light + 0.05) / (dark + 0.05)


def as_seen(colour: str, sight: str) -> Triple:
    red, green, blue = (min(max(x, 0.0), 1.0) for x in times(_SIGHTS[sight], linear(colour)))
    return red, green, blue


def lab(seen: Triple) -> Triple:
    """The CIELAB coordinates of linear RGB."""
    x, y, z = (
        t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in times(_XYZ, seen)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)
