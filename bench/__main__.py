"""All measurements, written to bench/results.md."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

from bench import command, deck, dsl, runtime

RESULTS = Path(__file__).parent / "results.md"
_PACKAGES = ("flyte-dask", "flytekit", "attrs", "distributed")


def main() -> None:
    """Measure, write and print."""
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    title = f"By `just bench` on Python {platform.python_version()} with {versions}; medians."
    parts = ["# Results", title, dsl.report(), command.report(), runtime.report(), deck.report()]
    RESULTS.write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
