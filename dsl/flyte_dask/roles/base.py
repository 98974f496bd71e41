"""The base of all config classes.

Their equality, hash and repr use the fields that are set, their calls are checked, and an attempt
to change one in place raises an error with what to do instead.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial, wraps
from inspect import Signature, signature
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

import attrs

from flyte_dask.errors import ConfigError, FlyteDaskError, reject_change
from flyte_dask.errors.call_site import is_library
from flyte_dask.errors.recording import Recording, current_recording
from flyte_dask.quantities.quantity import Quantity

__all__ = ["Config", "ConfigType", "checked", "followed", "set_fields", "with_values"]

Function = TypeVar("Function", bound=Callable[..., Any])
T = TypeVar("T")

_NONE: Mapping[str, Any] = {}


class ConfigType(type):
    """The metaclass of the config classes, which checks their calls.

    A metaclass keeps ``__init__`` as attrs generates it and type checkers read it, and makes it
    possible to detect a class that is passed where a config is expected.
    """

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        """Replace the ``__setattr__`` of attrs once it has created the final, slotted class."""
        super().__init__(name, bases, namespace)
        if "__attrs_attrs__" in namespace:
            type.__setattr__(cls, "__setattr__", reject_change)
            type.__setattr__(cls, "__delattr__", reject_change)
        for base in bases:
            if "__attrs_attrs__" in vars(base):
                _reject_subclass(cls, base, _recording())

    def __call__(cls: type[T], *args: Any, **kwargs: Any) -> T:
        """Create an instance, or raise `InvalidConfig` with every problem of the call."""
        recording = _recording()
        if recording is not None:
            arguments = (*args, *kwargs.values())
            if recording.is_stand_in(cls):  # a subclass: its config is one of its base
                cls, args, kwargs, arguments = _base_of(cls), (), {}, (cls,)
            made = partial(_created, cls, args, kwargs)
            return _with_own_parts(
                recording.call(made, partial(_created, cls), arguments), arguments
            )
        return _created(cls, args, kwargs)

    @property
    def __signature__(cls) -> Signature:
        """The signature of ``__init__`` without its private parameters.

        `help` and editors would otherwise show that of the checked call.
        """
        init: Callable[..., None] = cls.__dict__["__init__"]
        _, *others = signature(init).parameters.values()
        return Signature([each for each in others if not each.name.startswith("_")])


class _OfDataclass:
    """An attribute that a dataclass with the arguments of a config class would have."""

    def __set_name__(self, owner: type, name: str) -> None:
        """Keep its name."""
        self.name = name

    def __get__(self, instance: object, owner: type) -> Any:
        """The attribute of the dataclass that is like *owner*."""
        if not attrs.has(owner):
            raise AttributeError(self.name)
        return getattr(_dataclass_like(owner), self.name)


@cache
def _dataclass_like(cls: type[attrs.AttrsInstance]) -> type:
    """A dataclass with those public arguments of a config class that can be read."""
    from dataclasses import field, make_dataclass  # noqa: PLC0415  # most programs need none

    arguments = [
        (each.alias, each.type, field(default=each.default, kw_only=bool(each.kw_only)))
        for each in attrs.fields(cls)
        if each.alias and each.alias[0] != "_" and hasattr(cls, each.alias)
    ]
    return make_dataclass(cls.__name__, arguments, frozen=True, repr=False)


def _created(cls: type[T], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] = _NONE) -> T:
    """An instance of *cls*, whose metaclass is `ConfigType`."""
    create: Callable[..., T] = type.__call__.__get__(cls)
    try:
        return create(*args, **kwargs)
    except FlyteDaskError:
        raise
    except Exception as error:
        _reject_call(f"{cls.__name__}(...)", cls, args, kwargs, error)
        raise


class Config(metaclass=ConfigType):
    """The base of the config classes; two are equal if they set the same values.

    ``dataclasses.asdict(config)`` and ``vars(config)`` are its values by argument: what reads
    dataclasses, as the configs of the official plugin are, also reads these.
    """

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Any]] = cast("Any", _OfDataclass())
    __dataclass_params__: ClassVar[Any] = _OfDataclass()  # for `pprint`

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]  # a copy, which can be changed
        """Its values by argument."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):  # which has no subclasses
            return NotImplemented
        return set_fields(self) == set_fields(other)

    def __hash__(self) -> int:
        return hash((type(self), *set_fields(self).items()))

    def __repr__(self) -> str:
        """The call that creates it, with only the arguments that are set."""
        arguments = [f"{name}={_repr(value)}" for name, value in set_fields(self).items()]
        return f"{type(self).__name__}({', '.join(arguments)})"

    if not TYPE_CHECKING:  # type checkers should reject names that do not exist

        def __getattr__(self, name: str) -> object:
            """Raise `AttributeError` for *name*, with a suggestion for the user's code."""
            if name.startswith("_") or is_library(sys._getframe(1)):  # they often ask for others
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            from flyte_dask.errors.attributes import missing_attribute  # noqa: PLC0415  # as below

            raise missing_attribute(self, name, self._where(name))

    def _where(self, name: str) -> str | None:  # noqa: ARG002  # others override it
        """Where the attribute *name*, which it does not have, is instead, if that is known."""
        return None

    def sets(self, field: attrs.Attribute[Any]) -> bool:
        """Whether *field* has a value other than its default."""
        if field.default is attrs.NOTHING:
            return True
        value = getattr(self, field.name)
        return value != field.default and not (isinstance(value, Config) and not set_fields(value))


