"""The exceptions of flyte-dask: one root, and all problems of a bad input in one exception."""

# Annotations are not postponed here: NamedTuple would compile every one that is a string.

from collections.abc import Iterable, Iterator, Sequence
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
    "clipped",
    "raise_if_any",
    "short",
]


MOST_BYTES = 16_000
"""The maximum size of a message, in UTF-8; what it quotes of a user's may be of any length."""

# Of its parts; so there is room for a title, a problem, and the number of others.
_MOST_OF_SUBJECT, _MOST_OF_CALL_SITE, _MOST_OF_LOCATION, _MOST_OF_PROBLEM = 400, 800, 400, 4000
_MOST_OF_COLUMN = 80
_LAST_LINE = 80


class FlyteDaskError(Exception):
    """The base class of all errors of flyte-dask, whose messages have at most 16,000 bytes."""

    def __str__(self) -> str:
        return clipped(super().__str__())


@final
class Problem(NamedTuple):
    """One problem with one value: its path, the value, the rule that it breaks, and the remedy."""

    path: str
    """The path within the call or file that was validated: ``requests.mem``."""
    value: object
    """What was given, an amount as it was written; `attrs.NOTHING` for a missing value."""
    rule: str
    """The rule, as the rest of a sentence that starts with the value: ``must be ...``."""
    remedy: str
    """What to do instead, as an imperative."""
    line: int | None = None
    """The line of the file that the value was read from; None if it comes from code."""
    replacement: str | None = None
    """What to write instead, if only the spelling of the value is wrong; the remedy names it."""

    @property
    def location(self) -> str:
        """The path, and the line of the file if there is one."""
        path = clipped(self.path, _MOST_OF_LOCATION).replace("\n", "\\n")
        return path if self.line is None else f"{path} (line {self.line})"

    def __str__(self) -> str:
        value = "" if self.value is attrs.NOTHING else f"{short(self.value)} "
        return clipped(f"{value}{self.rule}: {self.remedy}", _MOST_OF_PROBLEM)

    def __repr__(self) -> str:
        return f"Problem({self.location!r}, {str(self)!r})"

    def under(self, parent: str) -> "Problem":
        """This problem with *parent* as the prefix of its path."""
        return self._replace(path=f"{parent}.{self.path}")


def short(value: object) -> str:
    """The repr of *value* in one line and of bounded length, whatever the value is and does."""
    from flyte_dask.errors import shortening  # noqa: PLC0415  # most programs never fail

    return shortening.short(value)


def clipped(text: str, most: int = MOST_BYTES) -> str:
    """*text*, shortened in its middle to *most* bytes of UTF-8; lone surrogates are escaped."""
    from flyte_dask.errors import shortening  # noqa: PLC0415  # as above

    return shortening.clipped(text, most)


class ConfigError(FlyteDaskError):
    """The base class of errors in a configuration: all problems of one call, with remedies."""

    def __init__(
        self, subject: str, problems: Iterable[Problem], call_site: CallSite | None = None
    ) -> None:
        self.subject: str = subject
        """What was validated, such as ``WorkerGroup(...)``."""
        self.problems: tuple[Problem, ...] = tuple(problems)
        """The problems in the order of the arguments; at least one."""
        self.call_site: CallSite | None = call_site
        """The user's file and line; None if there is no user code on the stack."""
        # not super(): a built-in that a subclass also derives from may take other arguments
        Exception.__init__(self, subject, self.problems, call_site)

    def __str__(self) -> str:
        """The problems, each in a line, and the number of those that have no room."""
        count = len(self.problems)
        where = f" at {self.call_site}" if self.call_site else ""
        title = (
            f"{count:,} problem{'s' if count > 1 else ''} in "
            f"{clipped(self.subject, _MOST_OF_SUBJECT)}{clipped(where, _MOST_OF_CALL_SITE)}"
        )
        lines = [*_fitting(self.problems, MOST_BYTES - len(title.encode()) - _LAST_LINE)]
        if rest := count - len(lines):
            lines.append(f"  and {rest:,} more problem{'s' if rest > 1 else ''}")
        return "\n".join([title, *lines])

    def __repr__(self) -> str:
        return clipped(f"{type(self).__name__}({str(self)!r})")


def _fitting(problems: Sequence[Problem], room: int) -> Iterator[str]:
    """A line for each of *problems*, while there is *room*, in bytes."""
    first = problems[:room]
    width = min(max(len(problem.location) for problem in first), _MOST_OF_COLUMN)
    for problem in first:
        line = f"  {problem.location:<{width}}   {problem}"
        room -= len(line.encode()) + 1
        if room < 0:
            return
        yield line


@final
class InvalidConfig(ConfigError, ValueError, TypeError):
    """A configuration that is invalid.

    One call can have both a wrong type and a wrong value, so this is a `ValueError` and a
    `TypeError`.
    """


@final
class FrozenConfig(ConfigError, attrs.exceptions.FrozenInstanceError):
    """An attempt to change a frozen config in place; also an `AttributeError`."""


@final
class MergeConflict(ConfigError, ValueError):
    """Two configs of a strict merge set the same field to different values."""


@final
class PolicyViolation(ConfigError, ValueError):
    """A valid configuration that the team's policy does not allow."""


@final
class AdviceIsFatal(ConfigError, ValueError):
    """Advice that the team's policy turns into an error."""


@final
class MissingExtra(FlyteDaskError, ImportError):
    """An optional dependency is not installed."""


@final
class UnknownPreset(ConfigError, LookupError, AttributeError):
    """No preset has this name, or ``presets`` has no such attribute."""


@final
class ShadowedPreset(ConfigError, LookupError):
    """Several packages have a preset of this name, and the call does not select one."""


def raise_if_any(
    subject: str,
    problems: Iterable[Problem],
    error: type[ConfigError] = InvalidConfig,
    *,
    at: CallSite | None = None,
) -> None:
    """Raise one *error* with all *problems* and the user's line, if there are any problems."""
    found = tuple(problems)
    if found:
        raise error(subject, found, at or user_call_site())
