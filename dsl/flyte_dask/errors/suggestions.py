"""What was probably meant by a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["did_you_mean", "same_thing"]

_SAME = (
    {"count", "workers", "number_of_workers", "n_workers", "num_workers", "replicas"},
    {"cpu", "cpus", "cores", "nthreads", "threads"},
    {"mem", "memory", "ram", "memory_limit"},
    {"gpu", "gpus"},
    {"ephemeral_storage", "storage", "disk"},
    {"image", "container_image", "docker_image"},
)
"""Names of one thing, here and in Dask, Flyte and Kubernetes."""


def did_you_mean(name: str, names: Iterable[str]) -> str | None:
    """A question after the nearest of *names*; None if it is anyone's guess."""
    from difflib import get_close_matches  # noqa: PLC0415  # slow to import, and for errors only

    known = list(names)
    near = [same_thing(name, known), *get_close_matches(name, known, n=1)]
    return next((f"did you mean '{each}'?" for each in near if each), None)


def same_thing(name: str, names: Iterable[str]) -> str | None:
    """The one of *names* that is another name of what *name* means, or that name itself."""
    words = next((words for words in _SAME if name in words), {name})
    return next((each for each in names if each in words), None)
