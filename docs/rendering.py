"""Extensions of griffe for the reference on the documentation site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from griffe import (
    Attribute,
    Class,
    Expr,
    ExprAttribute,
    ExprCall,
    ExprKeyword,
    ExprName,
    Extension,
    Function,
    GriffeLoader,
    NameResolutionError,
    Object,
    Parameter,
    ParameterKind,
    Parameters,
)

_NAME = re.compile(r"(?<!`)`([A-Za-z_][\w.]*)`(?!`)")
_ATTRS_DECORATORS = {"attrs.define", "attrs.frozen"}


class Linked(Extension):
    """Links names in docstrings, such as `Dask`, to their documentation."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Link the names of one docstring."""
        if obj.docstring is not None:
            obj.docstring.value = _NAME.sub(lambda match: _link(obj, match[1]), obj.docstring.value)


def _link(place: Object, name: str) -> str:
    first, dot, others = name.partition(".")
    try:
        path = place.resolve(first)
    except NameResolutionError:
        path = first
    return f'<autoref optional identifier="{path}{dot}{others}"><code>{name}</code></autoref>'


class Plain(Extension):
    """Shows private defaults, such as the one for unset, as three dots."""

    def on_function(self, *, func: Function, **_: Any) -> None:
        """Replace the private defaults of one function."""
        for parameter in func.parameters:
            if str(parameter.default).startswith("_"):
                parameter.default = "..."


class AttrsClasses(Extension):
    """Adds to each attrs class its generated ``__init__``, which griffe does not know."""

    def on_class(self, *, cls: Class, loader: GriffeLoader, **_: Any) -> None:
        """Add it to one class."""
        for decorator in cls.decorators:
            if decorator.callable_path in _ATTRS_DECORATORS:
                is_kw_only = _arguments(decorator.value).get("kw_only") == "True"
                parameters = Parameters(Parameter("self"), *_parameters(cls, loader, is_kw_only))
                cls.set_member("__init__", Function("__init__", parameters=parameters))


def _parameters(cls: Class, loader: GriffeLoader, is_kw_only: bool) -> Iterator[Parameter]:
    fields = [each for each in cls.members.values() if isinstance(each, Attribute)]
    for field in fields:
        if field.annotation is None or "instance-attribute" not in field.labels:
            continue
        options = _arguments(field.value)
        name = str(options.get("alias", field.name)).strip("'\"")
        if name.startswith("_") or options.get("init") == "False":
            continue  # private
        is_keyword = is_kw_only or options.get("kw_only") == "True"
        yield Parameter(
            name,
            annotation=_converted(options.get("converter"), loader) or field.annotation,
            kind=ParameterKind("keyword-only" if is_keyword else "positional or keyword"),
            default=options.get("default") if options else field.value,
        )


def _converted(converter: str | Expr | None, loader: GriffeLoader) -> str | Expr | None:
    """The type of the parameter of *converter*; None without one."""
    if not isinstance(converter, (ExprName, ExprAttribute)):
        return None
    function: Function = loader.modules_collection[converter.canonical_path]
    return function.parameters[0].annotation


def _arguments(call: str | Expr | None) -> dict[str, str | Expr]:
    """The keyword arguments of *call*; none if it is not a call."""
    if not isinstance(call, ExprCall):
        return {}
    return {each.name: each.value for each in call.arguments if isinstance(each, ExprKeyword)}
