"""Records ``templates.json`` from the official plugin, in a separate venv: ``just golden``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.venvs import official_plugin
from tests.recorded.official_plugin import cases

FOLDER = Path(__file__).parent
GOLDEN = FOLDER / "templates.json"

_RECORDED = ("flytekitplugins-dask", "flytekit", "flyteidl", "protobuf")
_VERSIONS = (
    "import json, sys; from importlib.metadata import version;"
    "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
)


def record(golden: Path = GOLDEN) -> None:
    """Install the pinned official plugin, run the cases with it, and write its templates."""
    with official_plugin() as python:
        versions = _output(python, "-c", _VERSIONS, *_RECORDED)
        customs = _output(python, str(Path(cases.__file__).resolve()))
    recorded = {"recorded_from": json.loads(versions), "customs": json.loads(customs)}
    golden.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")


def _output(python: Path, *arguments: str) -> str:
    """The output of its interpreter, run outside of this project so that it imports none of it."""
    command = [str(python), *arguments]
    done = subprocess.run(command, cwd=python.parent, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


if __name__ == "__main__":
    record()
    print(f"wrote {GOLDEN.name}", file=sys.stderr)
