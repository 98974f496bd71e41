"""Runs all sections, or the given ones: `just bench`, `just bench packaging`."""

from __future__ import annotations

import importlib
import sys

from bench.results import RESULTS, Section, write
from bench.venvs import venvs

# Sections of whole processes come first, while this one is small: their peak memory includes it.
SECTIONS = [
    *("imports", "configs", "packaging", "log", "command", "local"),
    *("runtime", "deck", "prediction", "collections", "faults", "flyte2"),
]


def main(names: list[str]) -> None:
    """Measure, write results.md and print it; exit with an error for unknown sections."""
    if unknown := set(names) - set(SECTIONS):
        sys.exit(f"unknown section: {', '.join(unknown)}; known sections: {', '.join(SECTIONS)}")
    found: dict[str, Section] = {}
    with venvs() as sides:
        for name in names or SECTIONS:
            print(f"{name} ...", file=sys.stderr, flush=True)
            found[name] = importlib.import_module(f"bench.{name}").report(sides)
            write(found, SECTIONS, sides)
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(sys.argv[1:])
