"""Whether runner, scheduler and workers have the versions that can work together."""

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
    "check_versions",
    "differences",
    "installed",
    "installed_here",
    "overview",
    "table",
    "wrong_in_joined",
]

Versions = Mapping[str, str]
"""The version of each package that is installed, and the minor one of ``python``."""


@attrs.frozen
class Installed:
    """What is installed where."""

    runner: Versions
    scheduler: Versions
    workers: Mapping[str, Versions]
    """By the worker's name."""


@attrs.frozen
class Difference:
    """A package of which there are several versions, or which is not everywhere."""

    package: str
    breaks: bool
    """Whether the cluster cannot work like this."""


# Their pickles and protocols are made for one version.
_STRICT = ("python", "dask", "distributed", "cloudpickle")
_HARMLESS = ("msgpack", "tornado", "toolz")
# Data travels between runner and workers only, and between neighbouring versions.
_OF_DATA = ("numpy", "pandas", "pyarrow")
_MISSING = "none"


def check_versions(client: Client, names: Mapping[str, str], subject: Subject) -> Installed:
    """What is installed in *client*'s cluster; harmless differences are warned of.

    Args:
        client: a client of the cluster.
        names: of its workers, by address.
        subject: whose cluster it is.

    Raises:
        WrongEnvironment: if there is a difference with which it cannot work.
    """
    where = installed(client, names)
    unheard = len(names) - len(where.workers)
    if unheard > 0:
        subject.logger.warning("%s: %d workers did not tell their versions", subject.task, unheard)
    found = list(differences(where))
    if any(each.breaks for each in found):
        raise _wrong(found, where, subject)
    if found:
        shown = table(found, where, subject.images)
        subject.logger.warning("%s: versions differ:\n%s", subject.task, shown)
    return where


def wrong_in_joined(
    where: Installed, name: str, told: Mapping[str, Any], subject: Subject
) -> WrongEnvironment | None:
    """What is wrong with the versions that a worker of this *name* has *told* when it joined."""
    if not told:
        return None
    here = attrs.evolve(where, workers={name: _versions(told)})
    # of data it tells nothing then
    found = [each for each in differences(here) if each.package not in _OF_DATA and each.breaks]
    return _wrong(found, here, subject) if found else None


def _wrong(found: list[Difference], where: Installed, subject: Subject) -> WrongEnvironment:
    return subject.host.error(WrongEnvironment)(
        f"{subject.task} cannot use its cluster, for versions differ:\n"
        f"{table(found, where, subject.images)}\n"
        "Build all of it from one image: roles without an image of their own have the task's. "
        "To try it all the same: Runtime(check_versions=False)"
    )


def installed(client: Client, names: Mapping[str, str]) -> Installed:
    """What is installed in *client*'s cluster, whose workers have these *names* by address.

    Workers that do not answer are left out.
    """
    found = cast("dict[str, Any]", client.get_versions(packages=list(_OF_DATA)))
    workers = found["workers"].items()
    return Installed(
        _versions(found["client"]),
        _versions(found["scheduler"]),
        {names.get(address, address): _versions(each) for address, each in workers},
    )


def installed_here() -> Installed:
    """What is installed in this process, and so in all of a local cluster."""
    found = _versions(get_versions(packages=list(_OF_DATA)))
    return Installed(found, found, {})


def _versions(found: Mapping[str, Any]) -> Versions:
    minor = ".".join(found["host"]["python"].split(".")[:2])
    return {name: text for name, text in found["packages"].items() if text} | {"python": minor}


def overview(where: Installed) -> dict[str, dict[str, str]]:
    """What is installed of the packages that matter, by package and place; in one, if all agree."""
    found = {
        name: {
            "runner": where.runner.get(name, _MISSING),
            "scheduler": where.scheduler.get(name, _MISSING),
            "workers": _of_workers(name, where.workers) if where.workers else "",
        }
        for name in (*_STRICT, *_OF_DATA)
    }
    found = {name: each for name, each in found.items() if {*each.values()} - {_MISSING, ""}}
    if any(len({*each.values()} - {""}) > 1 for each in found.values()):
        return found
    return {name: {"everywhere": each["runner"]} for name, each in found.items()}


def differences(where: Installed) -> Iterator[Difference]:
    """What is not the same everywhere, of the packages that matter."""
    everybody = [where.runner, where.scheduler, *where.workers.values()]
    for names, breaks in ((_STRICT, True), (_HARMLESS, False)):
        for name in names:
            if len({each.get(name) for each in everybody}) > 1:
                yield Difference(name, breaks)
    for name in _OF_DATA:
        ours = where.runner.get(name)
        theirs = {each.get(name) for each in where.workers.values()}
        if theirs - {ours}:
            yield Difference(name, ours is not None and any(map(_other_major(ours), theirs)))


def _other_major(ours: str) -> Any:
    return lambda theirs: theirs is None or theirs.split(".")[0] != ours.split(".", maxsplit=1)[0]


def table(found: list[Difference], where: Installed, images: Mapping[str, str]) -> str:
    """The versions of what differs, with the *images* of runner, scheduler and workers."""
    title = ["", *(f"{role} ({image})" if image else role for role, image in images.items())]
    rows = [
        [
            each.package,
            where.runner.get(each.package, _MISSING),
            where.scheduler.get(each.package, _MISSING),
            _of_workers(each.package, where.workers),
        ]
        for each in found
    ]
    widths = [max(map(len, column)) for column in zip(title, *rows, strict=True)]
    return "\n".join(
        "  " + "   ".join(map(str.ljust, row, widths)).rstrip() for row in [title, *rows]
    )


def _of_workers(package: str, workers: Mapping[str, Versions]) -> str:
    """The versions of all workers; where they differ, with whose they are."""
    whose = defaultdict(list)
    for name, versions in workers.items():
        whose[versions.get(package, _MISSING)].append(name)
    if len(whose) == 1:
        return next(iter(whose))
    return ", ".join(f"{version} ({_few(names)})" for version, names in sorted(whose.items()))


def _few(names: list[str]) -> str:
    few = ", ".join(sorted(names)[:3])
    return few if len(names) <= 3 else f"{few} and {len(names) - 3} more"
