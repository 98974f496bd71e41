"""Rewrites of misspelt amounts: ``check --fix`` and ``check --diff``."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from flyte_dask_cli.fixes import Fixed, plan, write
from tests.support.command import flyte_dask

pytestmark = pytest.mark.once

MODULE = """\
from flytekit import Resources, task, workflow
from flytekitplugins.dask import Dask, Scheduler, WorkerGroup, presets
SIZE = "32GB"
größe = Dask(workers=2).with_workers(mem="16GB", ephemeral_storage='20 Gi')
både = [größe.with_workers(cpu=2), größe.with_scheduler(mem=("2GB", "4gi"))]
group = WorkerGroup(4, limits=Resources(mem="16GB"), requests=Resources(mem="8GB"))
scheduler = Scheduler(
    limits=Resources(
        cpu="2",
        mem="16GB",  # "16GB" is meant
    ),
)
@task(task_config=presets.small(), requests=Resources(mem="1GB"), limits=Resources(mem="2GB"))
def total(day: str) -> str:
    return day
@workflow
def flow(day: str) -> str:
    return total(day=day).with_overrides(limits=Resources(mem="4GB"))
"""
NOT_LOCATED = {
    "two calls on one line": '[Dask().with_workers(mem="32GB"), Dask().with_workers(mem="32GB")]',
    "several parts": 'presets.small().with_workers(mem="32" "GB")',
    "an escape": 'presets.small().with_workers(mem="\\x332GB")',
    "another name": 'Group(2, limits=Resources(mem="32GB"))',
    "a mapping": 'presets.small().with_workers(**{"mem": "32GB"})',
    "by position": 'Dask(workers=WorkerGroup(2, None, Resources("1", "32GB")))',
    "a long string": 'presets.small().with_workers(mem="""32GB""")',
}
HEAD = """\
from flytekit import Resources
from flytekitplugins.dask import Dask, WorkerGroup, presets
Group, SIZE = WorkerGroup, "32GB"
"""


def test_everything_is_rewritten_that_is_found(tmp_path: Path) -> None:
    """In the same quotes; --diff shows the same, and writes nothing."""
    module = tmp_path / "etl.py"
    module.write_text(MODULE, encoding="utf-8")
    module.chmod(0o640)
    shown = flyte_dask(tmp_path, "check", "etl.py", "--diff")
    assert (shown.returncode, module.read_text(encoding="utf-8")) == (1, MODULE)
    done = flyte_dask(tmp_path, "check", "etl.py", "--fix")
    fixed = MODULE.replace('"16GB",', '"16Gi",').replace('"16GB")', '"16Gi")')
    for number in (1, 2, 4, 8):
        fixed = fixed.replace(f'"{number}GB"', f'"{number}Gi"')
    fixed = fixed.replace("'20 Gi'", "'20Gi'").replace('"4gi"', '"4Gi"')
    assert module.read_text(encoding="utf-8") == fixed
    assert stat.S_IMODE(module.stat().st_mode) == 0o640
    assert shown.stdout.startswith("--- a/etl.py\n+++ b/etl.py\n@@ ")
    rest = done.stdout.removeprefix(shown.stdout)
    assert "\n1 Dask task and 1 node in 1 module: 2 info\n" in rest  # it was checked again
    assert (done.returncode, shown.stderr, done.stderr) == (0, "", "")
    again = flyte_dask(tmp_path, "check", "etl.py", "--diff")
    assert (again.returncode, again.stdout) == (0, "")
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["etl.py"]


@pytest.mark.parametrize("kind", NOT_LOCATED)
def test_nothing_is_rewritten_that_is_not_found_exactly(tmp_path: Path, kind: str) -> None:
    """Its line is named instead."""
    module = tmp_path / "etl.py"
    module.write_text(f"{HEAD}{NOT_LOCATED[kind]}\n")
    done = flyte_dask(tmp_path, "check", "etl.py", "--fix")
    assert module.read_text() == f"{HEAD}{NOT_LOCATED[kind]}\n"
    assert done.returncode == 1
    text = "'32GB' is not one plain string here: write '32Gi' by hand"
    assert done.stderr == f"flyte-dask: etl.py:4: {text}\n"


ONE_STRING = {
    "a constant": (
        "presets.small().with_workers(mem=SIZE)\npresets.small().with_scheduler(mem=SIZE)",
        "3: '32GB' is used in lines 4, 5",
    ),
    "a default": (
        "def sized(mem='64GB'):\n    return presets.small().with_workers(mem=mem)\nsized()",
        "4: '64GB' is used in line 5",
    ),
    "a comprehension": (
        "{\n    mem: presets.small().with_workers(mem=mem)\n    for mem in ['64GB', '8Gi']\n}",
        "6: '64GB' is used in line 5",
    ),
    "no string": ("presets.small().with_workers(mem=SIZE[0] + '4GB')", None),
}


@pytest.mark.parametrize("kind", ONE_STRING)
def test_the_line_of_the_only_string_is_named_once(tmp_path: Path, kind: str) -> None:
    """It is not rewritten, since other code may use it."""
    code, problem = ONE_STRING[kind]
    module = tmp_path / "etl.py"
    module.write_text(f"{HEAD}{code}\n")
    done = flyte_dask(tmp_path, "check", "etl.py", "--fix")
    assert module.read_text() == f"{HEAD}{code}\n"
    new = "32Gi" if kind == "a constant" else "64Gi"
    if problem is None:
        problem, new = "4: '34GB' is not one plain string here", "34Gi"
    assert done.stderr == f"flyte-dask: etl.py:{problem}: write {new!r} by hand\n"


def test_the_number_of_rewrites_is_named(tmp_path: Path) -> None:
    (tmp_path / "etl.py").write_text(f'{HEAD}Dask().with_workers(mem="2GB")\nDask(workers=SIZE)\n')
    done = flyte_dask(tmp_path, "check", "etl.py")
    assert done.stdout.splitlines()[-1] == "--fix fixes 1 of them; --diff shows how"


def test_json_is_not_mixed_with_the_diff(tmp_path: Path) -> None:
    (tmp_path / "etl.py").write_text(f'{HEAD}Dask().with_workers(mem="2GB")\n')
    done = flyte_dask(tmp_path, "check", "etl.py", "--fix", "--format", "json")
    assert json.loads(done.stdout)["findings"] == []
    assert done.stderr.startswith("--- a/etl.py\n")


def test_fix_and_diff_exclude_each_other(tmp_path: Path) -> None:
    (tmp_path / "etl.py").write_text("")
    done = flyte_dask(tmp_path, "check", "etl.py", "--fix", "--diff")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Error: --diff writes nothing: omit it, or --fix" in done.stderr


FINDING = {
    "line": 2,
    "path": "workers.mem",
    "replacement": {"call": "with_workers", "old": "2GB", "new": "2Gi"},
}


@pytest.mark.parametrize(
    "content",
    [
        '# größe\r\nx.with_workers(mem="2GB")\r\ny'.encode(),
        '# coding: latin-1\nx.with_workers(mem="2GB")\nö = 1\n'.encode("latin-1"),
        '\ufeff# größe\nx.with_workers(mem="2GB")\n'.encode(),
    ],
)
def test_line_ends_and_encodings_are_kept(tmp_path: Path, content: bytes) -> None:
    target, link = tmp_path / "target.py", tmp_path / "link.py"
    target.write_bytes(content)
    link.symlink_to(target)
    (fixed,) = plan([{**FINDING, "file": str(link)}]).files
    write(fixed)
    assert target.read_bytes() == content.replace(b"2GB", b"2Gi")
    assert link.is_symlink()


def test_a_file_that_changed_is_not_written(tmp_path: Path) -> None:
    module = tmp_path / "etl.py"
    module.write_text("changed = 1\n")
    with pytest.raises(OSError, match="it has changed while it was checked"):
        write(Fixed(str(module), 'x.with_workers(mem="2GB")\n', "", 1))
    assert module.read_text() == "changed = 1\n"
    assert [*tmp_path.iterdir()] == [module]


def test_a_last_line_without_an_end_is_marked() -> None:
    fixed = Fixed("etl.py", "x = 1", "x = 2", 1)
    end = "\\ No newline at end of file\n"
    assert fixed.diff() == f"--- a/etl.py\n+++ b/etl.py\n@@ -1 +1 @@\n-x = 1\n{end}+x = 2\n{end}"
