"""Generates a Python package from descriptors, with betterproto's protoc plugin but no protoc."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from itertools import dropwhile
from pathlib import Path, PurePosixPath

from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from codegen.comments import COMMENTS, attach_comments
from codegen.descriptors import dask_job_files, digest

__all__ = ["PACKAGE", "GenerationFailed", "Sources", "generate", "installed", "replace_package"]

PACKAGE = "flyte_dask_idl"

# Text by path in the package (posix).
Sources = dict[str, str]

_ROOT = "flyteidl/"
_HEADER = """\
# Written by `python -m codegen` (`just codegen`). Do not edit.
# Versions: flyteidl {flyteidl}, betterproto {betterproto}
# Descriptors: sha256 {sha256}
"""
_RUFF_STYLE = ["--isolated", "--quiet", "--line-length=100", "--target-version=py310"]


class GenerationFailed(Exception):
    """A step of the generation failed; nothing was written."""


def generate() -> Sources:
    """The files of the package, from the installed flyteidl and betterproto.

    Raises:
        GenerationFailed: if a tool fails, or its output cannot be imported.
        CommentsDoNotFit: if flyteidl's definitions and the comments do not match.
    """
    files = dask_job_files()
    sha256 = digest(files)
    attach_comments(files, COMMENTS)
    modules = {
        file.name.removeprefix(_ROOT): _without_banner(file.content)
        for file in _run_plugin(files)
        if file.content
    }
    modules["__init__.py"] = _table_of_contents(modules)
    header = _HEADER.format(
        flyteidl=version("flyteidl"), betterproto=version("betterproto"), sha256=sha256
    )
    return {"py.typed": "", **_formatted({path: header + modules[path] for path in modules})}


def installed(folder: Path) -> Sources:
    """The files of the package in *folder*; empty if it does not exist."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def replace_package(folder: Path, sources: Sources) -> None:
    """Replace *folder* by *sources*; on any error the old files stay."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        fresh, old = Path(scratch, "fresh"), Path(scratch, "old")
        _write(fresh, sources)
        if folder.exists():
            folder.rename(old)
        try:
            fresh.rename(folder)
        except BaseException:
            if old.exists():
                old.rename(folder)
            raise


def _run_plugin(files: Sequence[FileDescriptorProto]) -> list[CodeGeneratorResponse.File]:
    request = CodeGeneratorRequest(
        file_to_generate=[file.name for file in files], parameter="typing.310", proto_file=files
    )
    # In an empty folder, because the plugin omits each __init__.py that exists in the current one.
    with tempfile.TemporaryDirectory() as empty:
        output = _run(
            [sys.executable, "-m", "betterproto.plugin.main"],
            cwd=Path(empty),
            stdin=request.SerializeToString(deterministic=True),
        )
    response = CodeGeneratorResponse.FromString(output)
    if response.error:
        raise GenerationFailed(f"betterproto's plugin: {response.error}")
    # Their order is not deterministic.
    return sorted(response.file, key=lambda file: file.name)


def _without_banner(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(dropwhile(lambda line: line.startswith("#"), lines))


def _table_of_contents(modules: Sources) -> str:
    """The package's ``__init__``, which exports the classes of all modules."""
    classes = {
        PurePosixPath(path).parent.as_posix(): [
            node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef)
        ]
        for path, text in modules.items()
        if path != "__init__.py"
    }
    lines = ['"""Flyte\'s messages for a Dask job, as betterproto classes."""']
    for module in sorted(classes):
        lines += [f"from .{module.replace('/', '.')} import {', '.join(sorted(classes[module]))}"]
    names = sorted(name for inside in classes.values() for name in inside)
    return "\n".join([*lines, f"__all__ = {names!r}", ""])


def _formatted(sources: Sources) -> Sources:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, PACKAGE)
        _write(folder, sources)
        ruff = [sys.executable, "-m", "ruff"]
        _run([*ruff, "check", "--fix", "--select=F401,I", *_RUFF_STYLE, "."], cwd=folder)
        _run([*ruff, "format", *_RUFF_STYLE, "."], cwd=folder)
        shutil.rmtree(folder / ".ruff_cache", ignore_errors=True)
        _run([sys.executable, "-c", f"import {PACKAGE}"], cwd=folder.parent)
        return installed(folder)


def _write(folder: Path, sources: Sources) -> None:
    for name, text in sources.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _run(command: list[str], cwd: Path, stdin: bytes = b"") -> bytes:
    done = subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, check=False)
    if done.returncode:
        raise GenerationFailed(
            f"{' '.join(command[1:])} exited with {done.returncode}:\n"
            f"{(done.stderr or done.stdout).decode(errors='replace').strip()}"
        )
    return done.stdout
