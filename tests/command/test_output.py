"""The output of the command: on terminals and in pipes, in any locale, without secrets."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from flyte_dask.explanation.text import HEADERS
from tests.support.command import COMMAND, flyte_dask, on_terminal

pytestmark = pytest.mark.once

FORMS = ("custom", "pods", "template")
ONLY_IN_TABLES = {"preset", "workers", *HEADERS[:2], HEADERS[-1]}
"""Headers that paragraphs don't have: those of title columns, and of columns that are empty."""


@cache
def piped(folder: Path, *args: str) -> CompletedProcess[str]:
    """The output of the command without a terminal."""
    return flyte_dask(folder, *args)


@pytest.mark.parametrize(
    "args",
    [("presets",), ("presets", "large"), ("explain", "pipelines/etl.py"), ("check", "wrong")],
    ids=" ".join,
)
@pytest.mark.parametrize("columns", [200, 50])
def test_a_terminal_shows_everything_at_any_width(
    project: Path, args: tuple[str, ...], columns: int
) -> None:
    """With colours, and with nothing cut off."""
    shown, status = on_terminal(project, columns, *args)
    plain = piped(project, *args)
    parts = set(plain.stdout.replace("flyte-dask", "").split())
    text = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert max(map(len, text.splitlines())) <= columns
    folded = re.sub(r"\s+", "", text)
    assert {part for part in parts if part not in folded} - ONLY_IN_TABLES == set()
    assert ("\x1b[" in shown, status) == (True, plain.returncode)


@pytest.mark.parametrize(
    ("env", "has_colours"), [({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({}, True)]
)
def test_colours_can_be_switched_off(
    project: Path, env: Mapping[str, str], has_colours: bool
) -> None:
    shown, _ = on_terminal(project, 100, "presets", **env)
    # NO_COLOR leaves bold type
    assert bool(re.search(r"\x1b\[[\d;]*3\dm", shown)) is False
    assert ("\x1b[" in shown) is (has_colours or "NO_COLOR" in env)


@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii"},
    ],
    ids=str,
)
@pytest.mark.parametrize("is_terminal", [False, True], ids=["pipe", "terminal"])
def test_output_works_in_any_locale(
    tmp_path: Path, env: Mapping[str, str], is_terminal: bool
) -> None:
    """Characters that the locale lacks are escaped, in tables and in JSON."""
    team = '[presets.nightly]\nextends = "small"\ndoc = "N\u00e4chtlich, \u20ac 3."\n'
    (tmp_path / "flyte-dask.toml").write_text(team, encoding="utf-8")
    args = "presets", "nightly", "--file", "flyte-dask.toml"
    if is_terminal:
        shown, status = on_terminal(tmp_path, 80, *args, **env)
    else:
        # in any encoding, so not as text
        done = subprocess.run(
            [str(COMMAND), *args],
            cwd=tmp_path,
            env={**os.environ, **env},
            capture_output=True,
            check=False,
        )
        shown, status = done.stdout.decode(errors="replace"), done.returncode
        as_json = flyte_dask(tmp_path, *args, "--format", "json", **env)
        (preset,) = json.loads(as_json.stdout)["presets"]
        assert preset["doc"] == "N\u00e4chtlich, \u20ac 3."
    assert status == 0
    assert re.search(r"N(\\xe4|\ufffd|\u00e4)chtlich, \\u20ac 3\.", shown), shown


def test_names_work_in_any_locale(tmp_path: Path) -> None:
    """Names of files and tasks that are not ASCII."""
    file, name = "m\u00f6 dul.py", "t\u00e4"
    source = (
        "from flytekit import task\nfrom flytekitplugins.dask import presets\n\n\n"
        f"@task(task_config=presets.small())\ndef {name}(day: str) -> str:\n    return day\n"
    )
    (tmp_path / file).write_text(source, encoding="utf-8")
    for form in ("template", "custom"):
        for env in ({}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}):
            done = flyte_dask(tmp_path, "render", f"{file}:{name}", "--as", form, **env)
            assert (done.returncode, done.stderr) == (0, "")
            rendered = json.loads(done.stdout)
            if form == "template":
                assert rendered["id"]["name"] == "m\u00f6 dul.t\u00e4"


def test_environment_values_are_never_shown(project: Path) -> None:
    for args in (["explain", "--format", "json"], *(["render", "--as", form] for form in FORMS)):
        done = flyte_dask(project, args[0], "pipelines/etl.py:nightly", *args[1:])
        assert done.returncode == 0
        assert "s3cret" not in done.stdout + done.stderr
        assert ("TOKEN" in done.stdout) is (args[-1] == "template")  # it has the names
