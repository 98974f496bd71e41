"""Lines of a repository that install the official plugin's package, or a version of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import version
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple, final

from packaging.version import InvalidVersion, Version

from flyte_dask_cli.repository import files_of, text_of

__all__ = ["OFFICIAL", "Mention", "Mentions", "mentions"]

OFFICIAL = "flytekitplugins-dask"

_REPLACE = f"put flyte-dask in the place of {OFFICIAL}"
_GENERATE = "generate this file again, once its sources name flyte-dask"

_END = r"(?:(?![\w.-]*\w)|(?=-\d))"  # also in front of the version in the name of a wheel
_OFFICIAL = re.compile(rf"(?<![\w.-])flytekitplugins[-_.]dask{_END}", re.IGNORECASE)
_OWN = re.compile(rf"(?<![\w.-])(?:flyte-dask|flyte_dask(?=\s*[=~><]=)){_END}", re.IGNORECASE)
_MODULE = "flytekitplugins.dask"  # the name of the module, which stays

_REST = r"(?:\$\([^)]*\)|[^\s,;\"'\])\\#])"  # a variable of make, or anything up to the end
_ONE = rf"(?:(?:===?|~=|!=|>=|<=)\s*{_REST}+|[<>^~=]\s*\d{_REST}*)"
_EXTRAS = r"\s*(?:\[[^\]]*\])?"
_IN_TOML = r"[\"']?\s*=\s*(?:{[^}]*?\bversion\s*=\s*)?[\"'](?P<toml>[^\"'*]*\d[^\"'*]*)[\"']"
_PIN = re.compile(rf"{_EXTRAS}(?:{_IN_TOML}|\s*\(?\s*(?P<pin>{_ONE}(?:\s*,\s*{_ONE})*))")
_LOWER = re.compile(r"(?:^|,)\s*(?:===?|~=|>=|[>^~=])?\s*v?(\d+(?:\.\d+)*)")
"""The versions of a pin that are no upper bounds."""

_DOCUMENTS = {".md", ".rst", ".adoc"}
_LOCKED = {".lock"}
_LOCK_FILES = {"conda-lock.yml", "conda-lock.yaml", "pylock.toml"}
_MOST_FILES = 50_000


@final
class Mention(NamedTuple):
    """One line to change."""

    file: Path
    line: int
    text: str
    remedy: str


@final
class Mentions(NamedTuple):
    """All lines to change."""

    found: Sequence[Mention]
    is_complete: bool
    """Whether all files were searched, and not only the first 50,000."""


def mentions(folders: Iterable[Path]) -> Mentions:
    """The lines below *folders* that install the official plugin, or a version of it.

    They are looked for in all text files but documents, since these mention packages for other
    reasons. A lock file, or a requirement with hashes, has to be generated again; of a lock file
    only the first line is returned.
    """
    files = iter(dict.fromkeys(chain.from_iterable(map(files_of, folders))))
    found = [each for path in islice(files, _MOST_FILES) for each in _in_file(path)]
    return Mentions(sorted(found), next(files, None) is None)


def _in_file(path: Path) -> Iterator[Mention]:
    text = None if path.suffix.lower() in _DOCUMENTS else text_of(path)
    if text is None or not (_OFFICIAL.search(text) or _OWN.search(text)):
        return
    lines = text.splitlines()
    found = _in_lines(path, lines)
    if path.suffix in _LOCKED or path.name in _LOCK_FILES:
        yield from (each._replace(remedy=_GENERATE) for each in islice(found, 1))
    else:
        yield from found


def _in_lines(path: Path, lines: Sequence[str]) -> Iterator[Mention]:
    for number, line in enumerate(lines, start=1):
        remedy = None if line.lstrip().startswith("#") else _remedy(line)
        if remedy:
            following = lines[number] if line.endswith("\\") and number < len(lines) else ""
            has_hash = "--hash=" in f"{line}{following}"
            yield Mention(path, number, line.strip(), _GENERATE if has_hash else remedy)


def _remedy(line: str) -> str | None:
    """What to change in *line*; None if there is nothing."""
    for found in _OFFICIAL.finditer(line):
        if found[0] != _MODULE:
            pin = _pin(line, found.end())
            return f"write flyte-dask without {pin}" if pin else _REPLACE
    for found in _OWN.finditer(line):
        pin = _pin(line, found.end())
        if pin and any(map(_is_unknown, _LOWER.findall(pin))):
            return f"write flyte-dask without {pin}, which is a version of {OFFICIAL}"
    return None


def _pin(line: str, start: int) -> str | None:
    """The constraint on the version of the package whose name ends at *start*."""
    found = _PIN.match(line, start)
    return found and (found["toml"] or found["pin"]).strip()


def _is_unknown(text: str) -> bool:
    """Whether this is a later version of flyte-dask than the installed one."""
    try:
        return Version(text) > _installed()
    except InvalidVersion:
        return False


@cache
def _installed() -> Version:
    return Version(version("flyte-dask"))
