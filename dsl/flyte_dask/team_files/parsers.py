"""Parsers and writers of TOML, YAML and JSON, with the line of each key."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, Literal, TypeAlias, final

import attrs

from flyte_dask.errors import MissingExtra

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["FORMATS", "Document", "Format", "NotThatFormat", "dumped", "loaded"]

Format: TypeAlias = Literal["toml", "yaml", "json"]

FORMATS: Mapping[str, Format] = {
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
}
"""The formats, by suffix of the file."""

Path: TypeAlias = tuple[str | int, ...]


@final
class NotThatFormat(Exception):
    """A text that is not valid in its format, with the line if that is known."""

    def __init__(self, rule: str, line: int | None = None, path: Path = ()) -> None:
        super().__init__(rule)
        self.rule = rule
        self.line = line
        self.path = path


@attrs.frozen
class Document:
    """A parsed text."""

    data: Any
    lines: Mapping[Path, int] = attrs.field(factory=dict)
    """The line of each path, as far as known."""

    def line(self, path: Path) -> int | None:
        """The line of *path*, or of the nearest parent that has one."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None


def loaded(text: str, fmt: Format) -> Document:
    """*text* as data.

    Raises:
        NotThatFormat: if it is invalid, or has a duplicate key.
        MissingExtra: if its parser is not installed.
    """
    try:
        return _LOADERS[fmt](text)
    except RecursionError:
        raise NotThatFormat("is nested too deeply") from None
    except ValueError as error:  # such as a 13th month
        raise NotThatFormat(f"is not valid {_NAMES[fmt]}: {error}") from None


def dumped(data: Mapping[str, Any], fmt: Format) -> str:
    """*data* as text.

    Raises:
        MissingExtra: if the package that writes it is not installed.
    """
    if fmt == "json":
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    if fmt == "toml":
        toml: str = _extra("tomli_w", "tomli-w").dumps(data)
        return toml
    yaml = _extra("yaml", "PyYAML")
    dump = partial(yaml.safe_dump, data, sort_keys=False)
    shown: str = dump(allow_unicode=True)
    return shown if yaml.safe_load(shown) == data else dump()  # escapes rare line breaks


def _extra(module: str, package: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        remedy = "pip install 'flyte-dask[files]'"
        raise MissingExtra(f"this needs {package}, which is not installed: {remedy}") from error


def _load_toml(text: str) -> Document:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, where = str(error).partition(" (at ")
        line = where.removeprefix("line ").partition(",")[0]
        rule = f"is not valid TOML: {message[:1].lower()}{message[1:]}"
        raise NotThatFormat(rule, int(line) if line.isdigit() else None) from None
    return Document(data, dict(_lines_of_toml(text)))


def _lines_of_toml(text: str) -> Iterator[tuple[Path, int]]:
    """Each path in valid TOML, with its line.

    Each statement, a header or a key with its value, is valid TOML on its own.
    """
    header: Path = ()
    prefix: Path
    begins = 1
    for statement in _statements_of_toml(text.replace("\r\n", "\n")):
        paths = list(_paths(tomllib.loads(statement)))
        if statement.lstrip().startswith("["):
            header = max(paths, key=len, default=())
            paths, prefix = [header], ()
        else:
            prefix = header
        for path in paths:
            yield (*prefix, *path), begins
        begins += statement.count("\n")


_OF_TOML = re.compile(
    r'''"""(?:[^\\]|\\.)*?"""(?!")'''
    r"|'''.*?'''(?!')"
    r"""|"(?:[^"\\]|\\.)*"|'[^']*'|\#[^\n]*|[\[\]{}\n]""",
    re.DOTALL,
)
"""Strings, whose long ones may end in more quotes, comments, brackets and ends of lines."""


def _statements_of_toml(text: str) -> Iterator[str]:
    """The statements of valid TOML, each with the end of its line; and what is between them."""
    begin = depth = 0
    for each in _OF_TOML.finditer(text):
        if each[0] in {"[", "{"}:
            depth += 1
        elif each[0] in {"]", "}"}:
            depth -= 1
        elif each[0] == "\n" and not depth:
            yield text[begin : each.end()]
            begin = each.end()
    yield text[begin:]


def _paths(data: object, above: Path = ()) -> Iterator[Path]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*above, key)
            yield from _paths(value, (*above, key))


def _load_json(text: str) -> Document:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise NotThatFormat(f"is not valid JSON: {error.msg}", error.lineno) from None
    lines: dict[Path, int] = {}
    for path, line in _lines_of_json(text):
        if path in lines:
            raise NotThatFormat("is a duplicate key", line, path)
        lines[path] = line
    return Document(data, lines)


_OF_JSON = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:\n]')


def _lines_of_json(text: str) -> Iterator[tuple[Path, int]]:
    """Each path in valid JSON, with its line, except inside lists."""
    path: Path = ()
    around: list[Path | None] = []
    """The paths of all open objects; None for a list, and for everything inside one."""
    line, latest = 1, ""
    for each in _OF_JSON.findall(text):
        if each == "\n":
            line += 1
        elif each in "[{":
            in_list = each == "[" or None in around
            around.append(None if in_list else path)
        elif each in "]}":
            around.pop()
        elif each != ":":
            latest = each
        elif (above := around[-1]) is not None:
            path = (*above, json.loads(latest))
            yield path, line


def _load_yaml(text: str) -> Document:
    yaml = _extra("yaml", "PyYAML")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = dict(_nodes(root, yaml))
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error)
        raise NotThatFormat(f"is not valid YAML: {what}", mark.line + 1 if mark else None) from None
    return Document({} if data is None else data, lines)


def _nodes(root: Any, yaml: ModuleType) -> Iterator[tuple[Path, int]]:
    """Each path with its line, the first one if an alias repeats it."""
    waiting: list[tuple[Path, Any]] = [((), root)]
    seen: set[int] = set()
    while waiting:
        above, node = waiting.pop()
        if not isinstance(node, yaml.MappingNode) or id(node) in seen:
            continue
        seen.add(id(node))
        names: set[str] = set()
        for key, value in node.value:
            name, line = _name_of(key, yaml), key.start_mark.line + 1
            if name in names:
                raise NotThatFormat("is a duplicate key", line, (*above, name))
            names.add(name)
            yield (*above, name), line
            waiting.append(((*above, name), value))


def _name_of(key: Any, yaml: ModuleType) -> str:
    """The key of a mapping as it is loaded: ``yes`` and ``true`` are equal."""
    is_text = key.tag in _TEXTS or not isinstance(key, yaml.ScalarNode)
    return str(key.value if is_text else yaml.safe_load(yaml.serialize(key)))


_TEXTS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")  # a merge cannot be loaded
_NAMES = {"toml": "TOML", "json": "JSON", "yaml": "YAML"}
_LOADERS = {"toml": _load_toml, "json": _load_json, "yaml": _load_yaml}
