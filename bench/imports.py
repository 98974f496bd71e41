"""The cost of imports: the plugin after flytekit, and flytekit with either plugin installed."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from bench.alternating import alternate, cost, row
from bench.results import Section, Target, at_most
from bench.venvs import Side, Sides

TURNS = 15
_HEAVY = ("dask", "distributed", "betterproto", "rich", "bokeh", "cattrs", "jinja2")
_UNWANTED = {"dask", "betterproto", "rich", "bokeh"}
# flytekit imports all installed plugins; here it finds none, so that ours is measured alone.
_CODE = """
import importlib.metadata, json, sys, time
real = importlib.metadata.entry_points
importlib.metadata.entry_points = lambda **named: (
    () if named.get("group") == "flytekit.plugins" else real(**named)
)
import flytekit
importlib.metadata.entry_points = real
assert not any(name.startswith("flytekitplugins.") for name in sys.modules)
found = []
for statement in json.loads(sys.argv[1]):
    before, start = set(sys.modules), time.process_time()
    exec(statement)
    seconds, more = time.process_time() - start, set(sys.modules) - before
    roots = {name.partition(".")[0] for name in more} - {name.partition(".")[0] for name in before}
    found.append({"ms": seconds * 1000, "modules": len(more), "loads": sorted(roots)})
print(json.dumps(found))
"""
_CLASSES = "from flytekitplugins.dask import Dask, Scheduler, WorkerGroup"
_PRESETS = "from flytekitplugins.dask import presets"


def report(sides: Sides) -> Section:
    """The section, in Markdown."""
    ours, theirs = alternate(
        TURNS,
        partial(_import, sides.ours, "import flytekitplugins.dask.plugin", _CLASSES, _PRESETS),
        partial(_import, sides.official, "import flytekitplugins.dask", _CLASSES),
    )
    whole = alternate(TURNS, *(partial(_whole, side) for side in sides))
    plugin, classes, presets = zip(*ours, strict=True)
    their_plugin, their_classes = zip(*theirs, strict=True)
    rows = [
        row(
            "the plugin's entry point, which `import flytekit` loads",
            _ms(plugin),
            _ms(their_plugin),
            unit="ms",
        ),
        _modules("its modules", plugin, their_plugin),
        row(f"then `{_CLASSES}`", _ms(classes), _ms(their_classes), unit="ms"),
        _modules("its modules", classes, their_classes),
        row(f"then `{_PRESETS}`", _ms(presets), unit="ms"),
        _modules("its modules", presets),
        row('total of `python -c "import flytekit"`, CPU', whole[0], whole[1]),
    ]
    loaded, known = set(plugin[0]["loads"]), _loaded(plugin, classes, presets)
    text = f"""## Imports

Separate Python processes, {TURNS} turns. Times are CPU times, which other load affects less.

| import | flyte-dask | official plugin | ratio |
|---|---|---|---|
{chr(10).join(rows)}

Of {", ".join(_HEAVY)}, the entry point
of flyte-dask loads: {_listed(loaded)}; with its classes and presets: {_listed(known)}. The official
plugin loads: {_listed(_loaded(their_plugin))}.
"""
    middle = sorted(_ms(plugin))[TURNS // 2]
    unwanted = loaded & _UNWANTED
    return Section(
        text,
        [
            at_most("time added to `import flytekit`", 5, middle, " ms"),
            at_most("modules added to `import flytekit`", 40, plugin[0]["modules"]),
            Target("loads dask, betterproto, rich, bokeh", "none", _listed(unwanted), not unwanted),
        ],
    )


def _import(side: Side, *statements: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(side.output("-c", _CODE, json.dumps(statements)))
    return found


def _whole(side: Side) -> float:
    return cost(side.python, "-c", "import flytekit", cwd=side.bin).cpu


def _ms(found: tuple[dict[str, Any], ...]) -> list[float]:
    return [each["ms"] for each in found]


def _modules(what: str, ours: tuple[dict[str, Any], ...], theirs: tuple[Any, ...] = ()) -> str:
    numbers = [str(each[0]["modules"]) if each else "" for each in (ours, theirs)]
    return f"| {what} | {' | '.join(numbers)} | |"


def _loaded(*found: tuple[dict[str, Any], ...]) -> set[str]:
    return {name for each in found for name in each[0]["loads"]}


def _listed(names: set[str]) -> str:
    return ", ".join(each for each in _HEAVY if each in names) or "none"
