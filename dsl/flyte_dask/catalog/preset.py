"""`Preset`: a named configuration that is called to get a `Dask` config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import attrs

from flyte_dask.config.coercion import role_problems
from flyte_dask.config.dask import Dask, set_by_preset
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.quantities.quantity import plain_text
from flyte_dask.roles.base import Config, checked, with_values
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
    """A named configuration; call it to get a `Dask` config, optionally with changes.

    Args:
        name: the name: parts of letters, digits, ``_`` and ``-``, which start with a letter and are
            joined by dots.
        config: the config that a call without arguments returns.
        doc: the purpose of the preset, and the reasons for its sizes.

    Raises:
        InvalidConfig: if *name* is not a valid name, or *config* is not a `Dask`.
    """

    name: str
    config: Dask
    doc: str = ""

    def __attrs_post_init__(self) -> None:
        raise_if_any("Preset(...)", _problems(self.name, self.config, self.doc))
        object.__setattr__(self, "name", plain_text(self.name))
        object.__setattr__(self, "doc", plain_text(self.doc))
        object.__setattr__(self, "config", set_by_preset(self.config, self.name))

    def _where(self, name: str) -> str | None:
        return f"call the preset first: preset().{name}" if hasattr(Dask, name) else None

    @checked("{0.name}(...)", stand_in=lambda preset: with_values(preset.config))
    def __call__(
        self,
        workers: int | WorkerGroup | None = None,
        *,
        scheduler: Scheduler | None = None,
        image: Image | None = None,
    ) -> Dask:
        """The preset's config, with these changes.

        Args:
            workers: the number of workers, or a group whose set values override the preset's.
            scheduler: a scheduler whose set values override the preset's.
            image: image for both roles; the image of a group or scheduler argument has priority.

        Raises:
            InvalidConfig: with every problem of the call.
        """
        by = f"{self.name}(...)"
        group = workers if isinstance(workers, WorkerGroup) else None
        count = None if isinstance(workers, WorkerGroup) else plain_int(workers)
        raise_if_any(by, [*role_problems(scheduler, count), *image_problems("image", image)])
        images: dict[str, Leaf] = {} if image is None else {"image": plain_image(image)}
        counts: dict[str, Leaf] = {} if count is None else {"number_of_workers": count}
        base = with_values(
            self.config,
            scheduler=with_set(self.config.scheduler, images, by),
            workers=with_set(self.config.workers, images | counts, by),
        )
        return base if scheduler is None and group is None else base | Dask(scheduler, group)


@checked("presets.define(...)")
def define(name: str, config: Dask, *, doc: str = "") -> Preset:
    """Create a preset, such as ``define("acme.etl", presets.large(20), doc="nightly")``.

    It is not registered anywhere: keep it in a variable and import it, or publish it in a package
    under the entry-point group ``flyte_dask.presets``.

    Args:
        name: the name, by convention prefixed with the team: ``acme.etl``.
        config: the config that a call without arguments returns.
        doc: the purpose of the preset, and the reasons for its sizes.

    Raises:
        InvalidConfig: if *name* is not a valid name, or *config* is not a `Dask`.
    """
    return Preset(name, config, doc)


def _problems(name: object, config: object, doc: object) -> Iterator[Problem]:
    parts = name.replace("-", "_").split(".") if isinstance(name, str) else [""]
    if not all(part[:1].isalpha() and part.isidentifier() for part in parts):
        remedy = "use parts that start with a letter, joined by dots, such as 'acme.etl'"
        yield Problem("name", name, "is not a valid preset name", remedy)
    if not isinstance(config, Dask):
        yield Problem("config", config, "is not a Dask", "pass Dask(...), or call a preset")
    if not isinstance(doc, str):
        rule = f"must be a str, not {type(doc).__name__}"
        yield Problem("doc", doc, rule, "describe the purpose of the preset, or omit it")
