"""All advice about a config."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from flyte_dask.advice import amounts, cluster, gpus, memory, nodes, pods, task
from flyte_dask.advice.job import Advice, Job
from flyte_dask.config.dask import Dask
from flyte_dask.errors import raise_if_any
from flyte_dask.inheritance.parent import Parent
from flyte_dask.prediction.backend import check_call
from flyte_dask.prediction.platform import Platform
from flyte_dask.roles.base import checked
from flyte_dask.rules import RULES, SEVERITIES, code_problems

__all__ = ["OF_NUMBER", "advise", "applies", "by_rule", "unsilenced", "wanted"]

_FINDERS: Mapping[str, Callable[[Job], Iterator[Advice]]] = {
    name: getattr(module, name)
    for module in (amounts, cluster, gpus, memory, nodes, pods, task)
    for name in module.__all__
}
_ALL = {code: _FINDERS[code.replace("-", "_")] for code in RULES}

OF_NUMBER = frozenset({"undersized-scheduler", "too-many-workers", "poor-bin-packing"})
"""The rules of which the number of workers decides whether they apply; all others may name it."""


@checked("advise(...)")
def advise(
    config: Dask,
    parent: Parent | None = None,
    platform: Platform | None = None,
    *,
    silence: Collection[str] = (),
) -> tuple[Advice, ...]:
    """The advice on *config* that it does not silence itself, the most severe first.

    Args:
        config: the config of the cluster.
        parent: the task; by default one that sets nothing.
        platform: the platform; by default Flyte 1 with its built-in defaults, and no limits.
        silence: further codes to suppress.

    Raises:
        InvalidConfig: if an argument is not of its type, or a code is unknown.
    """
    check_call("advise(...)", config, platform)
    raise_if_any("advise(...)", code_problems("silence", silence))
    given = unsilenced(Job.of(config, parent or Parent(), platform or Platform()))
    return wanted(given, config, silence)


def wanted(given: Iterable[Advice], config: Dask, silence: Collection[str]) -> tuple[Advice, ...]:
    """The advice in *given* whose code is neither in *silence* nor silenced by *config*."""
    unwanted = {*config.silence, *silence}
    return tuple(each for each in given if each.code not in unwanted)


def unsilenced(job: Job) -> tuple[Advice, ...]:
    """All advice, silenced or not, the most severe first."""
    found = [each for look in _ALL.values() for each in look(job)]
    return tuple(sorted(found, key=lambda each: SEVERITIES.index(each.severity)))


def by_rule(code: str, job: Job) -> tuple[Advice, ...]:
    """The advice by the rule *code*."""
    return tuple(_ALL[code](job))


def applies(code: str, job: Job) -> bool:
    """Whether there is advice by the rule *code*."""
    return next(_ALL[code](job), None) is not None
