"""The real incumbent, in a venv of its own."""

from __future__ import annotations

import subprocess
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REQUIREMENTS = Path(__file__).parent.parent / "requirements" / "incumbent.txt"


@contextmanager
def incumbent() -> Iterator[Path]:
    """Its interpreter, in a folder that ends with the block and where nothing of ours is found."""
    with tempfile.TemporaryDirectory() as scratch:
        venv.create(scratch, with_pip=True)
        python = Path(scratch, "bin", "python")
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        install = [*pip, "--requirement", str(REQUIREMENTS)]
        subprocess.run(install, cwd=scratch, check=True, stdout=subprocess.PIPE)
        yield python
