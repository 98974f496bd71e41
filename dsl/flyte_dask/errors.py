"""What flyte-dask raises: one root, and for bad input all of its problems at once."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from typing import final

import attrs

from flyte_dask.callsite import CallSite, user_call_site

__all__ = ["FlyteDaskError", "InvalidConfig", "Problem"]

_shortened = reprlib.Repr()
_shortened.maxstring = _shortened.maxother = 80


class FlyteDaskError(Exception):
    """The root of all errors of flyte-dask."""


@final
@attrs.frozen
class Problem:
    """One thing wrong with one value: where it is, what it is, what holds, and what to do."""

    path: str
    """Where, from the call or file that was judged: ``requests.mem``."""
    value: object = attrs.field(eq=repr)
    """What was given, as it was given."""
    rule: str
    """What the value is not, as the end of a sentence that starts with the value."""
    remedy: str
    """What to write instead."""

    def __str__(self) -> str:
        return f"{_shortened.repr(self.value)} {self.rule}: {self.remedy}"

    def under(self, parent: str) -> Problem:
        """The same problem, seen from one level up: *parent* goes before the path."""
        return attrs.evolve(self, path=f"{parent}.{self.path}")


@final
class InvalidConfig(FlyteDaskError, ValueError, TypeError):
    """A configuration that cannot be: every problem of one call, each with its remedy.

    One call can hold a wrong type beside a wrong value, so this is both a `ValueError` and a
    `TypeError`.
    """

    def __init__(
        self, subject: str, problems: Iterable[Problem], call_site: CallSite | None = None
    ) -> None:
        self.subject = subject
        """What was judged, such as ``WorkerGroup(...)``."""
        self.problems = tuple(problems)
        """At least one; in the order of the arguments."""
        self.call_site = call_site
        """The user's file and line, where there is one."""
        super().__init__(subject, self.problems, call_site)

    def __str__(self) -> str:
        count = len(self.problems)
        where = f" at {self.call_site}" if self.call_site else ""
        width = max(len(problem.path) for problem in self.problems)
        lines = [f"  {problem.path:<{width}}   {problem}" for problem in self.problems]
        title = f"{count} problem{'s' if count > 1 else ''} in {self.subject}{where}"
        return "\n".join([title, *lines])


def raise_if_any(subject: str, problems: Iterable[Problem]) -> None:
    """Raise one `InvalidConfig` for all *problems*, at the user's line, if there are any."""
    found = tuple(problems)
    if found:
        raise InvalidConfig(subject, found, user_call_site())
