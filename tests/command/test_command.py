"""The complete output of the command, in transcripts and in its page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from subprocess import CompletedProcess

import click
import pytest

from flyte_dask_cli.main import cli
from tests.command.conftest import FILES
from tests.support.command import FOLDER, flyte_dask, in_shell
from tests.support.paths import DOCS

pytestmark = pytest.mark.once

SUGGESTS_COMMANDS = hasattr(click.exceptions, "NoSuchCommand")
_TRANSCRIPT = re.compile(r"^\$ (.+)\n((?:(?!\$ ).*\n)*?)\[exit (\d+)\]$", re.MULTILINE)
TRANSCRIPTS = _TRANSCRIPT.findall((FOLDER / "transcripts.txt").read_text(encoding="utf-8"))
PAGE = (DOCS / "command.md").read_text(encoding="utf-8")
MULTI = re.MULTILINE | re.DOTALL


def printed(done: CompletedProcess[str], folder: Path) -> str:
    """Its standard output, then its standard error; with paths that are the same anywhere."""
    text = done.stdout + "".join(f"2> {line}\n" for line in done.stderr.splitlines())
    text = re.sub(r"^ +~+\^*~*\n", "", text, flags=re.MULTILINE)  # Python 3.10 has fewer of them
    text = text.replace(f"{folder}/", "<project>/")
    return re.sub(r"[^\s']*/(site-packages|dsl|lib/python3\.\d+)/", "<python>/", text)


@pytest.mark.parametrize(
    ("line", "expected", "status"), [pytest.param(*each, id=each[0]) for each in TRANSCRIPTS]
)
def test_a_transcript(project: Path, line: str, expected: str, status: str) -> None:
    """The whole output, and the exit code."""
    if "2> Usage: " in expected and not SUGGESTS_COMMANDS:
        pytest.skip("the text is that of a newer click")
    done = in_shell(line, project)
    assert printed(done, project) == expected
    assert done.returncode == int(status)


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_each_subcommand_is_shown(name: str) -> None:
    """In a transcript, and in a section of the page."""
    assert [line for line, *_ in TRANSCRIPTS if re.search(rf"\bflyte-dask {name}\b", line)]
    assert f"\n## {name}\n" in PAGE


def test_the_page_shows_what_is_printed(tmp_path: Path) -> None:
    """All commands of the page that are followed by their output, in order, in its project."""
    (team, *_), (module, *_) = (_blocks(kind) for kind in ("toml", "python"))
    folder, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    for each in (folder, elsewhere):
        (each / ".git").mkdir(parents=True)
    (folder / "pipelines").mkdir()
    (folder / "flyte-dask.toml").write_text(team)
    pipeline = folder / "pipelines" / "etl.py"
    pipeline.write_text(module)
    for name, text in FILES.findall((FOLDER / "project.txt").read_text(encoding="utf-8")):
        if name.startswith("runs/"):
            (folder / "runs").mkdir(exist_ok=True)
            (folder / name).write_text(text)
    shown = re.findall(r"^```sh\n(flyte-dask [^|]+?)^```\n\n```text\n(.*?)^```$", PAGE, MULTI)
    assert len(shown) == 6
    for lines, output in shown:
        for line in lines.splitlines():
            if line.endswith("# before the change"):
                in_shell(line, folder)
                changed = module.replace("medium(5)", "medium(60)")
                pipeline.write_text(
                    changed.replace("presets.small()", "presets.small().with_workers(cpu=2)")
                )
            else:
                where = elsewhere if line.endswith("# without a team file") else folder
                assert in_shell(line, where).stdout == output


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, MULTI)


def test_the_page_names_all_keys_of_findings_and_values(project: Path) -> None:
    done = flyte_dask(project, "explain", "pipelines/etl.py:nightly", "--format", "json")
    (task,) = json.loads(done.stdout)["tasks"]
    keys = {*task, *task["findings"][0], *task["values"]["workers.limits.mem"]}
    assert {key for key in keys if f'"{key}"' not in PAGE and f"`{key}`" not in PAGE} == set()
