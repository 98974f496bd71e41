"""The base of all config classes.

Their equality, hash and repr use the fields that are set, their calls are checked, and an attempt
to change one in place raises an error with what to do instead.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from inspect import Signature, signature
from typing import Any, TypeVar, cast

import attrs

from flyte_dask.errors import FlyteDaskError, reject_change
from flyte_dask.quantities.quantity import Quantity

__all__ = ["Config", "ConfigType", "checked", "set_fields", "with_values"]

Function = TypeVar("Function", bound=Callable[..., Any])
T = TypeVar("T")


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
                from flyte_dask.errors.usage_errors import reject_subclass  # noqa: PLC0415  # as below

                reject_subclass(name, base)

    def __call__(cls: type[T], *args: Any, **kwargs: Any) -> T:
        """Create an instance, or raise `InvalidConfig` with every problem of the call."""
        create: Callable[..., T] = type.__call__.__get__(cls)
        try:
            return create(*args, **kwargs)
        except FlyteDaskError:
            raise
        except Exception as error:
            _reject_call(f"{cls.__name__}(...)", cls, args, kwargs, error)
            raise

    @property
    def __signature__(cls) -> Signature:
        """The signature of ``__init__`` without its private parameters.

        `help` and editors would otherwise show that of the checked call.
        """
        init: Callable[..., None] = cls.__dict__["__init__"]
        _, *others = signature(init).parameters.values()
        return Signature([each for each in others if not each.name.startswith("_")])


class Config(metaclass=ConfigType):
    """The base of the config classes; two are equal if they set the same values."""

    __slots__ = ()

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


def checked(subject: str) -> Callable[[Function], Function]:
    """Decorate a function or method so that wrong arguments raise `InvalidConfig`.

    So do arguments that raise an error of their own when they are validated, such as arrays that
    are compared. An error that no argument can have caused stays as it is. *subject* names the call
    in errors; ``{0}`` in it is the object of the method.
    """

    def decorate(function: Function) -> Function:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except FlyteDaskError:
                raise
            except Exception as error:
                is_method = next(iter(signature(function).parameters)) in {"self", "cls"}
                owner, others = args[:is_method], args[is_method:]
                call = partial(function, *owner)
                _reject_call(subject.format(*owner), call, others, kwargs, error)
                raise

        return cast("Function", call)

    return decorate


def _reject_call(*call: Any) -> None:
    # Most programs never fail, and importing flyte_dask must stay almost free.
    from flyte_dask.errors.usage_errors import reject_call  # noqa: PLC0415

    reject_call(*call)
