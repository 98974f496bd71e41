"""What the sections found, kept in results.json and shown in results.md."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import attrs

from bench.venvs import Sides

RESULTS = Path(__file__).with_name("results.md")
_PARTS = RESULTS.with_suffix(".json")
_NAMED = ("flytekit", "flyteidl", "protobuf", "dask", "distributed", "attrs")


@attrs.frozen
class Target:
    """What is wanted, and what was found."""

    what: str
    wanted: str
    found: str
    is_met: bool


def at_most(what: str, most: float, found: float, unit: str = "") -> Target:
    """A target that is a number."""
    return Target(what, f"at most {most:g}{unit}", f"{found:.4g}{unit}", found <= most)


@attrs.frozen
class Section:
    """A part of the results: Markdown, and which targets it is about."""

    text: str
    targets: list[Target] = attrs.field(factory=list)


def write(found: dict[str, Section], order: list[str], sides: Sides) -> None:
    """Write results.md of these sections, and of those found earlier under the same versions."""
    header = _header(sides)
    kept = _kept(header)
    kept.update({name: attrs.asdict(section) for name, section in found.items()})
    kept = {name: kept[name] for name in order if name in kept}
    parts = json.dumps({"header": header, "sections": kept}, indent=1)
    _PARTS.write_text(parts + "\n", encoding="utf-8")
    RESULTS.write_text(_shown(header, kept), encoding="utf-8")


def _kept(header: str) -> dict[str, Any]:
    earlier = json.loads(_PARTS.read_text(encoding="utf-8")) if _PARTS.exists() else {}
    return earlier["sections"] if earlier.get("header") == header else {}


def _header(sides: Sides) -> str:
    common, ours = sides.common(), sides.ours.versions()
    theirs = sides.incumbent.versions()
    more = ", ".join(sorted(ours.keys() - theirs.keys() - {"flyte-dask"}))
    versions = ", ".join(f"{name} {common[name]}" for name in _NAMED)
    system = f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores"
    return f"""# Results

By `just bench` (one part: `just bench packaging`), on Python {platform.python_version()}, {system}.
flyte-dask {ours["flyte-dask"]} beside flytekitplugins-dask {theirs["flytekitplugins-dask"]}, the
incumbent, each in a venv of its own with the same {versions}; all {len(common)} packages that both
have are of the same version, which is checked, and ours has besides: {more}.

Both sides take turns, in an order that turns round each time, after a first turn that does not
count. What is shown is the median, with the least and the most; a ratio is the median of the turns'
ratios, ours to the other, so below 1 is better."""


def _shown(header: str, sections: dict[str, Any]) -> str:
    targets = [Target(**each) for section in sections.values() for each in section["targets"]]
    lines = [
        f"| {each.what} | {each.wanted} | {each.found} | {'met' if each.is_met else '**missed**'} |"
        for each in targets
    ]
    table = "\n".join(["| | wanted | found | |", "|---|---|---|---|", *lines])
    texts = [section["text"].strip() for section in sections.values()]
    return "\n\n".join([header, "## Targets", table, *texts]) + "\n"
