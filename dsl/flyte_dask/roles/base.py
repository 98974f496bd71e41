"""What all config classes have in common.

They are compared, hashed and shown by what they say; their calls are checked; and what cannot be
done with a frozen value is answered with what to do instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, wraps
from inspect import Signature, signature
from typing import Any, ClassVar, TypeVar, cast

import attrs

from flyte_dask.errors import InvalidConfig
from flyte_dask.quantities.quantity import Quantity

__all__ = [
    "Config",
    "ConfigType",
    "checked_call",
    "checked_function",
    "said",
    "with_values",
]

Function = TypeVar("Function", bound=Callable[..., Any])
T = TypeVar("T")


class ConfigType(type):
    """The type of the config classes, which checks their calls.

    A metaclass, so that ``__init__`` stays the one that attrs writes and type checkers read, and so
    that a class which is given in the place of a config can be told by its type.
    """

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        """Answer assignments, once attrs has made the class anew with an answer of its own."""
        super().__init__(name, bases, namespace)
        if "__attrs_attrs__" in namespace:
            type.__setattr__(cls, "__setattr__", Config._reject_assignment)  # below
            type.__setattr__(cls, "__delattr__", Config._reject_deletion)
        for base in bases:
            if "__attrs_attrs__" in vars(base):
                from flyte_dask.errors.usage_errors import reject_subclass  # noqa: PLC0415  # as in _answer

                reject_subclass(name, base)

    def __call__(cls: type[T], *args: Any, **kwargs: Any) -> T:
        """An instance, or `InvalidConfig` with every problem of the call."""
        make: Callable[..., T] = type.__call__.__get__(cls)
        try:
            return make(*args, **kwargs)
        except TypeError as error:
            _answer(error, f"{cls.__name__}(...)", signature(cls), partial(make, *args, **kwargs))
            raise

    def unvalidated(cls: type[T], values: Mapping[str, object]) -> T:
        """An instance with these values of its fields, known to be valid: nothing is checked."""
        config = object.__new__(cls)
        for name, value in values.items():
            object.__setattr__(config, name, value)
        return config

    @property
    def __signature__(cls) -> Signature:
        """That of ``__init__``, which the checked call would hide from `help` and from editors.

        Without its private parameters, which are for our own modules.
        """
        init: Callable[..., None] = cls.__dict__["__init__"]
        _, *others = signature(init).parameters.values()
        return Signature([each for each in others if not each.name.startswith("_")])


class Config(metaclass=ConfigType):
    """The base of the config classes: one is equal to another if it says the same."""

    __slots__ = ()

    _VERBS: ClassVar[Mapping[str, str]] = {}
    """How a copy is made in which a field is changed, with ``{value}``; else by `attrs.evolve`."""

    def __eq__(self, other: object) -> bool:
        return said(self) == said(other) if isinstance(other, type(self)) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), *said(self).items()))

    def __repr__(self) -> str:
        """The call that makes it, with nothing in it that was not said."""
        arguments = [f"{name}={_shown(value)}" for name, value in said(self).items()]
        return f"{type(self).__name__}({', '.join(arguments)})"

    def says(self, field: attrs.Attribute[Any]) -> bool:
        """Whether *field* has a value other than its default."""
        if field.default is attrs.NOTHING:
            return True
        value = getattr(self, field.name)
        return value != field.default and not (isinstance(value, Config) and not said(value))

    def _reject_assignment(self, name: str, value: object) -> None:
        from flyte_dask.errors.usage_errors import reject_assignment  # noqa: PLC0415  # as in _answer

        reject_assignment(self, self._VERBS, name, value)

    def _reject_deletion(self, name: str) -> None:
        from flyte_dask.errors.usage_errors import reject_deletion  # noqa: PLC0415  # as in _answer

        reject_deletion(self, name)


C = TypeVar("C", bound=Config)


def said(config: Config) -> dict[str, Any]:
    """The arguments that *config* was given, by name, without those equal to their default."""
    fields = attrs.fields(cast("type[attrs.AttrsInstance]", type(config)))
    public = {field.alias: field for field in fields if field.alias and field.alias[0] != "_"}
    return {
        alias: getattr(config, field.name) for alias, field in public.items() if config.says(field)
    }


def with_values(config: C, values: Mapping[str, object]) -> C:
    """*config* with these values of its fields, known to be valid: nothing is checked."""
    fields = attrs.fields(cast("type[attrs.AttrsInstance]", type(config)))
    return type(config).unvalidated({**{f.name: getattr(config, f.name) for f in fields}, **values})


def _shown(value: object) -> str:
    return repr(value.text if isinstance(value, Quantity) else value)


def checked_call(subject: str) -> Callable[[Function], Function]:
    """Check the calls of a method; *subject* names the call, with ``{self}`` for the object."""

    def decorate(method: Function) -> Function:
        @wraps(method)
        def checked(self: object, *args: Any, **kwargs: Any) -> Any:
            try:
                return method(self, *args, **kwargs)
            except TypeError as error:
                bound = method.__get__(self)
                attempt = partial(bound, *args, **kwargs)
                _answer(error, subject.format(self=self), signature(bound), attempt)
                raise

        return cast("Function", checked)

    return decorate


def checked_function(subject: str) -> Callable[[Function], Function]:
    """The same for a function."""

    def decorate(function: Function) -> Function:
        @wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except TypeError as error:
                _answer(error, subject, signature(function), partial(function, *args, **kwargs))
                raise

        return cast("Function", checked)

    return decorate


def _answer(error: TypeError, subject: str, takes: Signature, attempt: partial[Any]) -> None:
    """Raise what of *attempt* does not fit what it *takes*, if that is why it ended in *error*."""
    if isinstance(error, InvalidConfig):
        return
    # Most programs never fail, and importing us must stay almost free.
    from flyte_dask.errors.usage_errors import raise_what_does_not_fit  # noqa: PLC0415

    raise_what_does_not_fit(subject, takes, attempt)
