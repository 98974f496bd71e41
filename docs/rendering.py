"""What the site makes of documents and docstrings, beside what mkdocs and griffe make of them."""

from __future__ import annotations

import posixpath
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

_LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)\s#]+)[^)]*\)")
_NAME = re.compile(r"(?<!`)`([A-Za-z_][\w.]*)`(?!`)")
_MAKERS = {"attrs.define", "attrs.frozen"}


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """*markdown*, in which files that are not on the site are named instead of linked.

    A hook of mkdocs. Where the repository is read such links work.
    """
    folder = posixpath.dirname(page.file.src_uri)

    def named(match: re.Match[str]) -> str:
        text, link = match.groups()
        path = posixpath.normpath(posixpath.join(folder, link))
        if not path.startswith("../"):
            return match[0]
        file = path.removeprefix("../")
        return text if file in text else f"{text} (`{file}`)"

    return _LINK.sub(named, markdown)


class Linked(Extension):
    """Links the names in docstrings, such as `Dask`, to where they are documented."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Link those of one docstring."""
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
    """Shows defaults that only our own modules know, such as one for unsaid, as three dots."""

    def on_function(self, *, func: Function, **_: Any) -> None:
        """Show those of one function."""
        for parameter in func.parameters:
            if str(parameter.default).startswith("_"):
                parameter.default = "..."


class AttrsClasses(Extension):
    """Gives each class of attrs the ``__init__`` that attrs writes for it, as griffe reads none."""

    def on_class(self, *, cls: Class, loader: GriffeLoader, **_: Any) -> None:
        """Give it to one class."""
        for decorator in cls.decorators:
            if decorator.callable_path in _MAKERS:
                all_named = _arguments(decorator.value).get("kw_only") == "True"
                parameters = Parameters(Parameter("self"), *_parameters(cls, loader, all_named))
                cls.set_member("__init__", Function("__init__", parameters=parameters))


def _parameters(cls: Class, loader: GriffeLoader, all_named: bool) -> Iterator[Parameter]:
    fields = [each for each in cls.members.values() if isinstance(each, Attribute)]
    for field in fields:
        if field.annotation is None or "instance-attribute" not in field.labels:
            continue
        said = _arguments(field.value)
        name = str(said.get("alias", field.name)).strip("'\"")
        if name.startswith("_") or said.get("init") == "False":
            continue  # our own modules' business
        is_named = all_named or said.get("kw_only") == "True"
        yield Parameter(
            name,
            annotation=_taken(said.get("converter"), loader) or field.annotation,
            kind=ParameterKind("keyword-only" if is_named else "positional or keyword"),
            default=said.get("default") if said else field.value,
        )


def _taken(converter: str | Expr | None, loader: GriffeLoader) -> str | Expr | None:
    """What *converter* takes."""
    if not isinstance(converter, (ExprName, ExprAttribute)):
        return None
    function: Function = loader.modules_collection[converter.canonical_path]
    return function.parameters[0].annotation


def _arguments(call: str | Expr | None) -> dict[str, str | Expr]:
    """The named arguments of *call*, if it is one."""
    if not isinstance(call, ExprCall):
        return {}
    return {each.name: each.value for each in call.arguments if isinstance(each, ExprKeyword)}
