"""How a task's function uses its cluster: `Runtime`, and the variables that change it for a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Literal, TypeAlias, cast, final

import attrs

from flyte_dask.errors import InvalidConfig, Problem, raise_if_any
from flyte_dask.quantities.quantity import plain_text
from flyte_dask.roles.base import Config, said, with_values
from flyte_dask.roles.origin import NO_ORIGINS, Leaf, Origin, merge_origins, origins_of
from flyte_dask.roles.resources import plain_int
from flyte_dask.roles.roles import MOST_WORKERS

__all__ = [
    "DEFAULT_RUNTIME",
    "MOST_SECONDS",
    "SETTINGS",
    "Local",
    "Report",
    "Runtime",
    "remedy_in_file",
    "variable_of",
    "with_environment",
    "with_settings",
]

Local: TypeAlias = Literal["threads", "processes"]
"""What the workers of a local cluster are."""

Report: TypeAlias = Literal["full"] | bool | None
"""Whether a task's deck shows its cluster."""

_LOCALS = ("threads", "processes")
MOST_SECONDS = 366 * 24 * 3600


def _plain(value: Any) -> Any:
    """*value* as a plain float, text or int, from subclasses and other libraries' numbers too."""
    if isinstance(value, float):
        return float(value)
    return plain_text(value) if isinstance(value, str) else plain_int(value)