C = TypeVar("C", bound=Config)


def set_fields(config: Config) -> dict[str, Any]:
    """The arguments that *config* sets, by name: those that differ from their default."""
    fields = attrs.fields(cast("type[attrs.AttrsInstance]", type(config)))
    public = {field.alias: field for field in fields if field.alias and field.alias[0] != "_"}
    return {
        alias: getattr(config, field.name) for alias, field in public.items() if config.sets(field)
    }


def with_values(config: C, **values: object) -> C:
    """*config* with these values of its fields, which are not validated."""
    copy = object.__new__(type(config))
    for field in attrs.fields(cast("type[attrs.AttrsInstance]", type(config))):
        value = values[field.name] if field.name in values else getattr(config, field.name)
        object.__setattr__(copy, field.name, value)
    return copy


def _repr(value: object) -> str:
    return repr(value.text if isinstance(value, Quantity) else value)


def checked(
    subject: str, stand_in: Callable[..., object] | None = None
) -> Callable[[Function], Function]:
    """Decorate a function or method so that wrong arguments raise `InvalidConfig`.

    So do arguments that raise an error of their own when they are validated, such as arrays that
    are compared. An error that no argument can have caused stays as it is.

    Args:
        subject: the call, as it is named in errors; ``{0}`` in it is the object of the method.
        stand_in: what replaces the result of an invalid call while errors are recorded, made from
            its first argument by position, if it has one: the object of a method; default: a copy
            of that object. Errors of functions are not recorded by default.
    """

    def decorate(function: Function) -> Function:
        code: Any = getattr(function, "__code__")  # noqa: B009  # signature() is slow, for imports
        is_method = code.co_varnames[0] in {"self", "cls"}
        replace = stand_in or (_copy if is_method else None)

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            recording = _recording()
            if recording is not None:
                made = partial(checked_call, args, kwargs)
                replaced = replace and partial(replace, *args[:1])
                arguments = (*args, *kwargs.values())
                result = recording.call(made, replaced, arguments)
                return _with_own_parts(result, arguments) if is_method else result
            return checked_call(args, kwargs)

        def checked_call(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
            try:
                return function(*args, **kwargs)
            except FlyteDaskError:
                raise
            except Exception as error:
                owner, others = args[:is_method], args[is_method:]
                _reject_call(
                    subject.format(*owner), partial(function, *owner), others, kwargs, error
                )
                raise

        return cast("Function", call)

    return decorate


def followed(operator: Function) -> Function:
    """Decorate an operator, so that its result is a stand-in if one of its operands is one."""

    @wraps(operator)
    def call(left: Any, right: Any) -> Any:
        result = operator(left, right)
        recording = current_recording()
        if recording is not None and result is not NotImplemented:
            recording.follow(result, (left, right))
        return result

    return cast("Function", call)


def _recording() -> Recording | None:
    """The recording, if the caller was called by the user's code and errors are recorded.

    What is called by flyte-dask itself raises its errors, which it may handle.
    """
    recording = current_recording()
    if recording is None or is_library(sys._getframe(2)):
        return None
    return recording


def _copy(owner: Any) -> Any:
    """What replaces the result of an invalid method: the same config, in another object."""
    return owner() if isinstance(owner, type) else with_values(owner)


def _with_own_parts(config: T, arguments: Iterable[object]) -> T:
    """*config*, new, with copies of its parts that are not among the user's *arguments*.

    Others are shared by configs that set the same. While errors are recorded, a part that the
    user's code tries to change must be of one config only, since that is a stand-in then.
    """
    given = {id(each) for each in arguments}
    if isinstance(config, Config) and id(config) not in given:
        for field in attrs.fields(cast("type[attrs.AttrsInstance]", type(config))):
            part = getattr(config, field.name)
            if isinstance(part, Config) and id(part) not in given:
                own = _with_own_parts(with_values(part), arguments)
                object.__setattr__(config, field.name, own)
    return config


def _base_of(cls: type[T]) -> type[T]:
    """The config class that *cls* is a subclass of."""
    return next(each for each in reversed(cls.__mro__) if "__attrs_attrs__" in vars(each))


def _reject_subclass(cls: type, base: type, recording: Recording | None) -> None:
    from flyte_dask.errors.usage_errors import reject_subclass  # noqa: PLC0415  # as below

    try:
        reject_subclass(cls.__name__, base)
    except ConfigError as error:
        if recording is None:
            raise
        recording.record(error, cls)


def _reject_call(*call: Any) -> None:
    # Most programs never fail, and importing flyte_dask must stay almost free.
    from flyte_dask.errors.usage_errors import reject_call  # noqa: PLC0415

    reject_call(*call)
