"""The configuration of a Dask task: `Dask`, and its ``with_*`` methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, final

import attrs

from flyte_dask.config.coercion import (
    UNSET_SCHEDULER,
    UNSET_WORKERS,
    as_codes,
    as_scheduler,
    as_workers,
    inherit_problems,
    role_problems,
    runtime_problems,
    silence_problems,
)
from flyte_dask.errors import raise_if_any
from flyte_dask.quantities.quantity import plain_text
from flyte_dask.roles.base import Config, checked, followed, with_values
from flyte_dask.roles.image import Image, image_problems, plain_image
from flyte_dask.roles.origin import (
    NO_ORIGINS,
    Leaf,
    Origin,
    merge_origins,
    of_preset,
    origins_of,
)
from flyte_dask.roles.resources import AmountOrPair, CpuAmountOrPair
from flyte_dask.roles.roles import (
    Scheduler,
    WorkerGroup,
    changed,
    with_set,
)

if TYPE_CHECKING:  # loaded on first use: importing flyte_dask must stay almost free
    from flyte_dask.config.runtime import Local, Report, Runtime
    from flyte_dask.inheritance.parent import Parent
    from flyte_dask.inheritance.resolution import Inherit, Resolved

__all__ = ["Dask", "map_origins", "set_by_preset"]

_UNSET: Any = attrs.NOTHING  # the default of arguments for which None is a value


@final
@attrs.frozen(eq=False, repr=False)
class Dask(Config):
    """The Dask cluster of one task: ``@task(task_config=Dask(workers=5))``.

    A frozen value. Its ``with_*`` methods return changed copies:
    ``Dask(workers=5).with_workers(mem="32Gi").with_image("acme/etl:3")``. In these methods one
    amount is both the request and the limit, and a pair is ``(request, limit)``.

    Args:
        scheduler: the scheduler pod; default: one like the task's pod.
        workers: the worker pods, or just their number; default: one like the task's pod.
        inherit: the inheritance mode: where a role that sets some resources gets the others.
            ``"fill"`` (the default): from the task, per dimension; a role that sets none is left to
            Flyte, which gives it the task's. ``"pin"``: as ``"fill"``, but a role that sets none is
            written out too, so that later overrides of the task's node don't reach it. ``"off"``:
            from the platform; but a role that sets none still gets the task's from Flyte.
        runtime: how the task's function uses its cluster; default: ``Runtime()``.
        silence: codes of advice rules that don't apply to this task.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    scheduler: Scheduler = attrs.field(default=None, converter=as_scheduler)
    workers: WorkerGroup = attrs.field(default=None, converter=as_workers)
    _set_inherit: Inherit | None = attrs.field(default=None, alias="inherit", kw_only=True)
    _set_runtime: Runtime | None = attrs.field(default=None, alias="runtime", kw_only=True)
    silence: tuple[str, ...] = attrs.field(default=(), converter=as_codes, kw_only=True)
    _origins: Mapping[str, Origin] = attrs.field(default=NO_ORIGINS, alias="_origins", kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = [
            *role_problems(self.scheduler, self.workers),
            *inherit_problems(self._set_inherit),
            *runtime_problems(self._set_runtime),
            *silence_problems(self.silence),
        ]
        raise_if_any("Dask(...)", problems)
        own: dict[str, Leaf] = {f"silence.{code}": code for code in self.silence}
        if self._set_inherit is not None:
            own["inherit"] = plain_text(self._set_inherit)
            object.__setattr__(self, "_set_inherit", own["inherit"])
        object.__setattr__(self, "_origins", origins_of(own, "Dask(...)", self._origins))

    @property
    def inherit(self) -> Inherit:
        """The inheritance mode: how a role gets the resources that it leaves unset."""
        return "fill" if self._set_inherit is None else self._set_inherit

    @property
    def runtime(self) -> Runtime:
        """How the task's function uses its cluster."""
        if self._set_runtime is not None:
            return self._set_runtime
        from flyte_dask.config.runtime import DEFAULT_RUNTIME  # noqa: PLC0415  # as above

        return DEFAULT_RUNTIME

    @property
    def origins(self) -> dict[str, Origin]:
        """What set each value, by path: ``workers.number_of_workers``, ``scheduler.mem``, ...

        Request and limit of a dimension have one origin. A value that is unset has none.
        """
        parts = {"scheduler": self.scheduler, "workers": self.workers, "runtime": self._set_runtime}
        found = {
            f"{name}.{leaf}": origin
            for name, part in parts.items()
            if part is not None
            for leaf, origin in part.origins.items()
        }
        return {**found, **self._origins}

    @property
    def fingerprint(self) -> str:
        """A hash of eight hex digits that identifies this config in logs and task variants.

        It is equal in every process for configs that set the same values with the same text.
        """
        from hashlib import sha256  # noqa: PLC0415  # most programs never need it

        return sha256(repr(self).encode()).hexdigest()[:8]

    def resolve(self, parent: Parent | None = None) -> Resolved:
        """Every amount of both roles, with its origin, in the task *parent*.

        Args:
            parent: the task; default: one that sets no resources.

        Raises:
            InvalidConfig: if *parent* is not a `Parent`.
        """
        from flyte_dask.inheritance.resolution import resolve  # noqa: PLC0415  # as above

        return resolve(self.scheduler, self.workers, self.inherit, parent)

    @classmethod
    @checked("from_custom(...)")
    def from_custom(cls, custom: Mapping[str, object]) -> Dask:
        """The config of a registered task template's ``custom``, with ``inherit="off"``.

        Reads what this plugin and ``flytekitplugins-dask`` write, also after a round trip through a
        ``Struct``, where numbers are floats. Serializing the config yields the same ``custom``,
        except that image templates, which ``flytekitplugins-dask`` does not render, are rendered.

        Args:
            custom: such as ``template.custom``, or ``MessageToDict(template.custom)``.

        Raises:
            InvalidConfig: with every problem of *custom*: what neither plugin would write, and
                amounts that are invalid in a config.
        """
        from flyte_dask.config.template_io import leaves_of  # noqa: PLC0415  # most programs never read a template

        by = "from_custom(...)"
        scheduler, workers = leaves_of(custom)
        read = with_values(
            cls(),
            scheduler=with_set(UNSET_SCHEDULER, scheduler, by),
            workers=with_set(UNSET_WORKERS, workers, by),
        )
        return _with_own(read, (), "off", origins_of({"inherit": "off"}, by))

    @checked("with_workers(...)")
    def with_workers(  # noqa: PLR0913  # one for each dimension
        self,
        count: int | None = None,
        *,
        cpu: CpuAmountOrPair | None = None,
        mem: AmountOrPair | None = None,
        gpu: AmountOrPair | None = None,
        ephemeral_storage: AmountOrPair | None = None,
        image: Image | None = None,
    ) -> Dask:
        """This config, with these values of its workers.

        Args:
            count: the number of workers, 1 to 2**32 - 1.
            cpu: CPUs of each worker, for request and limit, or ``(request, limit)``.
            mem: bytes of memory of each worker, such as ``"32Gi"``.
            gpu: whole GPUs of each worker; ``0`` means none, explicitly.
            ephemeral_storage: bytes of local disk of each worker.
            image: image reference, template or ``ImageSpec``.

        Raises:
            InvalidConfig: with every problem of the call.
        """
        amounts = {"cpu": cpu, "mem": mem, "gpu": gpu, "ephemeral_storage": ephemeral_storage}
        workers = changed("workers", self.workers, amounts, image=image, count=count)
        return with_values(self, workers=workers)

    @checked("with_scheduler(...)")
    def with_scheduler(
        self,
        *,
        cpu: CpuAmountOrPair | None = None,
        mem: AmountOrPair | None = None,
        gpu: AmountOrPair | None = None,
        ephemeral_storage: AmountOrPair | None = None,
        image: Image | None = None,
    ) -> Dask:
        """This config, with these values of its scheduler.

        The arguments are those of `with_workers`, without *count*.

        Raises:
            InvalidConfig: with every problem of the call.
        """
        amounts = {"cpu": cpu, "mem": mem, "gpu": gpu, "ephemeral_storage": ephemeral_storage}
        scheduler = changed("scheduler", self.scheduler, amounts, image=image)
        return with_values(self, scheduler=scheduler)

    @checked("with_image(...)")
    def with_image(self, image: Image) -> Dask:
        """This config, with *image* as the image of both roles.

        Raises:
            InvalidConfig: if *image* is not a valid image reference.
        """
        raise_if_any("with_image(...)", image_problems("image", image, required=True))
        new: dict[str, Leaf] = {"image": plain_image(image)}
        return with_values(
            self,
            scheduler=with_set(self.scheduler, new, "with_image(...)"),
            workers=with_set(self.workers, new, "with_image(...)"),
        )

    @checked("with_inherit(...)")
    def with_inherit(self, inherit: Inherit) -> Dask:
        """This config, with the inheritance mode *inherit*, as explained in `Dask`.

        Raises:
            InvalidConfig: if *inherit* is not an inheritance mode.
        """
        by = "with_inherit(...)"
        raise_if_any(by, inherit_problems(inherit, required=True))
        new: dict[str, Leaf] = {"inherit": plain_text(inherit)}
        return _with_own(self, (), inherit, origins_of(new, by))

    @checked("with_runtime(...)")
    def with_runtime(  # noqa: PLR0913  # one for each setting
        self,
        *,
        # tables: setting arguments
        client: bool = _UNSET,
        require_cluster: bool = _UNSET,
        min_workers: int = _UNSET,
        connect_timeout: float | None = _UNSET,
        worker_timeout: float | None = _UNSET,
        stall_timeout: float | None = _UNSET,
        scheduler_timeout: float | None = _UNSET,
        ship_code: bool = _UNSET,
        configure_storage: bool = _UNSET,
        check_versions: bool = _UNSET,
        report: Report = _UNSET,
        record: str | None = _UNSET,
        local: Local = _UNSET,
        dashboard: bool = _UNSET,
        progress: bool = _UNSET,
        # /tables
    ) -> Dask:
        """This config, with these settings of its runtime, as explained in `Runtime`.

        Raises:
            InvalidConfig: with every problem of the call.
        """
        given = {name: value for name, value in locals().items() if value is not _UNSET}
        del given["self"]
        from flyte_dask.config.runtime import with_settings  # noqa: PLC0415  # as above

        runtime = with_settings(self.runtime, given, "with_runtime(...)")
        return with_values(self, _set_runtime=runtime)

    @checked("without_advice(...)")
    def without_advice(self, *codes: str) -> Dask:
        """This config, with advice of the rules *codes* suppressed.

        Raises:
            InvalidConfig: with every unknown code.
        """
        by = "without_advice(...)"
        raise_if_any(by, silence_problems(codes))
        silenced = {f"silence.{code}": code for code in as_codes(codes)}
        return _with_own(self, codes, None, origins_of(silenced, by))

    @followed
    def __or__(self, other: Dask) -> Dask:
        """This config, overridden by all that *other* sets."""
        if type(other) is not Dask:
            return NotImplemented
        runtime = self._set_runtime
        if other._set_runtime is not None:
            runtime = self.runtime | other._set_runtime
        both = with_values(
            self,
            scheduler=self.scheduler | other.scheduler,
            workers=self.workers | other.workers,
            _set_runtime=runtime,
        )
        if not other._origins:
            return both
        return _with_own(both, other.silence, other._set_inherit, other._origins)


def set_by_preset(config: Dask, preset: str) -> Dask:
    """*config*, with *preset* as the origin of all values that no other preset set."""
    return map_origins(config, lambda _, origin: of_preset(origin, preset))


def map_origins(config: Dask, function: Callable[[str, Origin], Origin]) -> Dask:
    """*config* with ``function(path, origin)`` for each origin; paths as in `Dask.origins`."""

    def mapped(prefix: str, part: Any) -> Any:
        if not part._origins:
            return part
        origins = {name: function(f"{prefix}{name}", old) for name, old in part._origins.items()}
        return with_values(part, _origins=origins)

    runtime = config._set_runtime
    own: Dask = mapped("", config)
    if not (runtime or config.scheduler._origins or config.workers._origins):
        return own
    return with_values(
        own,
        scheduler=mapped("scheduler.", config.scheduler),
        workers=mapped("workers.", config.workers),
        _set_runtime=runtime and mapped("runtime.", runtime),
    )


def _with_own(
    config: Dask, silence: Iterable[str], inherit: Inherit | None, origins: Mapping[str, Origin]
) -> Dask:
    """*config* with these valid values, which are not of a role, and their *origins*."""
    return with_values(
        config,
        silence=as_codes({*config.silence, *silence}),
        _set_inherit=config._set_inherit if inherit is None else plain_text(inherit),
        _origins=merge_origins(config._origins, origins),
    )
