"""Records ``incumbent.json`` from the real incumbent, in a venv of its own: ``just golden``."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from tests.golden import cases

FOLDER = Path(__file__).parent
GOLDEN = FOLDER / "incumbent.json"
REQUIREMENTS = FOLDER.parent.parent / "requirements" / "incumbent.txt"

_RECORDED = ("flytekitplugins-dask", "flytekit", "flyteidl", "protobuf")
_VERSIONS = (
    "import json, sys; from importlib.metadata import version;"
    "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
)


def record(golden: Path = GOLDEN) -> None:
    """Install the pinned incumbent, run the cases under it, and write what it said."""
    with tempfile.TemporaryDirectory() as scratch:
        venv.create(scratch, with_pip=True)
        python = str(Path(scratch, "bin", "python"))
        _output(python, "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS))
        # Outside of this project, so that nothing of ours can be imported.
        versions = _output(python, "-c", _VERSIONS, *_RECORDED, cwd=scratch)
        customs = _output(python, str(Path(cases.__file__).resolve()), cwd=scratch)
    recorded = {"recorded_from": json.loads(versions), "customs": json.loads(customs)}
    golden.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")


def _output(*command: str, cwd: str | None = None) -> str:
    return subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    record()
    print(f"wrote {GOLDEN.name}", file=sys.stderr)
