"""Image references: what can never be one is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flyte_dask.errors import Problem

__all__ = ["image_problems"]

# Flyte renders these when a task is registered; blanks inside of the braces are fine.
_TEMPLATE = re.compile(r"\{\{.*?\}\}")


def image_problems(path: str, image: object) -> Iterator[Problem]:
    """What keeps *image* from being a reference or a template; None is unsaid and no problem."""
    remedy = "write a reference such as 'acme/etl:3', or leave it out for the task's image"
    if image is None:
        return
    if not isinstance(image, str):
        yield Problem(path, image, f"is of type {type(image).__name__}, not str", remedy)
    elif not image.strip():
        yield Problem(path, image, "is an empty image reference", remedy)
    elif any(character.isspace() for character in _TEMPLATE.sub("", image)):
        yield Problem(path, image, "is no image reference: it has a blank in it", remedy)
