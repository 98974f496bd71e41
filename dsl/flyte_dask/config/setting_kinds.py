"""The kinds of runtime settings: which values are valid, and what to do about others."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from flyte_dask.errors import short
from flyte_dask.roles.roles import MOST_WORKERS

__all__ = ["MOST_SECONDS", "Kind", "kind_of"]

MOST_SECONDS = 366 * 24 * 3600
"""The maximum of a timeout."""

_MOST_TEXT = 1000  # characters of a place

_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_NEVER, _NONE = ("never", "none"), ("none", *_NO)


class Kind(NamedTuple):
    """A kind of settings: the rule, and remedies by source."""

    is_valid: Callable[[Any], bool]
    read: Callable[[str], Any]
    """Returns the value that a text in the environment sets; a str if it is invalid."""
    rule: str
    remedy: str
    in_environment: str
    in_file: str
    words: tuple[str, ...] = ()
    """The words that its environment variables accept."""
    is_secret: Callable[[object], bool] = lambda _: False
    """Returns whether an invalid value may have a password, and so is not shown."""


def kind_of(setting: str, default: object) -> Kind:
    """The kind of *setting*, by its name or by the type of its *default*."""
    if setting in _BY_NAME:
        return _BY_NAME[setting]
    return _BY_TYPE[float if setting.endswith("_timeout") else type(default)]


def _read_switch(text: str) -> bool | str:
    lower = text.lower()
    return True if lower in _YES else False if lower in _NO else lower


def _read_place(text: str) -> str | None:
    return None if text.lower() in _NONE else text


def _read_number(text: str) -> float | str | None:
    if text.lower() in _NEVER:
        return None
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def _is_timeout(value: Any) -> bool:
    return value is None or (type(value) in {int, float} and 0 < value <= MOST_SECONDS)  # not nan


def _is_one_of(value: object, *texts: str) -> bool:
    return isinstance(value, str) and value in texts


_PLACE = re.compile(
    r"""
    (?: / | [a-z][a-z0-9+.-]*:// (?!$) (?![^/]*:[^/]*@) )  # a password is before the first slash
    [^\s?]*  # no query, which may be a signature
    (?<! \.json )
    """,
    re.VERBOSE,
)


def _is_place(value: object) -> bool:
    """Whether *value* is None, or an absolute path or URL of a folder without credentials."""
    if value is None or not isinstance(value, str):
        return value is None
    is_short = len(value) <= _MOST_TEXT and value.isprintable()
    return is_short and _PLACE.fullmatch(value) is not None


def _may_have_password(value: object) -> bool:
    return "@" in (value if isinstance(value, str) else short(value))


_COUNT = "use 0 or more"
_SECONDS = "use seconds such as 60"
_LOCAL = "use 'threads' or 'processes'"
_FOLDER = "use an absolute path or a URL of a folder, such as '/data/runs' or 's3://bucket/runs'"
_BY_TYPE: dict[type, Kind] = {
    bool: Kind(
        lambda value: type(value) is bool,
        _read_switch,
        "must be a bool",
        "use True or False",
        "use 1 or 0",
        "use true or false",
        (*_YES, *_NO),
    ),
    int: Kind(
        lambda value: type(value) is int and 0 <= value <= MOST_WORKERS,
        _read_number,
        f"must be an integer from 0 to {MOST_WORKERS}",
        *(_COUNT, _COUNT, _COUNT),
    ),
    float: Kind(
        _is_timeout,
        _read_number,
        "must be a number of seconds above 0 and at most a year",
        f"{_SECONDS}, or None for no timeout",
        f"{_SECONDS}, or never for no timeout",
        f"{_SECONDS}, or 'never' for no timeout",
        _NEVER,
    ),
}
_BY_NAME = {
    "report": Kind(
        lambda value: value is None or type(value) is bool or _is_one_of(value, "full"),
        _read_switch,
        "is an unknown kind of report",
        "use True, False or 'full', or None to follow the task's enable_deck",
        "use 1, 0 or full",
        "use true, false or 'full'",
        (*_YES, *_NO, "full"),
    ),
    "record": Kind(
        _is_place,
        _read_place,
        "is not the absolute path or the URL of a folder, without password, query or whitespace",
        f"{_FOLDER}, or None for no record",
        f"{_FOLDER}, or none for no record",
        _FOLDER,
        is_secret=_may_have_password,
    ),
    "local": Kind(
        lambda value: _is_one_of(value, "threads", "processes"),
        str.lower,
        "is an unknown kind of local cluster",
        *(_LOCAL, "use threads or processes", _LOCAL),
        ("threads", "processes"),
    ),
}
