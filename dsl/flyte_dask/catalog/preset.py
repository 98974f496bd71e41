"""A configuration with a name, which a call turns into a `Dask` config of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import attrs

from flyte_dask.config.coercion import role_problems
from flyte_dask.config.dask import Dask, set_by_preset, with_roles
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.quantities.quantity import plain_text
from flyte_dask.roles.base import Config, checked_call, checked_function
from flyte_dask.roles.image import Image, image_problems, plain_image
from flyte_dask.roles.origin import Leaf
from flyte_dask.roles.resources import plain_int
from flyte_dask.roles.roles import (
    Scheduler,
    WorkerGroup,
    with_set,
)

__all__ = ["Preset", "define"]


@final
@attrs.frozen(eq=False, repr=False)
class Preset(Config):
    """A configuration with a name; call it to get a `Dask` config, with changes if you like.

    Args:
        name: what people call it: words of letters, digits, ``_`` and ``-``, which start with a
            letter, with dots between them.
        config: what a call without arguments returns.
        doc: what it is for, and why its numbers.

    Raises:
        InvalidConfig: if *name* is no such name, or *config* is no `Dask`.
    """

    name: str
    config: Dask
    doc: str = ""

    def __attrs_post_init__(self) -> None:
        raise_if_any("Preset(...)", _problems(self.name, self.config, self.doc))
        object.__setattr__(self, "name", plain_text(self.name))
        object.__setattr__(self, "doc", plain_text(self.doc))
        object.__setattr__(self, "config", set_by_preset(self.config, self.name))

    @checked_call("{self.name}(...)")
    def __call__(
        self,
        workers: int | WorkerGroup | None = None,
        *,
        scheduler: Scheduler | None = None,
        image: Image | None = None,
    ) -> Dask:
        """The preset's config, with all that is said here in its place.

        Args:
            workers: how many, or a group whose said values replace the preset's.
            scheduler: a scheduler whose said values replace the preset's.
            image: image for both roles; an image of the role itself goes first.

        Raises:
            InvalidConfig: with every problem of the call.
        """
        by = f"{self.name}(...)"
        group = workers if isinstance(workers, WorkerGroup) else None
        count = None if isinstance(workers, WorkerGroup) else plain_int(workers)
        raise_if_any(by, [*role_problems(scheduler, count), *image_problems("image", image)])
        images: dict[str, Leaf] = {} if image is None else {"image": plain_image(image)}
        counts: dict[str, Leaf] = {} if count is None else {"number_of_workers": count}
        base = with_roles(
            self.config,
            with_set(self.config.scheduler, images, by),
            with_set(self.config.workers, images | counts, by),
        )
        return base if scheduler is None and group is None else base | Dask(scheduler, group)


@checked_function("presets.define(...)")
def define(name: str, config: Dask, *, doc: str = "") -> Preset:
    """A preset of one's own, such as ``define("acme.etl", presets.large(20), doc="nightly")``.

    Nothing is registered: keep it in a variable, import it where it is needed, or publish it with
    a package, under the entry points ``flyte_dask.presets``.

    Args:
        name: what people call it, with the name of its team before a dot.
        config: what a call without arguments returns.
        doc: what it is for, and why its numbers.

    Raises:
        InvalidConfig: if *name* is no name, or *config* is no `Dask`.
    """
    return Preset(name, config, doc)


def _problems(name: object, config: object, doc: object) -> Iterator[Problem]:
    words = name.replace("-", "_").split(".") if isinstance(name, str) else [""]
    if not all(word[:1].isalpha() and word.isidentifier() for word in words):
        remedy = "write words that start with a letter, with dots between, such as 'acme.etl'"
        yield Problem("name", name, "is no name of a preset", remedy)
    if not isinstance(config, Dask):
        yield Problem("config", config, "is no Dask", "write Dask(...), or call a preset")
    if not isinstance(doc, str):
        yield Problem("doc", doc, "is no text", "say what the preset is for, or leave it out")
