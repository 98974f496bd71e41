"""Images of pods: a reference, a template that Flyte renders, or an ``ImageSpec`` to build."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Protocol, TypeAlias

from flyte_dask.errors import Problem
from flyte_dask.quantities.quantity import plain_text

__all__ = ["Image", "ImageSpecLike", "image_name", "image_problems", "plain_image"]

# Rendered by Flyte when a task is registered; whitespace within the braces is allowed.
_TEMPLATE = r"\{\{.*?\}\}"

_LONGEST = 1000  # twice what any registry accepts


class ImageSpecLike(Protocol):
    """An image that is built when the task is registered: flytekit's ``ImageSpec``."""

    def image_name(self) -> str:
        """The reference of the image that it builds."""
        ...  # without it pyright reports a missing return


Image: TypeAlias = str | ImageSpecLike
"""``acme/etl:3``, ``{{.image.etl.fqn}}:{{.image.etl.version}}``, or an ``ImageSpec``."""


def plain_image(image: Image) -> Image:
    """*image* as a plain str or a copied spec: flytekit modifies the specs that it builds."""
    return plain_text(image) if isinstance(image, str) else copy.copy(image)


def image_name(image: Image) -> str:
    """The reference or template; for a spec, the reference of the image that it builds."""
    return image if isinstance(image, str) else image.image_name()


def image_problems(path: str, image: object, *, required: bool = False) -> Iterator[Problem]:
    """The problems of *image*; None means unset and is valid unless *required*."""
    remedy = "use a reference such as 'acme/etl:3', or omit it to use the task's image"
    if (image is None and not required) or _is_spec(image):
        return
    if not isinstance(image, str):
        if type(image).__module__.partition(".")[0] == "flyte":
            remedy = (
                "set it as the image of the task's environment, which the roles use too, or use a "
                "reference such as 'acme/etl:3'"
            )
        rule = f"must be a str or an ImageSpec, not {type(image).__name__}"
        yield Problem(path, image, rule, remedy)
        return
    image = plain_text(image)
    if len(image) > _LONGEST:
        yield Problem(path, image, f"is longer than {_LONGEST} characters", remedy)
    elif not image.strip():
        yield Problem(path, image, "is an empty image reference", remedy)
    elif any(character.isspace() for character in re.sub(_TEMPLATE, "", image)):
        yield Problem(path, image, "contains whitespace", remedy)


def _is_spec(image: object) -> bool:
    return callable(getattr(image, "image_name", None)) and not isinstance(image, type)
