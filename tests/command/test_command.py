"""The command, as people and pipelines run it: real processes, and all that they print."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from fcntl import ioctl
from functools import cache
from pathlib import Path
from subprocess import PIPE, CompletedProcess, Popen

import click
import psutil
import pytest

from flyte_dask import team_files as files
from flyte_dask_cli.main import cli, main
from tests.support.paths import DOCS, RECORDED
from tests.support.processes import BIN, PATIENCE, run, running

pytestmark = pytest.mark.once

FOLDER = RECORDED / "command"
COMMAND = BIN / "flyte-dask"
FORMS = ("custom", "pods", "template")
NAMES = ("cpu", "mem", "gpu", "ephemeral_storage")
PODS = "4 pods, 5 CPUs, 56Gi memory, up to 8 CPUs, 56Gi memory"
SUGGESTS_COMMANDS = hasattr(click.exceptions, "NoSuchCommand")
PARTS = re.compile(r"^=== (.+)\n((?:(?!===).*\n)*)", re.MULTILINE)
TRANSCRIPTS = re.compile(r"^\$ (.+)\n((?:(?!\$ ).*\n)*?)\[exit (\d+)\]$", re.MULTILINE)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the project."""
    folder = tmp_path_factory.mktemp("project")
    (folder / ".git").mkdir()  # where the search for team files ends
    for name, text in PARTS.findall((FOLDER / "project.txt").read_text(encoding="utf-8")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text.rstrip()}\n" if text.strip() else "", encoding="utf-8")
    return folder


def flyte_dask(folder: Path, *args: str, **env: str) -> CompletedProcess[str]:
    """The command, run in *folder*."""
    return run(COMMAND, *args, cwd=folder, env={"PYTHONDONTWRITEBYTECODE": "1", **env})


def in_shell(line: str, folder: Path) -> CompletedProcess[str]:
    """A line of bash, run in *folder*."""
    return run("bash", "-c", line, cwd=folder, env={"PATH": f"{BIN}:{os.environ['PATH']}"})


def printed(done: CompletedProcess[str], folder: Path) -> str:
    """What it printed: to its standard output, and then to its standard error."""
    told = done.stdout + "".join(f"2> {line}\n" for line in done.stderr.splitlines())
    told = re.sub(r"^ +~+\^*~*\n", "", told, flags=re.MULTILINE)  # of which Python 3.10 has fewer
    told = told.replace(f"{folder}/", "<project>/")
    return re.sub(r"[^\s']*/(site-packages|dsl|lib/python3\.\d+)/", "<python>/", told)


@pytest.mark.parametrize(
    ("line", "expected", "status"),
    [
        pytest.param(*found, id=found[0])
        for found in TRANSCRIPTS.findall((FOLDER / "transcripts.txt").read_text(encoding="utf-8"))
    ],
)
def test_a_transcript(project: Path, line: str, expected: str, status: str) -> None:
    """All that is printed, and the exit code."""
    if "2> Usage: " in expected and not SUGGESTS_COMMANDS:
        pytest.skip("these are click's own words, and those of another click")
    done = in_shell(line, project)
    assert printed(done, project) == expected
    assert done.returncode == int(status)


PAGE = (DOCS / "command.md").read_text(encoding="utf-8")


def test_the_page_tells_what_is_printed(tmp_path: Path) -> None:
    """All commands of the page that have an output below, in its order, in its folder."""
    (team, *_), (module, *_) = (_blocks(kind) for kind in ("toml", "python"))
    (tmp_path / ".git").mkdir()
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "flyte-dask.toml").write_text(team)
    pipeline = tmp_path / "pipelines" / "etl.py"
    pipeline.write_text(module)
    shown = re.findall(r"^```sh\n(flyte-dask [^|]+?)^```\n\n```text\n(.*?)^```$", PAGE, MULTI)
    assert len(shown) == 5
    for lines, output in shown:
        for line in lines.splitlines():
            if line.endswith("# before the change"):
                in_shell(line, tmp_path)
                changed = module.replace("medium(5)", "medium(60)")
                pipeline.write_text(
                    changed.replace("presets.small()", "presets.small().with_workers(cpu=2)")
                )
            else:
                assert in_shell(line, tmp_path).stdout == output


