"""What transcripts of ``flyte-dask size`` don't show: JSON of several tasks, presets, places."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given

from flyte_dask import Dask
from flyte_dask.team_files import read
from flyte_dask_records import Record, dumps
from flyte_dask_sizing import suggest
from flyte_dask_sizing.code import config_of, preset_of
from tests.support.command import flyte_dask
from tests.support.runs import RECORDS, TASK, record

KEYS = {"suggestion", "confidence", "reasons", "cost", "what_if"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of three runs of one task, and of one of another."""
    made = tmp_path_factory.mktemp("runs")
    for number, task in enumerate([TASK, TASK, TASK, "etl.other"]):
        (made / f"{number}.json").write_text(dumps(record(task=task, run=str(number))))
    return made


@pytest.mark.once
def test_json_of_one_task_and_of_several(folder: Path) -> None:
    one = json.loads(flyte_dask(folder, "size", ".", "--task", "total", "--format", "json").stdout)
    assert one.keys() == KEYS | {"version", "task", "scaling", "changes"}
    assert one["suggestion"]["workers.mem"] == "3Gi"
    assert one["suggestion"]["code"].startswith("presets.small(")
    assert {*one["what_if"][0]} == {"workers", "wall_s", "utilization", "core_hours"}
    several = json.loads(flyte_dask(folder, "size", ".", "--format", "json").stdout)
    assert several.keys() == {"version", "tasks"}
    other, same = several["tasks"]
    assert same == {each: one[each] for each in same}
    assert (other["task"], other["suggestion"], other["confidence"]) == ("etl.other", None, "none")


@pytest.mark.once
def test_a_place_that_cannot_be_read_is_named(folder: Path) -> None:
    done = flyte_dask(folder, "size", ".", "nowhere", "--task", "total", "--as", "code")
    assert done.returncode == 0
    assert done.stderr == ("flyte-dask: cannot read nowhere: there is no such file or folder\n")


@given(RECORDS)
def test_a_preset_of_a_team_file_is_the_suggestion(records: Sequence[Record]) -> None:
    found = suggest(TASK, records)
    if found.size is None:
        return
    text = preset_of(found.size, TASK, 'of "etl"')
    assert preset_from(text) == config_of(found.size)


def preset_from(text: str) -> Dask:
    """The config of the one preset of a team file with this *text*."""
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        file = Path(made, "flyte-dask.toml")
        file.write_text(text, encoding="utf-8")
        (preset,) = read(file).presets
        assert preset.name == "total"
        return preset()
