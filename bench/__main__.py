"""All measurements, or those that are named: `just bench`, `just bench packaging`."""

from __future__ import annotations

import importlib
import sys

from bench.results import RESULTS, Section, write
from bench.venvs import venvs

# Those of whole processes come first, while this one is small: the system counts it in their peaks.
SECTIONS = ["imports", "configs", "packaging", "command", "local", "runtime", "deck", "faults"]


def main(names: list[str]) -> None:
    """Measure, write results.md and print it."""
    if unknown := set(names) - set(SECTIONS):
        sys.exit(f"no such part: {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    found: dict[str, Section] = {}
    with venvs() as sides:
        for name in names or SECTIONS:
            print(f"{name} ...", file=sys.stderr, flush=True)
            found[name] = importlib.import_module(f"bench.{name}").report(sides)
            write(found, SECTIONS, sides)
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(sys.argv[1:])