@final
@attrs.frozen(eq=False, repr=False, kw_only=True)
class Runtime(Config):
    """How a task's function uses its cluster. It is not on the wire: the runner reads it itself.

    A setting that a call does not name is unsaid, and never replaces one that is said. Whatever is
    said, for one run a variable of the environment replaces it: ``FLYTE_DASK_WORKER_TIMEOUT`` for
    *worker_timeout*, and so on.

    Times are seconds, and None is never; none of them is the length of a computation.

    Args:
        client: whether a bare ``.compute()`` uses the cluster, because its client is Dask's default
            while the function runs; if not, the function opens a ``Client()`` of its own.
        require_cluster: whether it is an error if Flyte started no cluster for the task; if not,
            a local one is started in the pod.
        min_workers: how many workers there have to be before the function starts; with 0 it is
            *stall_timeout* that ends a wait for the first.
        connect_timeout: how long the first connection to the scheduler may take.
        worker_timeout: how long it may take until *min_workers* are there.
        stall_timeout: how long work may wait while no worker makes progress.
        scheduler_timeout: how long the scheduler may stay silent once connected.
        ship_code: whether the code of a fast registration goes to the scheduler and the workers.
        check_versions: whether versions are compared before the function starts.
        report: whether the task's deck shows what the cluster was and did: None is as the task's
            ``enable_deck``, and ``"full"`` adds Dask's own performance report, for which the
            scheduler needs bokeh.
        local: what the workers of a local cluster are: ``"threads"``, which start at once and have
            no memory limits, or ``"processes"``, which have those of the config.
        dashboard: whether a local cluster serves Dask's dashboard, on 127.0.0.1; it needs bokeh.
        progress: whether a terminal shows how far a local computation is that takes long.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    client: bool = True
    require_cluster: bool = True
    min_workers: int = 1
    connect_timeout: float | None = 60
    worker_timeout: float | None = 900
    stall_timeout: float | None = 300
    scheduler_timeout: float | None = 120
    ship_code: bool = True
    check_versions: bool = True
    report: Report = None
    local: Local = "threads"
    dashboard: bool = False
    progress: bool = True
    _origins: Mapping[str, Origin] = attrs.field(default=NO_ORIGINS, alias="_origins")
    _named: frozenset[str] = attrs.field(init=False, alias="_named")

    def __new__(cls, *_: object, **values: object) -> Runtime:
        """Notes what the call names: also a setting that is said as it is by default is said."""
        made = object.__new__(cls)
        known = values.get("_origins", values)  # which `attrs.evolve` gives, and names all settings
        object.__setattr__(made, "_named", frozenset(cast("Mapping[str, object]", known)))
        return made

    def __attrs_post_init__(self) -> None:
        values = {name: _plain(getattr(self, name)) for name in SETTINGS}
        raise_if_any("Runtime(...)", _problems(values))
        said_here = {
            name: value
            for name, value in values.items()
            if name in self._named or value != SETTINGS[name]
        }
        for name, value in said_here.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_origins", origins_of(said_here, "Runtime(...)", self._origins))

    @property
    def origins(self) -> Mapping[str, Origin]:
        """Who said what, of the settings that are said."""
        return dict(self._origins)

    def __or__(self, other: Runtime) -> Runtime:
        """This one, with all that *other* says in its place."""
        if not isinstance(other, Runtime):
            return NotImplemented
        return _with_set(self, said(other), other._origins)

    def says(self, field: attrs.Attribute[Any]) -> bool:
        """Whether the setting is said."""
        return field.name in self._origins


SETTINGS: Mapping[str, Any] = {
    field.name: field.default for field in attrs.fields(Runtime) if not field.name.startswith("_")
}
"""The default of each setting, by its name."""

Runtime._VERBS = {name: f"config.with_runtime({name}={{value}})" for name in SETTINGS}


def with_settings(runtime: Runtime, given: Mapping[str, Any], by: str) -> Runtime:
    """*runtime* with the settings that the call *by* gives.

    Raises:
        InvalidConfig: with every problem of them.
    """
    plain = {name: _plain(value) for name, value in given.items()}
    raise_if_any(by, (problem.under("runtime") for problem in _problems(plain)))
    return _with_set(runtime, plain, origins_of(plain, by))


def variable_of(setting: str) -> str:
    """The variable of the environment that says *setting* for one run."""
    return f"FLYTE_DASK_{setting.upper()}"


def with_environment(runtime: Runtime, environment: Mapping[str, str]) -> Runtime:
    """*runtime* with what *environment* says in its place; an empty variable says nothing.

    Raises:
        InvalidConfig: with every bad variable; not with its value, which may be a secret.
    """
    texts = {name: environment.get(variable_of(name), "").strip() for name in SETTINGS}
    given = {name: _read(text, SETTINGS[name]) for name, text in texts.items() if text}
    problems = [
        problem._replace(path=variable_of(problem.path), value=_UNTOLD)
        for problem in _problems(given, "in_environment")
    ]
    if problems:
        raise InvalidConfig("the environment", problems)  # at no line of anybody's code
    origins = {name: Origin(variable_of(name), None, value) for name, value in given.items()}
    return _with_set(runtime, given, origins)


class _Untold:
    """Stands for a value in an error that does not show it."""

    def __repr__(self) -> str:
        return "what it says"


_UNTOLD = _Untold()


def _with_set(
    runtime: Runtime, values: Mapping[str, Leaf], origins: Mapping[str, Origin]
) -> Runtime:
    """*runtime* with these valid values, which *origins* tell, in the place of its own."""
    return with_values(runtime, {**values, "_origins": merge_origins(runtime._origins, origins)})


_YES, _NO, _NEVER = ("1", "true", "yes", "on"), ("0", "false", "no", "off"), ("never", "none")


def _read(text: str, default: object) -> Any:
    """What *text* says of a setting with this default; itself, if it says nothing such."""
    word = text.lower()
    if default is None or isinstance(default, bool):
        return True if word in _YES else False if word in _NO else word
    if isinstance(default, str):
        return word
    if word in _NEVER:
        return None
    with suppress(ValueError):
        return int(text)
    with suppress(ValueError):
        return float(text)
    return text


def _problems(values: Mapping[str, object], remedy: str = "remedy") -> Iterator[Problem]:
    """What keeps *values* from being settings."""
    for name, value in values.items():
        kind = _kind_of(name)
        rule = kind.judge(value)
        if rule:
            yield Problem(name, value, rule, getattr(kind, remedy))


def remedy_in_file(setting: str) -> str:
    """What to write of *setting* in a team file, which cannot say None."""
    return _kind_of(setting).in_file


def _kind_of(setting: str) -> _Kind:
    return _KINDS[float if setting.endswith("_timeout") else type(SETTINGS[setting])]


def _judge_flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "is neither True nor False"


def _judge_count(value: object) -> str | None:
    if type(value) is not int:
        return "is no whole number"
    return None if 0 <= value <= MOST_WORKERS else "is out of range"


def _judge_seconds(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "is no number of seconds"
    return None if 0 < value <= MOST_SECONDS else "is out of range"  # nor is nan within it


def _judge_local(value: object) -> str | None:
    return None if _is_text(value, _LOCALS) else "is no kind of local cluster"


def _judge_report(value: object) -> str | None:
    is_one = value is None or isinstance(value, bool) or _is_text(value, ("full",))
    return None if is_one else "is no kind of report"


def _is_text(value: object, words: tuple[str, ...]) -> bool:
    return isinstance(value, str) and value in words


@attrs.frozen
class _Kind:
    """A kind of settings, by the type of their defaults."""

    judge: Callable[[object], str | None]
    remedy: str
    in_environment: str
    in_file: str


_NUMBERS = f"write a whole number from 0 to {MOST_WORKERS}"
_SECONDS = "write seconds, more than 0 and up to a year"
_LOCAL_WORDS = "write 'threads' or 'processes'"
_REPORTS = "write True, False or 'full'"
_KINDS = {
    bool: _Kind(_judge_flag, "write True or False", "write 1 or 0", "write true or false"),
    int: _Kind(_judge_count, _NUMBERS, _NUMBERS, _NUMBERS),
    float: _Kind(
        _judge_seconds,
        f"{_SECONDS}, or None: never",
        f"{_SECONDS}, or never",
        f"{_SECONDS}, or 'never'",
    ),
    type(None): _Kind(
        _judge_report,
        f"{_REPORTS}, or None: as the task's enable_deck",
        "write 1, 0 or full",
        "write true, false or 'full'",
    ),
    str: _Kind(_judge_local, _LOCAL_WORDS, "write threads or processes", _LOCAL_WORDS),
}


DEFAULT_RUNTIME = Runtime()
"""That of a config that says nothing of it."""
