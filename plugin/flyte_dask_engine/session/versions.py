"""Comparison of the package versions of runner, scheduler and workers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, cast

import attrs
from distributed import Client
from distributed.versions import get_versions

from flyte_dask_engine.errors import WrongEnvironment
from flyte_dask_engine.monitor.diagnosis import Subject

__all__ = [
    "Difference",
    "Installed",
    "check_joined",
    "check_versions",
    "differences",
    "installed_here",
    "overview",
    "table",
]

Versions = Mapping[str, str]
"""The version of each installed package, and the minor version of ``python``."""


@attrs.frozen
class Installed:
    """The versions in runner, scheduler and workers."""

    runner: Versions
    scheduler: Versions
    workers: Mapping[str, Versions]
    """By the worker's name."""


@attrs.frozen
class Difference:
    """A package with several versions, or one that is not installed everywhere."""

    package: str
    breaks: bool
    """Whether the cluster cannot work with it."""


# Their pickles and protocols require the same version everywhere.
_STRICT = ("python", "dask", "distributed", "cloudpickle")
_HARMLESS = ("msgpack", "tornado", "toolz")
# Data is exchanged between runner and workers only, and across minor versions.
_OF_DATA = ("numpy", "pandas", "pyarrow")
_MISSING = "none"


def check_versions(client: Client, names: Mapping[str, str], subject: Subject) -> Installed:
    """Compare the versions in *client*'s cluster; harmless differences are logged as warnings.

    Args:
        client: a client of the cluster.
        names: the names of its workers, by address.
        subject: the task, for logs and errors.

    Raises:
        WrongEnvironment: if a difference keeps the cluster from working.
    """
    installed = _installed(client, names)
    missing = len(names) - len(installed.workers)
    if missing > 0:
        line = "%s: %d workers did not report their versions"
        subject.logger.warning(line, subject.task, missing)
    found = list(differences(installed))
    if any(each.breaks for each in found):
        raise _wrong(found, installed, subject)
    if found:
        shown = table(found, installed, subject.images)
        subject.logger.warning("%s: versions differ:\n%s", subject.task, shown)
    return installed


def check_joined(
    installed: Installed, name: str, versions: Mapping[str, Any], subject: Subject
) -> WrongEnvironment | None:
    """The error for a worker that joins later with these *versions*; None if it can work."""
    if not versions:
        return None
    joined = attrs.evolve(installed, workers={name: _versions(versions)})
    # a joining worker does not report the packages of data
    found = [each for each in differences(joined) if each.package not in _OF_DATA and each.breaks]
    return _wrong(found, joined, subject) if found else None


def _wrong(found: list[Difference], installed: Installed, subject: Subject) -> WrongEnvironment:
    return subject.host.error(WrongEnvironment)(
        f"{subject.task}: incompatible versions in its cluster:\n"
        f"{table(found, installed, subject.images)}\n"
        "Use one image for all pods: roles without an image have the task's. "
        "To run anyway: Runtime(check_versions=False)"
    )


def _installed(client: Client, names: Mapping[str, str]) -> Installed:
    """The versions in *client*'s cluster, without workers that do not respond."""
    found = cast("dict[str, Any]", client.get_versions(packages=list(_OF_DATA)))
    workers = found["workers"].items()
    return Installed(
        _versions(found["client"]),
        _versions(found["scheduler"]),
        {names.get(address, address): _versions(each) for address, each in workers},
    )


def installed_here() -> Installed:
    """The versions in this process, and therefore in all of a local cluster."""
    found = _versions(get_versions(packages=list(_OF_DATA)))
    return Installed(found, found, {})


def _versions(found: Mapping[str, Any]) -> Versions:
    minor = ".".join(found["host"]["python"].split(".")[:2])
    return {name: text for name, text in found["packages"].items() if text} | {"python": minor}


def overview(installed: Installed) -> dict[str, dict[str, str]]:
    """The versions of relevant packages, by package and place; one place if all are the same."""
    found = {name: _by_place(name, installed) for name in (*_STRICT, *_OF_DATA)}
    found = {name: each for name, each in found.items() if {*each.values()} - {_MISSING, ""}}
    if any(len({*each.values()} - {""}) > 1 for each in found.values()):
        return found
    return {name: {"everywhere": each["runner"]} for name, each in found.items()}


def differences(installed: Installed) -> Iterator[Difference]:
    """The relevant packages whose versions differ."""
    everywhere = [installed.runner, installed.scheduler, *installed.workers.values()]
    for names, breaks in ((_STRICT, True), (_HARMLESS, False)):
        for name in names:
            if len({each.get(name) for each in everywhere}) > 1:
                yield Difference(name, breaks)
    for name in _OF_DATA:
        ours = installed.runner.get(name)
        theirs = {each.get(name) for each in installed.workers.values()}
        if theirs - {ours}:
            yield Difference(name, ours is not None and any(map(_other_major(ours), theirs)))


def _other_major(ours: str) -> Any:
    return lambda theirs: theirs is None or theirs.split(".")[0] != ours.split(".", maxsplit=1)[0]


def table(found: list[Difference], installed: Installed, images: Mapping[str, str]) -> str:
    """The versions that differ, with the *images* of runner, scheduler and workers."""
    title = ["", *(f"{role} ({image})" if image else role for role, image in images.items())]
    rows = [[each.package, *_by_place(each.package, installed).values()] for each in found]
    widths = [max(map(len, column)) for column in zip(title, *rows, strict=True)]
    return "\n".join(
        "  " + "   ".join(map(str.ljust, row, widths)).rstrip() for row in [title, *rows]
    )


def _by_place(package: str, installed: Installed) -> dict[str, str]:
    return {
        "runner": installed.runner.get(package, _MISSING),
        "scheduler": installed.scheduler.get(package, _MISSING),
        "workers": _of_workers(package, installed.workers),
    }


def _of_workers(package: str, workers: Mapping[str, Versions]) -> str:
    """The version in all workers; if they differ, each version with the names of its workers."""
    names_by_version = defaultdict(list)
    for name, versions in workers.items():
        names_by_version[versions.get(package, _MISSING)].append(name)
    if len(names_by_version) <= 1:
        return next(iter(names_by_version), "")
    by_version = sorted(names_by_version.items())
    return ", ".join(f"{version} ({_few(names)})" for version, names in by_version)


def _few(names: list[str]) -> str:
    few = ", ".join(sorted(names)[:3])
    return few if len(names) <= 3 else f"{few} and {len(names) - 3} more"
