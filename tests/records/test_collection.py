"""Records are found in files, decks and folders; what cannot be read does not hide the others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import attrs
import fsspec
import pytest

from flyte_dask_records import data_block, dumps, loads
from flyte_dask_records.collection import collect
from flyte_dask_records.places import file_name, write
from tests.support.records import a_record


@pytest.fixture
def memory() -> Iterator[str]:
    """A folder in a filesystem that is not local."""
    yield "memory://runs"
    fsspec.filesystem("memory").store.clear()


def test_a_folder_with_files_decks_and_others(tmp_path: Path) -> None:
    one, two, three = (a_record(run=str(number) * 32) for number in (1, 2, 3))
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (below / "one.json").write_text(dumps(one))
    page = f"<h1>{data_block(dumps(two), two.run)}{data_block(dumps(three), three.run)}"
    (tmp_path / "deck.HTML").write_text(page)
    (tmp_path / "plain.html").write_text("<h1>no deck")
    (tmp_path / "broken.json").write_text('{"version": 1}')
    (tmp_path / "notes.txt").write_text("not looked at")
    (tmp_path / ".hidden.json").write_text("neither")
    found = collect([str(tmp_path)])
    assert [each.record.run[0] for each in found.runs] == ["1", "2", "3"]
    assert found.runs[0].place == str(below / "one.json")
    broken, plain = found.unread
    assert (broken.place, plain.place) == (
        str(tmp_path / "broken.json"),
        str(tmp_path / "plain.html"),
    )
    assert broken.reason.startswith("task is missing: run the task again with this flyte-dask")
    assert broken.reason.endswith("; and 4 more problems")
    assert plain.reason == "the page has no record: it is no deck, or that of an earlier version"


def test_a_run_is_found_once(tmp_path: Path) -> None:
    """In its deck and in its file; records without identifiers are all different."""
    for number, run in enumerate(["1" * 32, "1" * 32, "", ""]):
        (tmp_path / f"{number}.json").write_text(dumps(a_record(run=run)))
    found = collect([str(tmp_path), str(tmp_path / "0.json")])
    assert [each.place[-6:] for each in found.runs] == ["0.json", "2.json", "3.json"]


def test_runs_are_sorted_by_task_and_time(tmp_path: Path) -> None:
    for number, (task, hour) in enumerate([("b", "11"), ("a", "12"), ("b", "10")]):
        record = a_record(task=task, began=f"2026-11-30T{hour}:00:00+00:00", run=f"{number}")
        (tmp_path / f"{number}.json").write_text(dumps(record))
    assert [each.record.run for each in collect([str(tmp_path)]).runs] == ["1", "2", "0"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nowhere", "there is no such file or folder"),
        ("empty", "the folder has no files that end with .json or .html"),
        ("nope://bucket/runs", "ValueError: Protocol not known: nope"),
        ("large.json", "record has 64,001 bytes, and a record has at most 64,000: pass"),
        ("latin.html", "the page has no record"),
    ],
)
def test_what_cannot_be_read(
    path: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("large.json").write_text(" " * 100_000)
    Path("latin.html").write_bytes(b"\xe9\xff")
    Path("good.json").write_text(dumps(a_record()))
    found = collect([path, "good.json"])
    assert [(each.place, each.reason.startswith(reason)) for each in found.unread] == [(path, True)]
    assert [each.place for each in found.runs] == ["good.json"]


def test_a_written_record_is_found(memory: str, tmp_path: Path) -> None:
    """In any filesystem, at the address that writing it returns."""
    for folder in (memory, f"{tmp_path}/new/runs", f"file://{tmp_path}/more/"):
        record = a_record(run=folder.encode().hex()[:32])
        place = write(dumps(record), folder, file_name(record))
        (found,) = collect([folder]).runs
        (again,) = collect([place]).runs
        assert found.record == again.record == loads(dumps(record))
    assert not [*tmp_path.rglob("*.part")]


class TestNames:
    """Names of files sort by time, and are unique and harmless."""

    def test_all_parts(self) -> None:
        began = datetime(2026, 11, 30, 12, 1, 2, 345678, timezone.utc).isoformat()
        record = a_record(began=began, run="0123456789abcdef", execution="f3a/b", attempt=2)
        expected = "20261130T120102.345Z_etl.total_f3a-b_2_0123456789ab.json"
        assert file_name(record) == expected

    def test_of_hostile_names(self) -> None:
        record = a_record(task="../../etc/\n" * 50, execution="é" * 500, run="ab")
        name = file_name(record)
        assert "/" not in name
        assert name.isascii()
        assert name.isprintable()
        assert len(name) < 255

    def test_they_sort_by_time(self) -> None:
        times = ["2026-11-30T12:00:00.001+00:00", "2026-11-30T12:00:00.010+00:00"]
        times += ["2026-11-30T12:00:01+00:00", "2026-12-01T00:00:00+00:00"]
        names = [file_name(attrs.evolve(a_record(), began=time)) for time in times]
        assert names == sorted(names)
