"""Suggestions for names that do not exist."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["did_you_mean", "synonym_of"]

_SYNONYMS = (
    {"count", "workers", "number_of_workers", "n_workers", "num_workers", "replicas"},
    {"cpu", "cpus", "cores", "nthreads", "threads"},
    {"mem", "memory", "ram", "memory_limit"},
    {"gpu", "gpus"},
    {"ephemeral_storage", "storage", "disk"},
    {"image", "container_image", "docker_image"},
)
"""Sets of names with one meaning, in this package, Dask, Flyte and Kubernetes."""


def did_you_mean(name: str, names: Iterable[str]) -> str | None:
    """``did you mean ...?`` with the nearest of *names*; None if none is near."""
    from difflib import get_close_matches  # noqa: PLC0415  # slow to import, and for errors only

    known = list(names)
    near = [synonym_of(name, known), *get_close_matches(name, known, n=1)]
    return next((f"did you mean '{each}'?" for each in near if each), None)


def synonym_of(name: str, names: Iterable[str]) -> str | None:
    """The first of *names* that means the same as *name* or equals it; None if there is none."""
    synonyms = next((group for group in _SYNONYMS if name in group), {name})
    return next((each for each in names if each in synonyms), None)
