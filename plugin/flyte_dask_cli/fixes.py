"""Rewrites of misspelt amounts in the user's code: only string literals that are found exactly."""

from __future__ import annotations

import ast
import io
import os
import shutil
import tempfile
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any, final

import attrs

__all__ = ["ByHand", "Fixed", "Plan", "plan", "write"]

_SIDES = ("requests", "limits")
_NO_END = "\\ No newline at end of file"


@final
@attrs.frozen
class Fixed:
    """A file, before and after its rewrites."""

    path: str
    before: str
    after: str
    number: int
    """The number of rewrites."""

    def diff(self) -> str:
        """The rewrites as a unified diff."""
        before, after = ([*io.StringIO(each)] for each in (self.before, self.after))
        lines = unified_diff(before, after, f"a/{self.path}", f"b/{self.path}")
        return "".join(each if each.endswith("\n") else f"{each}\n{_NO_END}\n" for each in lines)


@final
@attrs.frozen
class ByHand:
    """A text that is not rewritten, since it is no plain string in the call that failed."""

    path: str
    line: int
    """The line of the only string of the file with this text; if it has none or more, of a use."""
    old: str
    new: str
    used: tuple[int, ...]
    """The lines of the calls that failed because of it."""


@final
@attrs.frozen
class Plan:
    """The rewrites of all findings."""

    files: tuple[Fixed, ...]
    by_hand: tuple[ByHand, ...]
    """What has to be rewritten by hand: texts that were not found exactly once at their place."""

    @property
    def number(self) -> int:
        """The number of rewrites."""
        return sum(each.number for each in self.files)


def plan(findings: Iterable[Mapping[str, Any]]) -> Plan:
    """The rewrites of those *findings* that have a replacement; nothing is written."""
    by_file: dict[str, list[Mapping[str, Any]]] = {}
    for each in findings:
        if each["replacement"] and each["file"]:
            by_file.setdefault(each["file"], []).append(each)
    fixed: list[Fixed] = []
    by_hand: list[ByHand] = []
    for path, found in by_file.items():
        source = _read(path) or ""
        tree = _parsed(source)
        literals, others = _located(source, tree, found)
        by_hand += _by_hand(path, tree, others)
        if literals:
            fixed.append(Fixed(path, source, _rewritten(source, literals), len(literals)))
    return Plan(tuple(fixed), tuple(by_hand))


def write(fixed: Fixed) -> None:
    """Write the rewrites of one file; it has either its old or its new content at any time.

    Raises:
        OSError: if the file changed in the meantime, or cannot be written.
    """
    path = Path(os.path.realpath(fixed.path))  # a link stays one
    if _read(str(path)) != fixed.before:
        raise OSError("it has changed while it was checked: run the command again")
    encoding = _encoding(path.read_bytes())
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(fixed.after.encode(encoding))
        shutil.copymode(path, name)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _read(path: str) -> str | None:
    """The source with its line ends as they are; None if it cannot be read as Python's."""
    try:
        content = Path(path).read_bytes()
        return content.decode(_encoding(content))
    except (OSError, SyntaxError, UnicodeError):
        return None


def _encoding(content: bytes) -> str:
    return tokenize.detect_encoding(io.BytesIO(content).readline)[0]


def _parsed(source: str) -> ast.AST:
    """The code of *source*; empty if it is invalid."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _located(
    source: str, tree: ast.AST, findings: Iterable[Mapping[str, Any]]
) -> tuple[dict[ast.Constant, str], list[Mapping[str, Any]]]:
    """The literals of *findings*, each with its new text; and the findings without one."""
    lines = source.encode().splitlines(keepends=True)
    literals: dict[ast.Constant, str] = {}
    others = []
    for each in findings:
        found = [*_literals(tree, each)]
        old, new = each["replacement"]["old"], each["replacement"]["new"]
        if len(found) == 1 and _segment(lines, found[0])[1:-1] == old.encode():
            literals[found[0]] = new
        else:
            others.append(each)
    return literals, others


def _by_hand(path: str, tree: ast.AST, findings: Iterable[Mapping[str, Any]]) -> Iterator[ByHand]:
    """What to rewrite by hand for *findings*, each text once if its string is known."""
    used: dict[tuple[int, str, str], list[int]] = {}
    for each in findings:
        old, new, line = *(each["replacement"][key] for key in ("old", "new")), each["line"]
        used.setdefault((_only_line(tree, old) or line, old, new), []).append(line)
    for (line, old, new), lines in used.items():
        yield ByHand(path, line, old, new, tuple(dict.fromkeys(lines)))


def _only_line(tree: ast.AST, text: str) -> int | None:
    """The line of the only string with this *text*; None if there is none, or several."""
    found = [
        each.lineno
        for each in ast.walk(tree)
        if isinstance(each, ast.Constant) and each.value == text
    ]
    return found[0] if len(found) == 1 else None


def _literals(tree: ast.AST, finding: Mapping[str, Any]) -> Iterator[ast.Constant]:
    """The strings that the *finding* may be about: arguments of calls at its line."""
    line, (call, old) = finding["line"], (finding["replacement"][key] for key in ("call", "old"))
    *above, dimension = finding["path"].split(".")
    side = next((each for each in above if each in _SIDES), None)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or _name(node) != call:
            continue
        if node.lineno <= line <= (node.end_lineno or node.lineno):
            for value in _arguments(node, side, dimension):
                if isinstance(value, ast.Constant) and value.value == old:
                    yield value


def _arguments(call: ast.Call, side: str | None, dimension: str) -> Iterator[ast.expr]:
    """The amount of *dimension*; on a *side* that of the pair, or of the resources of that side."""
    amount = _keyword(call, dimension)
    if side is None:
        yield from amount
        return
    for pair in amount:
        if isinstance(pair, (ast.Tuple, ast.List)) and len(pair.elts) == len(_SIDES):
            yield pair.elts[_SIDES.index(side)]
    for resources in _keyword(call, side):
        if isinstance(resources, ast.Call):
            yield from _keyword(resources, dimension)


def _keyword(call: ast.Call, name: str) -> Sequence[ast.expr]:
    return [each.value for each in call.keywords if each.arg == name]


def _name(call: ast.Call) -> str | None:
    """The name of the function that is called, without its module or object."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else None


def _segment(lines: Sequence[bytes], node: ast.expr) -> bytes:
    """The source of *node*, in UTF-8; empty if it is on several lines."""
    if node.end_lineno != node.lineno:
        return b""
    return lines[node.lineno - 1][node.col_offset : node.end_col_offset]


def _rewritten(source: str, literals: Mapping[ast.Constant, str]) -> str:
    """*source* with the new texts of *literals*, in their own quotes."""
    lines = source.encode().splitlines(keepends=True)
    for node in sorted(literals, key=lambda each: each.col_offset, reverse=True):
        line, start, end = lines[node.lineno - 1], node.col_offset, node.end_col_offset or 0
        new = literals[node].encode()
        lines[node.lineno - 1] = line[: start + 1] + new + line[end - 1 :]
    return b"".join(lines).decode()
