"""The generated classes are up to date, and codegen writes all files or none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import flyte_dask_idl
from codegen import generate as generating
from codegen.__main__ import GENERATED, differences, main
from codegen.comments import COMMENTS, CommentsDoNotFit, attach_comments
from codegen.descriptors import dask_job_files, digest
from codegen.generate import Sources, generate, installed, replace_package

# Of the pruned definitions: the same in every flyteidl from 1.3.2 to 1.16.8.
SHA256 = "6b4f7c8783d6909b309dbcd70d100f9d6e2faa4f0f1971534667c47e6aab29e3"


@pytest.fixture(scope="module")
def fresh() -> Sources:
    """The files that codegen generates now."""
    return generate()


@pytest.mark.source
def test_generated_is_up_to_date(fresh: Sources) -> None:
    drift = differences(installed(GENERATED), fresh)
    assert not drift, f"{drift}\nrun `just codegen`"


def test_generation_is_deterministic(fresh: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    assert generate() == fresh


def test_the_header_names_generator_versions_and_descriptors(fresh: Sources) -> None:
    for name, text in fresh.items():
        if name == "py.typed":
            continue
        generator, versions, sha256 = text.splitlines()[:3]
        assert generator == "# Written by `python -m codegen` (`just codegen`). Do not edit."
        assert versions.startswith("# Versions: flyteidl 1.")
        assert versions.endswith(", betterproto 2.0.0b7")
        assert sha256 == f"# Descriptors: sha256 {SHA256}"


def test_the_definitions_are_those_that_a_dask_job_uses() -> None:
    files = dask_job_files()
    assert {
        file.name: ([message.name for message in file.message_type], list(file.dependency))
        for file in files
    } == {
        "flyteidl/core/tasks.proto": (["Resources"], []),
        "flyteidl/plugins/dask.proto": (
            ["DaskJob", "DaskScheduler", "DaskWorkerGroup"],
            ["flyteidl/core/tasks.proto"],
        ),
    }
    assert digest(files) == SHA256


def test_every_definition_has_a_docstring() -> None:
    for name in flyte_dask_idl.__all__:
        assert getattr(flyte_dask_idl, name).__doc__


@pytest.mark.parametrize("name", ["flyteidl.plugins.DaskJob.scheduler", "flyteidl.core.Resources"])
def test_a_definition_without_a_comment_is_an_error(name: str) -> None:
    comments = {key: text for key, text in COMMENTS.items() if key != name}
    with pytest.raises(CommentsDoNotFit, match=f"add \\['{name}'\\], remove \\[\\]"):
        attach_comments(dask_job_files(), comments)


def test_a_comment_without_a_definition_is_an_error() -> None:
    with pytest.raises(CommentsDoNotFit, match=r"remove \['flyteidl\.plugins\.Gone'\]"):
        attach_comments(dask_job_files(), {**COMMENTS, "flyteidl.plugins.Gone": "x"})


def test_comments_leave_the_definitions_alone() -> None:
    files = dask_job_files()
    attach_comments(files, COMMENTS)
    assert digest(files) != SHA256
    for file in files:
        file.ClearField("source_code_info")
    assert digest(files) == SHA256


@pytest.mark.slow
class TestCommand:
    """``python -m codegen`` in a folder of its own."""

    def test_writes_then_finds_nothing_to_change(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = tmp_path / "generated" / generating.PACKAGE
        assert main([], folder) == 0
        assert main(["--check"], folder) == 0
        assert main([], folder) == 0
        assert capsys.readouterr().out == (
            "flyte_dask_idl: 4 files, changed\nflyte_dask_idl: 4 files, unchanged\n"
        )
        assert [path.name for path in folder.parent.iterdir()] == [generating.PACKAGE]

    def test_check_prints_the_difference_and_the_command(
        self, tmp_path: Path, fresh: Sources, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = tmp_path / generating.PACKAGE
        old = {**fresh, "gone.py": ""}
        old["core/__init__.py"] = old["core/__init__.py"].replace("CPU = 1", "CPU = 7")
        del old["py.typed"]
        replace_package(folder, old)
        assert main(["--check"], folder) == 1
        output = capsys.readouterr().out
        for line in (
            "-    CPU = 7",
            "+    CPU = 1",
            "not generated any more: gone.py",
            "missing: py.typed",
            "flyte_dask_idl is out of date: run `just codegen`",
        ):
            assert line in output.splitlines()
        assert installed(folder) == old

    def test_check_ignores_other_versions_but_not_other_descriptors(
        self, tmp_path: Path, fresh: Sources
    ) -> None:
        folder = tmp_path / generating.PACKAGE
        replace_package(folder, {name: _older(text) for name, text in fresh.items()})
        assert main(["--check"], folder) == 0
        replace_package(
            folder, {name: text.replace(SHA256, "0" * 64) for name, text in fresh.items()}
        )
        assert main(["--check"], folder) == 1

    @pytest.mark.parametrize(
        ("broken", "message"),
        [
            ("_run_plugin", "the plugin"),
            ("_formatted", "the formatter"),
        ],
    )
    def test_a_failed_generation_leaves_the_good_files_alone(  # noqa: PLR0913, PLR0917
        self,
        tmp_path: Path,
        fresh: Sources,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        broken: str,
        message: str,
    ) -> None:
        folder = tmp_path / generating.PACKAGE
        replace_package(folder, fresh)

        def fail(*_: Any) -> Any:
            raise generating.GenerationFailed(message)

        monkeypatch.setattr(generating, broken, fail)
        assert main([], folder) == 2
        assert capsys.readouterr().err == f"error: nothing was written: {message}\n"
        assert installed(folder) == fresh

    def test_a_real_failure_of_the_plugin_is_reported(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A betterproto that cannot be imported by the plugin's process."""
        broken = tmp_path / "path" / "betterproto"
        broken.mkdir(parents=True)
        (broken / "__init__.py").write_text("raise ImportError('broken on purpose')")
        monkeypatch.setenv("PYTHONPATH", str(broken.parent))
        assert main([], tmp_path / generating.PACKAGE) == 2
        assert "ImportError: broken on purpose" in capsys.readouterr().err
        assert not (tmp_path / generating.PACKAGE).exists()

    def test_a_failed_replacement_brings_the_old_files_back(
        self, tmp_path: Path, fresh: Sources, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / generating.PACKAGE
        replace_package(folder, fresh)
        rename = Path.rename

        def fail(path: Path, target: Path) -> Path:
            if path.name == "fresh":
                raise OSError("disk full")
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", fail)
        with pytest.raises(OSError, match="disk full"):
            replace_package(folder, {"__init__.py": ""})
        assert installed(folder) == fresh


def _older(text: str) -> str:
    older, count = re.subn(r"(?m)^(# Versions: flyteidl) \S+,", r"\1 1.3.2,", text)
    assert count == (1 if text else 0)
    return older