MULTI = re.MULTILINE | re.DOTALL


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, MULTI)


def test_the_page_names_all_keys_of_findings_and_values(project: Path) -> None:
    done = flyte_dask(project, "explain", "pipelines/etl.py:nightly", "--json")
    (task,) = json.loads(done.stdout)["tasks"]
    keys = {*task, *task["findings"][0], *task["values"]["workers.limits.mem"]}
    assert {key for key in keys if f'"{key}"' not in PAGE and f"`{key}`" not in PAGE} == set()


@cache
def piped(folder: Path, *args: str) -> CompletedProcess[str]:
    """What it prints where there is no terminal."""
    return flyte_dask(folder, *args)


@pytest.mark.parametrize(
    "args",
    [("presets",), ("presets", "large"), ("explain", "pipelines/etl.py"), ("check", "wrong")],
    ids=" ".join,
)
@pytest.mark.parametrize("columns", [200, 50])
def test_on_a_terminal_all_is_said_whatever_its_width(
    project: Path, args: tuple[str, ...], columns: int
) -> None:
    """In colours, and with nothing cut off."""
    shown, status = on_terminal(project, columns, *args)
    plain = piped(project, *args)
    words = set(plain.stdout.replace("flyte-dask", "").split())
    text = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert max(map(len, text.splitlines())) <= columns
    folded = re.sub(r"\s+", "", text)
    assert {word for word in words if word not in folded} - HEADERS == set()
    assert ("\x1b[" in shown, status) == (True, plain.returncode)


HEADERS = {"preset", "workers", "pod", "resource", "overrides"}
"""Of tables only: where those are paragraphs, columns are titles, and empty ones are left out."""


