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

__all__ = [
    "FORMATS",
    "MOST_CHARACTERS",
    "Document",
    "Format",
    "NotThatFormat",
    "dumped",
    "loaded",
    "too_long",
]

Format: TypeAlias = Literal["toml", "yaml", "json"]

FORMATS: Mapping[str, Format] = {
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
}
"""The formats, by suffix of the file."""

MOST_CHARACTERS: Mapping[Format, int] = {"toml": 800_000, "yaml": 100_000, "json": 800_000}
"""The maximum length of a text, which is parsed in about a second; team files are far shorter."""

_MOST_PARTS = 20  # of a dotted key of TOML, for whose parts its parser takes quadratic time
_MOST_MERGED = 10_000  # keys that YAML's merges copy, which can double with each of them

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


def too_long(fmt: Format) -> NotThatFormat:
    """The error for a text that is longer than one of this format may be."""
    return NotThatFormat(f"is longer than the {MOST_CHARACTERS[fmt]:,} characters of a team file")


def loaded(text: str, fmt: Format) -> Document:
    """*text* as data.

    Raises:
        NotThatFormat: if it is invalid, too long to be a team file, or has a duplicate key.
        MissingExtra: if its parser is not installed.
    """
    if len(text) > MOST_CHARACTERS[fmt]:
        raise too_long(fmt)
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
        remedy = "install flyte-dask with its extra 'files'"
        raise MissingExtra(f"this needs {package}, which is not installed: {remedy}") from error


_DOTTED = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){%d}""" % _MOST_PARTS  # noqa: UP031  # braces
)
"""The beginning of a key, or of any text, with too many parts."""


def _load_toml(text: str) -> Document:
    if long := _DOTTED.search(text):
        before = text.count("\n", 0, long.start())
        raise NotThatFormat(f"has a key of over {_MOST_PARTS} parts", before + 1)
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
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        lines = dict(_nodes(root, loader, yaml))
        _check_merges(root, yaml)
        data = None if root is None else loader.construct_document(root)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error)
        raise NotThatFormat(f"is not valid YAML: {what}", mark.line + 1 if mark else None) from None
    return Document({} if data is None else data, lines)


def _check_merges(root: Any, yaml: ModuleType) -> None:
    """Raise `NotThatFormat` if merges would copy too many keys."""
    sizes: dict[int, int] = {}
    """The number of keys of each table, with those that are merged into it."""

    def size(node: Any) -> int:
        if not isinstance(node, yaml.MappingNode):
            return 0
        if id(node) not in sizes:
            sizes[id(node)] = _MOST_MERGED  # if it is merged into itself
            sizes[id(node)] = sum(
                sum(map(size, merged(value))) if key.tag == _MERGE else 1
                for key, value in node.value
            )
        return sizes[id(node)]

    def merged(value: Any) -> list[Any]:
        return value.value if isinstance(value, yaml.SequenceNode) else [value]

    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or not isinstance(getattr(node, "value", None), list):
            continue
        seen.add(id(node))
        if size(node) > _MOST_MERGED:
            raise NotThatFormat(f"merges over {_MOST_MERGED:,} keys", node.start_mark.line + 1)
        is_table = isinstance(node, yaml.MappingNode)
        waiting += [value for _, value in node.value] if is_table else node.value


def _nodes(root: Any, loader: Any, yaml: ModuleType) -> Iterator[tuple[Path, int]]:
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
            name, line = _name_of(key, loader, yaml), key.start_mark.line + 1
            if name in names:
                raise NotThatFormat("is a duplicate key", line, (*above, name))
            names.add(name)
            yield (*above, name), line
            waiting.append(((*above, name), value))


def _name_of(key: Any, loader: Any, yaml: ModuleType) -> str:
    """The key of a mapping as it is loaded: ``yes`` and ``true`` are equal."""
    if not isinstance(key, yaml.ScalarNode):
        raise NotThatFormat("has a key that is no text", key.start_mark.line + 1)
    is_text = key.tag in _TEXTS
    return str(key.value if is_text else loader.construct_object(key))


_MERGE = "tag:yaml.org,2002:merge"
_TEXTS = ("tag:yaml.org,2002:str", _MERGE)  # a merge cannot be loaded
_NAMES = {"toml": "TOML", "json": "JSON", "yaml": "YAML"}
_LOADERS = {"toml": _load_toml, "json": _load_json, "yaml": _load_yaml}
