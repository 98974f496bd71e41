"""Generate the betterproto classes of Flyte's Dask messages; with ``--check``, show differences."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

from codegen.comments import CommentsDoNotFit
from codegen.generate import (
    PACKAGE,
    GenerationFailed,
    Sources,
    generate,
    installed,
    replace_package,
)

GENERATED = Path(__file__).resolve().parent.parent / "generated" / PACKAGE


def main(arguments: Sequence[str] | None = None, folder: Path = GENERATED) -> int:
    """Run the command; exit status 0: written or up to date, 1: outdated, 2: error."""
    parser = argparse.ArgumentParser(prog="python -m codegen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, print the differences")
    check = parser.parse_args(arguments).check
    try:
        fresh = generate()
    except (GenerationFailed, CommentsDoNotFit) as error:
        print(f"error: nothing was written: {error}", file=sys.stderr)
        return 2
    drift = differences(installed(folder), fresh)
    if not check:
        replace_package(folder, fresh)
        print(f"{PACKAGE}: {len(fresh)} files, {'changed' if drift else 'unchanged'}")
        return 0
    if drift:
        print(f"{drift}\n{PACKAGE} is out of date: run `just codegen`")
        return 1
    return 0


def differences(old: Sources, new: Sources) -> str:
    """A unified diff of two trees; empty if they differ at most in the line of versions."""
    lines: list[str] = []
    for name in sorted({*old, *new}):
        before, after = (_comparable(tree.get(name)) for tree in (old, new))
        if before is None or after is None:
            lines.append(f"{'missing' if before is None else 'not generated any more'}: {name}")
        else:
            lines += difflib.unified_diff(before, after, f"now/{name}", f"new/{name}", lineterm="")
    return "\n".join(lines)


def _comparable(text: str | None) -> list[str] | None:
    """The lines without that of versions, since other releases may generate the same code."""
    if text is None:
        return None
    return [line for line in text.splitlines() if not line.startswith("# Versions: ")]


if __name__ == "__main__":
    raise SystemExit(main())
