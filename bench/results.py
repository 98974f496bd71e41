"""The results of all sections: kept in results.json, rendered in results.md."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import attrs

from bench.venvs import Sides

RESULTS = Path(__file__).with_name("results.md")
_JSON = RESULTS.with_suffix(".json")
_NAMED = ("flytekit", "flyteidl", "protobuf", "dask", "distributed", "attrs")


@attrs.frozen
class Target:
    """A target and its result."""

    what: str
    target: str
    found: str
    is_met: bool


def at_most(what: str, most: float, found: float, unit: str = "") -> Target:
    """A target with an upper limit."""
    return Target(what, f"at most {most:g}{unit}", f"{found:.4g}{unit}", found <= most)


@attrs.frozen
class Section:
    """A section of the results, in Markdown, with its targets."""

    text: str
    targets: list[Target] = attrs.field(factory=list)


def write(found: dict[str, Section], order: list[str], sides: Sides) -> None:
    """Write results.md from these sections, and earlier ones with the same header."""
    header = _header(sides)
    kept = _kept(header)
    kept.update({name: attrs.asdict(section) for name, section in found.items()})
    kept = {name: kept[name] for name in order if name in kept}
    parts = json.dumps({"header": header, "sections": kept}, indent=1)
    _JSON.write_text(parts + "\n", encoding="utf-8")
    RESULTS.write_text(_rendered(header, kept), encoding="utf-8")


def _kept(header: str) -> dict[str, Any]:
    earlier = json.loads(_JSON.read_text(encoding="utf-8")) if _JSON.exists() else {}
    return earlier["sections"] if earlier.get("header") == header else {}


def _header(sides: Sides) -> str:
    common, ours = sides.common(), sides.ours.versions()
    theirs = sides.official.versions()
    more = ", ".join(sorted(ours.keys() - theirs.keys() - {"flyte-dask"}))
    versions = ", ".join(f"{name} {common[name]}" for name in _NAMED)
    system = f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores"
    return f"""# Results

From `just bench` (one section: `just bench packaging`), on Python {platform.python_version()},
{system}. flyte-dask {ours["flyte-dask"]} against the official plugin, flytekitplugins-dask
{theirs["flytekitplugins-dask"]}, each in its own venv with the same {versions}; all {len(common)}
common packages have the same version, which is checked, and ours has in addition: {more}.

Both sides take turns, in an order that is reversed each time, after a warm-up turn that does not
count. Values are medians (minimum to maximum); a ratio is the median over turns of ours to the
other, so below 1 is better."""


def _rendered(header: str, sections: dict[str, Any]) -> str:
    targets = [Target(**each) for section in sections.values() for each in section["targets"]]
    lines = [
        f"| {each.what} | {each.target} | {each.found} | {'met' if each.is_met else '**missed**'} |"
        for each in targets
    ]
    table = "\n".join(["| measurement | target | result | status |", "|---|---|---|---|", *lines])
    texts = [section["text"].strip() for section in sections.values()]
    return "\n\n".join([header, "## Targets", table, *texts]) + "\n"
