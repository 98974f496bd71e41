"""How a task's function uses its cluster: `Runtime`, and the environment variables over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias, cast, final

import attrs

from flyte_dask.config.setting_kinds import Kind, kind_of
from flyte_dask.errors import InvalidConfig, Problem, raise_if_any
from flyte_dask.quantities.quantity import plain_text
from flyte_dask.roles.base import Config, followed, set_fields, with_values
from flyte_dask.roles.origin import NO_ORIGINS, Leaf, Origin, merge_origins, origins_of
from flyte_dask.roles.resources import plain_float, plain_int

__all__ = [
    "DEFAULT_RUNTIME",
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
"""The kind of workers of a local cluster."""

Report: TypeAlias = Literal["full"] | bool | None
"""Whether a task's deck reports on its cluster."""


def _plain(value: Any) -> Any:
    """*value* as a plain float, str or int, also from subclasses and other libraries."""
    if isinstance(value, float):
        return plain_float(value)
    return plain_text(value) if isinstance(value, str) else plain_int(value)


@final
@attrs.frozen(eq=False, repr=False, kw_only=True)
class Runtime(Config):
    """How a task's function uses its cluster. Not serialized: the runner reads it from the module.

    A setting that a call does not name is unset, and never overrides one that is set. For one run,
    an environment variable overrides any setting: ``FLYTE_DASK_WORKER_TIMEOUT`` overrides
    *worker_timeout*, and so on.

    Timeouts are in seconds, None means no timeout; none of them limits the length of a computation.

    Args:
        client: whether a bare ``.compute()`` uses the cluster, because its client is Dask's default
            while the function runs; if not, the function opens a ``Client()`` of its own.
        require_cluster: whether it is an error if Flyte started no cluster for the task; if not,
            a local one is started in the pod.
        min_workers: the number of workers to wait for before the function starts; with 0, the wait
            for the first worker ends with *stall_timeout*.
        connect_timeout: how long the first connection to the scheduler may take.
        worker_timeout: how long it may take until *min_workers* have connected.
        stall_timeout: how long work may be pending while no worker makes progress.
        scheduler_timeout: how long the scheduler may not respond, once connected.
        ship_code: whether the code of a fast registration is sent to the scheduler and the workers.
        configure_storage: whether Dask reads and writes files with Flyte's storage settings, as
            ``FlyteFile`` does, in the runner, the scheduler and the workers.
        check_versions: whether versions are compared before the function starts.
        report: whether the task's deck reports on the cluster: None follows the task's
            ``enable_deck``, and ``"full"`` adds Dask's own performance report, for which the
            scheduler needs bokeh.
        record: the folder to which the record of each run is written, also of one that fails: an
            absolute path, or a URL that fsspec knows, such as ``s3://bucket/runs``. Without a
            folder, the record is in the deck only.
        local: the workers of a local cluster: ``"threads"``, which start at once and have no memory
            limits, or ``"processes"``, which have those of the config.
        dashboard: whether a local cluster serves Dask's dashboard, on 127.0.0.1; needs bokeh.
        progress: whether a terminal shows the progress of long local computations.

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
    configure_storage: bool = True
    check_versions: bool = True
    report: Report = None
    record: str | None = None
    local: Local = "threads"
    dashboard: bool = False
    progress: bool = True
    _origins: Mapping[str, Origin] = attrs.field(default=NO_ORIGINS, alias="_origins")
    _named: frozenset[str] = attrs.field(init=False, alias="_named")

    def __new__(cls, *_: object, **values: object) -> Runtime:
        """Record the names of the arguments: a setting is also set if it equals its default."""
        runtime = object.__new__(cls)
        known = values.get("_origins", values)  # `attrs.evolve` passes it, and names all settings
        object.__setattr__(runtime, "_named", frozenset(cast("Mapping[str, object]", known)))
        return runtime

    def __attrs_post_init__(self) -> None:
        values = {name: _plain(getattr(self, name)) for name in SETTINGS}
        raise_if_any("Runtime(...)", _problems(values))
        own = {
            name: value
            for name, value in values.items()
            if name in self._named or value != SETTINGS[name]
        }
        for name, value in own.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_origins", origins_of(own, "Runtime(...)", self._origins))

    @property
    def origins(self) -> Mapping[str, Origin]:
        """The origin of each setting that is set."""
        return dict(self._origins)

    @followed
    def __or__(self, other: Runtime) -> Runtime:
        """This runtime, overridden by all that *other* sets."""
        if type(other) is not Runtime:
            return NotImplemented
        return _with_set(self, set_fields(other), other._origins)

    def sets(self, field: attrs.Attribute[Any]) -> bool:
        """Whether the setting *field* is set, possibly to its default."""
        return field.name in self._origins


SETTINGS: Mapping[str, Any] = {
    field.name: field.default for field in attrs.fields(Runtime) if not field.name.startswith("_")
}
"""The default of each setting, by name."""


def with_settings(runtime: Runtime, given: Mapping[str, Any], by: str) -> Runtime:
    """*runtime* with the settings *given* by the call *by*.

    Raises:
        InvalidConfig: with every problem of *given*.
    """
    plain = {name: _plain(value) for name, value in given.items()}
    raise_if_any(by, (problem.under("runtime") for problem in _problems(plain)))
    return _with_set(runtime, plain, origins_of(plain, by))


def variable_of(setting: str) -> str:
    """The name of the environment variable that overrides *setting*."""
    return f"FLYTE_DASK_{setting.upper()}"


def with_environment(runtime: Runtime, environment: Mapping[str, str]) -> Runtime:
    """*runtime*, overridden by the variables of *environment*; empty ones are ignored.

    Raises:
        InvalidConfig: with every invalid variable; without its value, which may be a secret.
    """
    texts = {name: environment.get(variable_of(name), "").strip() for name in SETTINGS}
    given = {name: _kind_of(name).read(text) for name, text in texts.items() if text}
    problems = [
        _of_variable(problem, texts[problem.path]) for problem in _problems(given, "in_environment")
    ]
    if problems:  # raise_if_any would add a line of user code
        raise InvalidConfig("the environment", problems)
    origins = {name: Origin(variable_of(name), None, value) for name, value in given.items()}
    return _with_set(runtime, given, origins)


def _of_variable(problem: Problem, text: str) -> Problem:
    """The *problem* of a setting as that of its variable, whose value is *text*."""
    from flyte_dask.errors.suggestions import did_you_mean  # noqa: PLC0415  # for errors only

    remedy = did_you_mean(text.lower(), _kind_of(problem.path).words) or problem.remedy
    return problem._replace(path=variable_of(problem.path), value=_REDACTED, remedy=remedy)


class _Redacted:
    """A placeholder for a value that an error does not show."""

    def __repr__(self) -> str:
        return "its value"


_REDACTED = _Redacted()


def _with_set(
    runtime: Runtime, values: Mapping[str, Leaf], origins: Mapping[str, Origin]
) -> Runtime:
    """*runtime* with these valid values and their *origins*."""
    return with_values(runtime, **values, _origins=merge_origins(runtime._origins, origins))


def _problems(values: Mapping[str, object], remedy: str = "remedy") -> Iterator[Problem]:
    """The problems of *values* as settings, by name."""
    for name, value in values.items():
        kind = _kind_of(name)
        if not kind.is_valid(value):
            shown = _REDACTED if kind.is_secret(value) else value
            yield Problem(name, shown, kind.rule, getattr(kind, remedy))


def remedy_in_file(setting: str) -> str:
    """The remedy for an invalid *setting* in a team file, which has no None."""
    return _kind_of(setting).in_file


def _kind_of(setting: str) -> Kind:
    return kind_of(setting, SETTINGS[setting])


DEFAULT_RUNTIME = Runtime()
"""The runtime of a config that sets none."""
