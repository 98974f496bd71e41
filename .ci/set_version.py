"""``python .ci/set_version.py 0.2.0 2026-12-31``: set the version wherever it stands.

The files are those of the working directory. The section "Unreleased" of the changelog becomes that
of the version, with the date. Nothing changes if all of it is done already.
"""

import re
import sys
from pathlib import Path

_WHEEL = re.compile(r"(?<=flyte_dask-)[\w.]+?(?=-py3-none-any\.whl)")
_UNRELEASED = re.compile(
    r"^## \[Unreleased\]\n(?P<entries>.*?)(?=^## \[|^\[)", re.MULTILINE | re.DOTALL
)


def main(version: str, date: str) -> None:
    """Change all files, or none."""
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", version):
        sys.exit(f"{version!r} is not a version such as 0.2.0 or 0.2.0rc1")
    changelog = Path("CHANGELOG.md")
    new = {changelog: _changelog(changelog.read_text("utf-8"), version, date)}
    for name, pattern in (
        ("pyproject.toml", r'(?<=^version = ").*(?="$)'),
        ("CITATION.cff", r"(?<=^version: ).*$"),
    ):
        text, count = re.subn(pattern, version, Path(name).read_text("utf-8"), flags=re.MULTILINE)
        if count != 1:
            sys.exit(f"{name} has {count} versions, not 1")
        new[Path(name)] = text
    for page in Path("docs").glob("*.md"):
        new[page] = _WHEEL.sub(version, page.read_text("utf-8"))
    for path, text in new.items():
        path.write_text(text, "utf-8")


def _changelog(text: str, version: str, date: str) -> str:
    """The changelog *text* with a section for *version*."""
    unreleased = _UNRELEASED.search(text)
    if unreleased is None:
        sys.exit("CHANGELOG.md has no section [Unreleased]")
    has_entries = bool(unreleased["entries"].strip())
    if f"## [{version}]" in text:
        if has_entries:
            sys.exit(f"CHANGELOG.md has entries for {version}, and others that are unreleased")
        return text
    if not has_entries:
        sys.exit("CHANGELOG.md has nothing to release: its section [Unreleased] is empty")
    text = text.replace("## [Unreleased]\n", f"## [Unreleased]\n\n## [{version}] - {date}\n", 1)
    return _linked(text, version)


def _linked(text: str, version: str) -> str:
    """The changelog *text* with links to what changed in *version*, and since then."""
    (repository,) = re.findall(
        r"^\[Unreleased\]: (https://.*?)/(?:compare|commits)/", text, re.MULTILINE
    )
    earlier = re.search(r"^\[Unreleased\]: \S+/compare/(v\S+)\.\.\.HEAD$", text, re.MULTILINE)
    changes = f"compare/{earlier[1]}...v{version}" if earlier else f"commits/v{version}"
    links = (
        f"[Unreleased]: {repository}/compare/v{version}...HEAD\n"
        f"[{version}]: {repository}/{changes}\n"
    )
    return re.sub(r"^\[Unreleased\]: .*\n", lambda _: links, text, flags=re.MULTILINE)


if __name__ == "__main__":
    main(*sys.argv[1:])
