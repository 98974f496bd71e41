"""The names of the Python packages that an image specification installs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

__all__ = ["OTHERS", "named", "named_in"]

OTHERS = "*"
"""Stands for packages that are not known."""

_OPTIONS_WITHOUT_PACKAGES = ("--hash", "--index-url", "--extra-index-url", "-i", "-c", "--pre")


@lru_cache(maxsize=64)  # many tasks have the same specification
def named(*requirements: str) -> tuple[str, ...]:
    """The names of packages in *requirements*, as pip reads them from arguments or a file."""
    found = {_name(line) for each in requirements if (line := _without_comment(each))}
    return tuple(sorted(found - {""}))


def named_in(file: str | Path) -> tuple[str, ...]:
    """The names of packages in a requirements *file*."""
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return (OTHERS,)
    return named(*text.replace("\\\n", " ").splitlines())


def _without_comment(line: str) -> str:
    return "" if line.startswith("#") else line.partition(" #")[0].strip()


def _name(requirement: str) -> str:
    """The name of the package that *requirement* installs; empty if it installs none."""
    # slow, and needed only where there is a specification
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    if requirement.startswith("-"):
        return "" if requirement.startswith(_OPTIONS_WITHOUT_PACKAGES) else OTHERS
    if requirement.endswith(".whl"):
        return canonicalize_name(Path(requirement).name.partition("-")[0])
    try:
        return canonicalize_name(Requirement(requirement.partition(" --hash")[0]).name)
    except InvalidRequirement:  # such as the path of a project
        return OTHERS