@pytest.mark.parametrize(
    ("env", "has_colours"), [({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({}, True)]
)
def test_colours_can_be_declined(project: Path, env: Mapping[str, str], has_colours: bool) -> None:
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
def test_any_locale_will_do(tmp_path: Path, env: Mapping[str, str], is_terminal: bool) -> None:
    """What it cannot say is escaped, in tables and in JSON."""
    team = '[presets.nightly]\nextends = "small"\ndoc = "N\u00e4chtlich, \u20ac 3."\n'
    (tmp_path / "flyte-dask.toml").write_text(team, encoding="utf-8")
    args = "presets", "nightly", "--file", "flyte-dask.toml"
    if is_terminal:
        shown, status = on_terminal(tmp_path, 80, *args, **env)
    else:
        # whatever encoding it is in
        done = subprocess.run(
            [str(COMMAND), *args],
            cwd=tmp_path,
            env={**os.environ, **env},
            capture_output=True,
            check=False,
        )
        shown, status = done.stdout.decode(errors="replace"), done.returncode
        as_json = flyte_dask(tmp_path, *args, "--json", **env)
        (preset,) = json.loads(as_json.stdout)["presets"]
        assert preset["doc"] == "N\u00e4chtlich, \u20ac 3."
    assert status == 0
    assert re.search(r"N(\\xe4|\ufffd|\u00e4)chtlich, \\u20ac 3\.", shown), shown


def test_any_names_will_do_in_any_locale(tmp_path: Path) -> None:
    """Of files, of tasks, and of what is said with them."""
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


def test_a_preset_is_shown_without_advice_that_it_or_its_team_silences(tmp_path: Path) -> None:
    def codes(silence_of_preset: str, silence_of_team: str) -> list[str]:
        (tmp_path / "flyte-dask.toml").write_text(
            f"""
[presets.large_gpu]
extends = "gpu_heavy"
workers = {{ count = 2000 }}
silence = [{silence_of_preset}]

[advice]
silence = [{silence_of_team}]
""",
            encoding="utf-8",
        )
        done = flyte_dask(tmp_path, "presets", "large_gpu", "--file", "flyte-dask.toml", "--json")
        (told,) = json.loads(done.stdout)["presets"]
        return [finding["code"] for finding in told["findings"]]

    assert codes("", "") == ["undersized-scheduler", "worker-only-gpu", "too-many-workers"]
    assert codes('"worker-only-gpu"', '"too-many-workers"') == ["undersized-scheduler"]


def test_whoever_reads_may_have_seen_enough(project: Path) -> None:
    line = "set -o pipefail; flyte-dask schema | head -n 1; echo ${PIPESTATUS[0]}"
    done = in_shell(line, project)
    first, status = done.stdout.splitlines()
    assert (first, done.stderr) == ("{", "")
    assert status in {"0", "1"}  # as far as it came


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("flyte-dask ", {"check", "diff", "explain", "presets", "render", "schema"}),
        ("flyte-dask presets me", {"medium", "memory_heavy"}),
        ("flyte-dask explain --field workers.l", {f"workers.limits.{name}" for name in NAMES}),
        ("flyte-dask check --fo", {"--format"}),
        ("flyte-dask render --as ", {"custom", "pods", "template"}),
    ],
)
def test_shells_complete(tmp_path: Path, words: str, expected: set[str]) -> None:
    count = words.count(" ")
    env = {"_FLYTE_DASK_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(count)}
    done = flyte_dask(tmp_path, **env)
    assert {line.partition(",")[2] for line in done.stdout.split()} == expected


def test_paths_are_completed_by_the_shell(tmp_path: Path) -> None:
    env = {"COMP_WORDS": "flyte-dask explain pi", "COMP_CWORD": "2"}
    done = flyte_dask(tmp_path, _FLYTE_DASK_COMPLETE="bash_complete", **env)
    assert done.stdout == "file,pi\n"


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_the_examples_of_a_help_are_calls(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each subcommand has some, and they are understood."""
    command = cli.commands[name]
    lines = re.findall(r"^  flyte-dask (.+)$", command.help or "", re.MULTILINE)
    assert lines
    (tmp_path / "conf").mkdir()
    for path in ("flyte-dask.toml", "conf/flyte-dask.toml"):
        (tmp_path / path).touch()
    monkeypatch.chdir(tmp_path)
    for line in lines:
        said, *words = line.partition(" >")[0].split()
        cli.commands[said].make_context(said, words)


@pytest.mark.parametrize(
    "args", [("presets",), ("presets", "large", "--json"), ("schema",), ("--help",)], ids=" ".join
)
def test_what_needs_no_task_needs_no_flytekit(args: tuple[str, ...]) -> None:
    code = (
        "import atexit, sys; sys.argv = ['flyte-dask', *sys.argv[1:]]\n"
        "from flyte_dask_cli.main import main\n"
        "atexit.register(lambda: print(sorted(NEEDLESS & set(sys.modules)), file=sys.stderr))\n"
        "NEEDLESS = {'flytekit', 'dask', 'distributed', 'betterproto', 'rich', 'yaml'}\n"
        "main()"
    )
    done = run(sys.executable, "-c", code, *args)
    assert (done.returncode, done.stderr) == (0, "[]\n")


def test_the_schema_is_that_of_the_team_file(tmp_path: Path) -> None:
    assert json.loads(flyte_dask(tmp_path, "schema").stdout) == files.schema()


def test_broken_packs_hide_no_others(tmp_path: Path) -> None:
    """Collected where errors belong, and in JSON."""
    info = tmp_path / "acme_presets-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-presets\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(
        "[flyte_dask.presets]\nbroken = acme_broken\nfine = acme_fine\n"
    )
    (tmp_path / "acme_broken.py").write_text("import no_such_package")
    (tmp_path / "acme_fine.py").write_text(
        "from flyte_dask import presets\n"
        "etl = presets.define('acme.etl', presets.large(3).with_workers(cpu=(1, 2)))\n"
    )
    path = {"PYTHONPATH": str(tmp_path)}
    error = "acme-presets 1.2: acme_broken: ModuleNotFoundError: No module named 'no_such_package'"
    shown = flyte_dask(tmp_path, "presets", **path)
    row = re.split(r"\s{2,}", shown.stdout.splitlines()[-1])
    size = "1 CPU (to 2), 16Gi"
    assert row == ["acme.etl", "3", size, "2 CPUs, 8Gi", PODS, "acme-presets 1.2"]
    assert shown.stderr == f"flyte-dask: the presets of {error}\n"
    told = json.loads(flyte_dask(tmp_path, "presets", "acme.etl", "--json", **path).stdout)
    assert [each["source"]["text"] for each in told["presets"]] == ["acme-presets 1.2"]
    assert told["errors"] == [error]


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_leaves_nothing_behind(tmp_path: Path, by: signal.Signals) -> None:
    """Neither the process that imports, nor what modules have started in it."""
    (tmp_path / "hangs.py").write_text(
        "import subprocess, threading\n"
        "process = subprocess.Popen(['sleep', '100'])\n"
        "print('hangs beside', process.pid, flush=True)\n"
        "threading.Event().wait()\n"
    )
    command = [str(COMMAND), "check", "hangs.py"]
    with running(command, r"hangs beside (\d+)", cwd=tmp_path) as process:
        assert process.match is not None
        other = psutil.Process(int(process.match[1]))
        importing = other.parent()
        status = process.stop(by)
    assert (status, process.output.splitlines()[-1]) == (130, "interrupted")
    gone, alive = psutil.wait_procs([each for each in (other, importing) if each], PATIENCE)
    assert (len(gone), alive) == (2, [])


def test_an_error_without_a_number_is_told(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As some file systems have them, and wrappers of the standard output."""

    def fail(**_: object) -> None:
        raise OSError("the pipe is gone")

    monkeypatch.setattr(cli, "main", fail)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with Path(os.devnull).open("w") as output:  # which it gives up
        monkeypatch.setattr(sys, "stdout", output)
        with pytest.raises(SystemExit) as ended:
            main()
    assert (ended.value.code, capfd.readouterr().err) == (1, "Error: the pipe is gone\n")


def test_an_answer_that_is_cut_off_is_none(tmp_path: Path) -> None:
    """Python was killed while it was written."""
    (tmp_path / "cut.py").write_text(
        "import os, sys\n"
        "frame = sys._getframe()\n"
        "while not callable(answer := frame.f_locals.get('answer')):\n"
        "    frame = frame.f_back\n"
        "answers, token = (cell.cell_contents for cell in answer.__closure__)\n"
        "answers.write(token + '{')\n"
        "answers.flush()\n"
        "os._exit(3)\n"
    )
    done = flyte_dask(tmp_path, "check", "cut.py")
    assert (done.returncode, done.stderr) == (1, "")
    assert "ended Python when it was imported: it exited with status 3" in done.stdout


def test_environment_values_are_never_shown(project: Path) -> None:
    for args in (["explain", "--json"], *(["render", "--as", form] for form in FORMS)):
        done = flyte_dask(project, args[0], "pipelines/etl.py:nightly", *args[1:])
        assert done.returncode == 0
        assert "s3cret" not in done.stdout + done.stderr
        assert ("TOKEN" in done.stdout) is (args[-1] == "template")  # which has their names


def on_terminal(folder: Path, columns: int, *args: str, **env: str) -> tuple[str, int]:
    """What the command shows on a terminal that is so wide, and its exit code."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    unset = {"COLUMNS", "NO_COLOR", "FORCE_COLOR"}
    given = {name: value for name, value in os.environ.items() if name not in unset}
    process = Popen(
        [COMMAND, *args],
        cwd=folder,
        env={**given, "TERM": "xterm-256color", **env},
        stdin=theirs,
        stdout=theirs,
        stderr=PIPE,
    )
    os.close(theirs)
    with process:
        shown = b"".join(_read(ours))
        process.communicate(timeout=PATIENCE)
    os.close(ours)
    return shown.decode(errors="replace").replace("\r\n", "\n"), process.returncode


def _read(descriptor: int) -> Iterator[bytes]:
    """All that comes until the other end is closed, which Linux tells by an error."""
    while True:
        try:
            data = os.read(descriptor, 65536)
        except OSError:
            return
        if not data:
            return
        yield data
