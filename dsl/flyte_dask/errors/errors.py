"""What flyte-dask raises: one root, and for bad input all of its problems at once."""

# Annotations are not postponed here: NamedTuple would compile every one that is a string.

from collections.abc import Iterable
from typing import NamedTuple, final

import attrs

from flyte_dask.errors.call_site import CallSite, user_call_site

__all__ = [
    "AdviceIsFatal",
    "ConfigError",
    "FlyteDaskError",
    "FrozenConfig",
    "InvalidConfig",
    "MergeConflict",
    "MissingExtra",
    "PolicyViolation",
    "Problem",
    "ShadowedPreset",
    "UnknownPreset",
    "raise_if_any",
    "short",
]


class FlyteDaskError(Exception):
    """The root of all errors of flyte-dask."""


@final
class Problem(NamedTuple):
    """One thing wrong with one value: where it is, what it is, what holds, and what to do."""

    path: str
    """Where, from the call or file that was judged: ``requests.mem``."""
    value: object
    """What was given; an amount in its spelling."""
    rule: str
    """What the value is not, as the end of a sentence that starts with the value."""
    remedy: str
    """What to write instead."""
    line: int | None = None
    """Where in the file, if it was read from one."""

    @property
    def place(self) -> str:
        """The path, and the line if there is one."""
        return self.path if self.line is None else f"{self.path} (line {self.line})"

    def __str__(self) -> str:
        return f"{short(self.value)} {self.rule}: {self.remedy}"

    def under(self, parent: str) -> "Problem":
        """The same problem, seen from one level up: *parent* goes before the path."""
        return self._replace(path=f"{parent}.{self.path}")


def short(value: object) -> str:
    """The repr of *value*, cut in its middle where it is long; of a path all of it."""
    from pathlib import PurePath  # noqa: PLC0415  # most programs never fail
    from reprlib import Repr  # noqa: PLC0415

    if isinstance(value, PurePath):
        return repr(str(value))
    shortened = Repr()
    shortened.maxstring = shortened.maxother = 80
    try:
        return shortened.repr(value)
    except ValueError:  # an int of so many digits that Python does not print it
        return f"<{type(value).__name__}>"


class ConfigError(FlyteDaskError):
    """Something wrong with a configuration: every problem of one call, each with its remedy."""

    def __init__(
        self, subject: str, problems: Iterable[Problem], call_site: CallSite | None = None
    ) -> None:
        self.subject: str = subject
        """What was judged, such as ``WorkerGroup(...)``."""
        self.problems: tuple[Problem, ...] = tuple(problems)
        """At least one; in the order of the arguments."""
        self.call_site: CallSite | None = call_site
        """The user's file and line, where there is one."""
        # past the natural builtins beside us, some of which take no arguments
        Exception.__init__(self, subject, self.problems, call_site)

    def __str__(self) -> str:
        count = len(self.problems)
        where = f" at {self.call_site}" if self.call_site else ""
        width = max(len(problem.place) for problem in self.problems)
        lines = [f"  {problem.place:<{width}}   {problem}" for problem in self.problems]
        title = f"{count} problem{'s' if count > 1 else ''} in {self.subject}{where}"
        return "\n".join([title, *lines])


@final
class InvalidConfig(ConfigError, ValueError, TypeError):
    """A configuration that cannot be.

    One call can hold a wrong type beside a wrong value, so this is both a `ValueError` and a
    `TypeError`.
    """


@final
class FrozenConfig(ConfigError, attrs.exceptions.FrozenInstanceError):
    """An attempt to change a config in place; as with any frozen value, an `AttributeError`."""


@final
class MergeConflict(ConfigError, ValueError):
    """Two configs of a strict merge say different things."""


@final
class PolicyViolation(ConfigError, ValueError):
    """A configuration that can be, and that the team does not allow."""


@final
class AdviceIsFatal(ConfigError, ValueError):
    """Advice that the team wants to be an error."""


@final
class MissingExtra(FlyteDaskError, ImportError):
    """A package that only some need is not installed."""


@final
class UnknownPreset(ConfigError, LookupError, AttributeError):
    """No preset known here has this name; ``presets`` has no such attribute."""


@final
class ShadowedPreset(ConfigError, LookupError):
    """Several packages have a preset of this name, and none of them was asked for."""


def raise_if_any(
    subject: str,
    problems: Iterable[Problem],
    error: type[ConfigError] = InvalidConfig,
    *,
    at: CallSite | None = None,
) -> None:
    """Raise one *error* for all *problems*, at the user's line, if there are any."""
    found = tuple(problems)
    if found:
        raise error(subject, found, at or user_call_site())
