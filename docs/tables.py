"""``python -m docs.tables``: write the tables that are derived from the code.

Each such block stands between the comments ``tables: <its name>`` and ``/tables``.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from textwrap import fill, indent

import attrs
import tomli
from click.testing import CliRunner

from docs.record_fields import fields_of
from flyte_dask.catalog import NAMES, Preset, built_in
from flyte_dask.config.runtime import SETTINGS, Runtime, variable_of
from flyte_dask.prediction.platform import BASES, Base, Platform
from flyte_dask.prediction.remarks import BACKEND_RULES
from flyte_dask.quantities.formatting import counted
from flyte_dask.roles.resources import amounts
from flyte_dask.roles.roles import Scheduler, WorkerGroup
from flyte_dask.rules import RULES
from flyte_dask.team_files.tables import RuntimeTable
from flyte_dask_cli.main import cli
from flyte_dask_records import InputRecord, PrefixRecord, ProcessRecord, Record, WorkerRecord

PROJECT = Path(__file__).resolve().parent.parent

_RECORDS: Mapping[str, type] = {
    "record": Record,
    "worker": WorkerRecord,
    "process": ProcessRecord,
    "prefix": PrefixRecord,
    "input": InputRecord,
}
_DOCUMENTS = ("*.md", "docs/**/*.md", "mkdocs.yml")
MODULES = (
    "dsl/flyte_dask/presets.py",
    "dsl/flyte_dask/config/dask.py",
    "dsl/flyte_dask/errors/misplaced.py",
)
_BLOCK = re.compile(
    r"^(?P<indent> *)# tables: (?P<code>[\w -]+)\n.*?^ *# /tables$"
    r"|<!-- tables: (?P<document>[\w -]+) -->.*?<!-- /tables -->",
    re.MULTILINE | re.DOTALL,
)


def main(arguments: Sequence[str] | None = None, folder: Path = PROJECT) -> int:
    """Exit status: 0 written or up to date, 1 out of date, or blocks and places don't fit."""
    parser = argparse.ArgumentParser(prog="python -m docs.tables", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, print the differences")
    check = parser.parse_args(arguments).check
    paths = sorted(path for each in (*_DOCUMENTS, *MODULES) for path in folder.glob(each))
    old = {path: path.read_text(encoding="utf-8") for path in paths}
    blocks = _blocks()
    places = {_name(match) for text in old.values() for match in _BLOCK.finditer(text)}
    if blocks.keys() != places:
        odd = ", ".join(sorted(places ^ blocks.keys()))
        sys.exit(f"blocks without a place in a file, or places without a block: {odd}")
    new = {path: _BLOCK.sub(lambda match: _block(match, blocks), old[path]) for path in paths}
    stale = [path for path in paths if new[path] != old[path]]
    for path in stale:
        name, texts = path.relative_to(folder), (old[path].splitlines(), new[path].splitlines())
        print(*unified_diff(*texts, f"now/{name}", f"new/{name}", lineterm=""), sep="\n")
        if not check:
            path.write_text(new[path], encoding="utf-8")
    if check and stale:
        print("Tables are out of date: run `just tables`")
    return int(check and bool(stale))


def _name(match: re.Match[str]) -> str:
    return match["code"] or match["document"]


def _block(match: re.Match[str], blocks: dict[str, str]) -> str:
    """The block at *match*, as it should be."""
    name, text = _name(match), blocks[_name(match)]
    if match["code"]:
        return indent(f"# tables: {name}\n{text}\n# /tables", match["indent"])
    gap = "\n\n" if "\n" in text else ""
    return f"<!-- tables: {name} -->{gap}{text}{gap}<!-- /tables -->"


def _blocks() -> dict[str, str]:
    """The text of each block, by name."""
    presets, kinds = [built_in(name) for name in NAMES], Runtime.__annotations__
    exported = "".join(f'    "{name}",\n' for name in sorted(NAMES))
    rules = ((f"[`{code}`]({code}.md)", *rule) for code, rule in RULES.items())
    backend_rules = ((f"`{rule}`", text) for rule, text in BACKEND_RULES.items())
    printed = CliRunner().invoke(cli, ["presets"]).stdout
    return {
        "presets": _table(
            "preset | for | workers | CPUs | memory | GPUs | scheduler", map(_preset, presets)
        ),
        "preset attributes": "\n\n".join([f"__all__ += [\n{exported}]", *map(_attribute, presets)]),
        "command presets": (
            f"```sh\nflyte-dask presets  # without a team file\n```\n\n```text\n{printed}```"
        ),
        "rules": _table("code | severity | finds", rules),
        "rule pages": "\n".join(f"- {code}: advice/{code}.md" for code in RULES),
        "number of rules": str(len(RULES)),
        **{f"rule {code}": _head(code) for code in RULES},
        "settings": _table(
            "setting | environment variable | default | meaning", map(_setting, SETTINGS)
        ),
        "setting arguments": "\n".join(f"{name}: {kinds[name]} = _UNSET," for name in SETTINGS),
        "setting names": "\n".join(f'"{name}",' for name in SETTINGS),
        "backend rules": _table("rule | meaning", backend_rules),
        **{
            f"{name} fields": _table("field | type | meaning", fields_of(kind))
            for name, kind in _RECORDS.items()
        },
        "versions": _table("package | oldest version | newest tested", _versions()),
        "platforms": _table("base | Flyte | defaults | limits", map(_platform, BASES)),
    }


def _table(header: str, rows: Iterable[Iterable[str]]) -> str:
    rule = "|---" * len(header.split("|")) + "|"
    lines = [f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in rows]
    return "\n".join([f"| {header} |", rule, *lines])


def _head(code: str) -> str:
    """How the page about a rule of advice begins."""
    severity, title = RULES[code]
    return f"# {title[0].upper()}{title[1:]}\n\nRule `{code}`, severity {severity}."


def _setting(name: str) -> tuple[str, ...]:
    """The row of a setting."""
    default = repr(SETTINGS[name]).replace("'", '"')
    meaning = attrs.fields_dict(RuntimeTable)[name].metadata["description"]
    return f"`{name}`", f"`{variable_of(name)}`", f"`{default}`", meaning


def _platform(base: Base) -> tuple[str, ...]:
    platform = Platform(base=base)
    sides = (
        ", ".join(f"{name} {each}" for name, each in side.items()) or "none"
        for side in (platform.given, platform.allowed)
    )
    return f"`{base}`", platform.backend.removeprefix("v"), *sides


def _versions() -> list[tuple[str, ...]]:
    """The rows of Python and of the packages whose versions users choose."""
    project = tomli.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = (PROJECT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    oldest, _, end = project["requires-python"].removeprefix(">=").partition(",<3.")
    optional = project["optional-dependencies"]
    required = "\n".join([*project["dependencies"], *optional["flyte2"]])
    rows: list[tuple[str, ...]] = [("Python", oldest, f"3.{int(end) - 1}")]
    for name in ("flytekit", "flyte", "dask"):
        (least,) = re.findall(rf"^{name}(?:\[\w+\])?>=([\d.]+)$", required, re.MULTILINE)
        (newest,) = re.findall(rf"^{name}==([\w.]+)", pins, re.MULTILINE)
        rows.append((_NAMES.get(name, name), least, newest))
    return rows


_NAMES = {"dask": "dask and distributed", "flyte": "flyte, the SDK of Flyte 2"}


def _preset(preset: Preset) -> tuple[str, ...]:
    """The row of a preset."""
    config = preset()
    worker = amounts(config.workers.limits)
    return (
        f"`presets.{preset.name}()`",
        _purpose(preset),
        str(config.workers.number_of_workers),
        *(str(worker.get(name, "")) for name in ("cpu", "mem", "gpu")),
        _size(config.scheduler),
    )


def _attribute(preset: Preset) -> str:
    """The declaration of a preset for type checkers and editors, with a docstring."""
    config = preset()
    workers = counted(config.workers.number_of_workers, "worker")
    sizes = f"{workers} of {_size(config.workers)}; scheduler of {_size(config.scheduler)}"
    return f"{preset.name}: Preset\n" + fill(f'"""{sizes}. For {_purpose(preset)}."""', 100)


def _size(role: Scheduler | WorkerGroup) -> str:
    """``2 CPUs and 8Gi``, ``4 CPUs, 24Gi and 1 GPU``."""
    limits = amounts(role.limits)
    units = {"cpu": "CPU", "gpu": "GPU"}
    *texts, last = (
        counted(int(limit.value), units[name]) if name in units else str(limit)
        for name, limit in limits.items()
    )
    return f"{', '.join(texts)} and {last}"


def _purpose(preset: Preset) -> str:
    """The first sentence of its reason, such as ``daily work on tens of GB``."""
    return preset.doc.partition(". ")[0].removeprefix("For ")


if __name__ == "__main__":
    raise SystemExit(main())
