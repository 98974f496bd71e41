"""Two venvs that differ in the plugin only: this project, and the official one."""

from __future__ import annotations

import json
import subprocess
import tempfile
import venv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import attrs

from tests.support.processes import build_wheel

REQUIREMENTS = Path(__file__).parent.parent / "requirements"
_NEEDED_FOR = {"betterproto", "cattrs", "grpclib", "h2", "hpack", "hyperframe", "tomli"}
_VERSIONS = """
import importlib.metadata, json
print(json.dumps({each.name.lower(): each.version for each in importlib.metadata.distributions()}))
"""


@attrs.frozen
class Side:
    """One plugin and the interpreter that it is installed for."""

    name: str
    python: Path

    @property
    def bin(self) -> Path:
        """The folder of its console scripts."""
        return self.python.parent

    def versions(self) -> dict[str, str]:
        """The versions of all installed packages."""
        found: dict[str, str] = json.loads(self.output("-c", _VERSIONS))
        return found

    def output(self, *arguments: str) -> str:
        """The output of its interpreter, run outside of this project."""
        command = [str(self.python), *arguments]
        return subprocess.run(
            command, cwd=self.bin, check=True, stdout=subprocess.PIPE, text=True
        ).stdout


@attrs.frozen
class Sides:
    """The two sides."""

    ours: Side
    official: Side

    def __iter__(self) -> Iterator[Side]:
        """Ours, then the official plugin."""
        return iter((self.ours, self.official))

    def common(self) -> dict[str, str]:
        """The versions of common packages.

        Raises:
            RuntimeError: if other packages than the plugins and their own needs differ.
        """
        ours, theirs = self.ours.versions(), self.official.versions()
        wrong = {
            name: (ours.get(name), theirs.get(name))
            for name in ours.keys() | theirs.keys()
            if ours.get(name) != theirs.get(name)
        }
        plugins = {"flyte-dask", "flytekitplugins-dask"}
        unexpected = {
            name: both for name, both in wrong.items() if name not in plugins | _NEEDED_FOR
        }
        if unexpected:
            raise RuntimeError(f"the venvs differ: {unexpected}")
        return {name: version for name, version in ours.items() if name not in wrong}


@contextmanager
def venvs() -> Iterator[Sides]:
    """Both sides, until the end of the block."""
    with tempfile.TemporaryDirectory() as folder:
        yield make(Path(folder))


def make(folder: Path) -> Sides:
    """Create both sides in *folder*."""
    with ThreadPoolExecutor() as pool:
        theirs = pool.submit(make_official, folder / "official")
        python = make_venv(folder / "ours", "plain.txt")
        wheel = build_wheel(folder)
        _pip(python, "--no-deps", str(wheel))
        return Sides(Side("flyte-dask", python), Side("official", theirs.result()))


@contextmanager
def official_plugin() -> Iterator[Path]:
    """The interpreter of a venv with the official plugin, until the end of the block."""
    with tempfile.TemporaryDirectory() as folder:
        yield make_official(Path(folder))


def make_official(folder: Path) -> Path:
    """Create a venv with the official plugin in *folder*, and return its interpreter."""
    return make_venv(folder, "official.txt")


def make_venv(folder: Path, requirements: str) -> Path:
    """Create a venv with these pins in *folder*, and return its interpreter."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    _pip(python, "--no-deps", "--requirement", str(REQUIREMENTS / requirements))
    return python


def _pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", *arguments]
    subprocess.run(command, cwd=python.parent, check=True, stdout=subprocess.PIPE)
