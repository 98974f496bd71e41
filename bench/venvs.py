"""Two venvs, alike but for the plugin: this project's, and the incumbent's."""

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
        """Where its console scripts are."""
        return self.python.parent

    def versions(self) -> dict[str, str]:
        """Of all that is installed."""
        said: dict[str, str] = json.loads(self.output("-c", _VERSIONS))
        return said

    def output(self, *arguments: str) -> str:
        """What its interpreter prints, where nothing of this project is found."""
        command = [str(self.python), *arguments]
        return subprocess.run(
            command, cwd=self.bin, check=True, stdout=subprocess.PIPE, text=True
        ).stdout


@attrs.frozen
class Sides:
    """Both."""

    ours: Side
    incumbent: Side

    def __iter__(self) -> Iterator[Side]:
        """The two in this order."""
        return iter((self.ours, self.incumbent))

    def common(self) -> dict[str, str]:
        """The versions of what both have; an error if they are not alike."""
        ours, theirs = self.ours.versions(), self.incumbent.versions()
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
            raise RuntimeError(f"the venvs are not alike: {unexpected}")
        return {name: version for name, version in ours.items() if name not in wrong}


@contextmanager
def venvs() -> Iterator[Sides]:
    """Both, until the end of the block."""
    with tempfile.TemporaryDirectory() as folder:
        yield make(Path(folder))


def make(folder: Path) -> Sides:
    """Both, in *folder*."""
    with ThreadPoolExecutor() as pool:
        theirs = pool.submit(make_incumbent, folder / "incumbent")
        python = make_venv(folder / "ours", "plain.txt")
        wheel = build_wheel(folder)
        _pip(python, "--no-deps", str(wheel))
        return Sides(Side("flyte-dask", python), Side("incumbent", theirs.result()))


@contextmanager
def incumbent() -> Iterator[Path]:
    """The incumbent's interpreter, until the end of the block."""
    with tempfile.TemporaryDirectory() as folder:
        yield make_incumbent(Path(folder))


def make_incumbent(folder: Path) -> Path:
    """The incumbent's interpreter."""
    return make_venv(folder, "incumbent.txt")


def make_venv(folder: Path, requirements: str) -> Path:
    """The interpreter of a new venv with these pins; pip compiles all modules to byte code."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    _pip(python, "--no-deps", "--requirement", str(REQUIREMENTS / requirements))
    return python


def _pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", *arguments]
    subprocess.run(command, cwd=python.parent, check=True, stdout=subprocess.PIPE)
