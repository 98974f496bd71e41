"""Dask tasks that may run on some workers only, and of which no worker takes them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

__all__ = ["is_able", "offers", "unmet_restrictions"]

_MAX_TASKS = 20  # the first ones, which wait longest
_MAX_LOOKED_AT = 1000
_MAX_WORKERS = 8
_MAX_TEXT = 200  # characters of a key or a name


def unmet_restrictions(scheduler: Any, known: Mapping[str, str]) -> list[dict[str, Any]]:
    """The tasks that *scheduler* cannot assign because of their restrictions, as plain values.

    Args:
        scheduler: the scheduler.
        known: the names of all workers that ever joined, by address.
    """
    found: list[dict[str, Any]] = []
    for task in islice(scheduler.unrunnable, _MAX_LOOKED_AT):
        if len(found) == _MAX_TASKS:
            break
        workers, hosts = task.worker_restrictions or (), task.host_restrictions or ()
        resources = task.resource_restrictions or {}
        if not (workers or hosts or resources):
            continue
        fitting = [each for each in _workers(scheduler) if _fits(task, each, scheduler)]
        # one that is paused takes the task once it has finished others, and resumes
        if not any(map(is_able, fitting)):
            gone = [each for each in (*workers, *hosts) if _is_gone(each, scheduler, known)]
            found.append(
                {
                    "key": str(task.key)[:_MAX_TEXT],
                    "places": [_name(each, known) for each in sorted((*workers, *hosts))],
                    "resources": {str(name)[:_MAX_TEXT]: n for name, n in resources.items()},
                    "gone": [_name(each, known) for each in gone],
                    "fitting": len(fitting),
                }
            )
    return found


def offers(scheduler: Any) -> list[dict[str, Any]]:
    """The names, addresses and resources of the first workers, as plain values."""
    return [
        {
            "name": str(each.name)[:_MAX_TEXT],
            "address": each.address,
            "resources": {str(name)[:_MAX_TEXT]: n for name, n in each.resources.items()},
        }
        for each in islice(_workers(scheduler), _MAX_WORKERS)
    ]


def is_able(worker: Any) -> bool:
    """Whether a worker takes tasks or still runs some."""
    return bool(worker.status.name == "running" or worker.executing or worker.long_running)


def _workers(scheduler: Any) -> Any:
    return scheduler.workers.values()


def _name(place: str, known: Mapping[str, str]) -> str:
    name = known.get(place)
    return (f"{name} ({place})" if name else str(place))[:_MAX_TEXT]


def _is_gone(place: str, scheduler: Any, known: Mapping[str, str]) -> bool:
    """Whether *place*, an address or a name, is of a worker that was there before."""
    is_known = place in known or place in known.values()
    return is_known and place not in scheduler.workers and place not in scheduler.aliases


def _fits(task: Any, worker: Any, scheduler: Any) -> bool:
    """Whether *worker* may run *task*, whatever state it is in."""
    places = {*(task.worker_restrictions or ())}
    hosts = {scheduler.coerce_hostname(each) for each in task.host_restrictions or ()}
    is_place = not (places or hosts) or worker.address in places or worker.host in hosts
    needed = (task.resource_restrictions or {}).items()
    return is_place and all(
        name in worker.resources and worker.resources[name] >= amount for name, amount in needed
    )
