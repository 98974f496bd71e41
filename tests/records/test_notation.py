"""Records as JSON: what is written is read again, within the maximum size, and errors are full."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from random import Random
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask_records import (
    MOST_BYTES,
    Batch,
    InputRecord,
    InvalidRecord,
    ProcessRecord,
    RecordedTask,
    TaskGraph,
    data_block,
    dumps,
    loads,
    records_in,
)
from flyte_dask_records.packing import pack, unpack
from flyte_dask_records.record import VERSION
from tests.support.records import a_prefix_record, a_record, a_worker_record

ROUNDED = TaskGraph(
    prefixes=("inc", "sum"),
    tasks=(RecordedTask(0, 0.5, 28, (), 0), RecordedTask(1, 0.25, 28, (0,), 1)),
    batches=(Batch(0.0, waits=True), Batch(0.125, waits=True)),
)
GRAPH = unpack(pack(ROUNDED))
FULL = a_record(
    execution="f3a",
    attempt=2,
    inputs=(InputRecord(name="rows", type="int", value=-3.0), InputRecord(name="f", type="File")),
    scheduler=ProcessRecord(peak=100, cpu=1.5),
    runner=ProcessRecord(peak=200, cpu=2.5),
    events={"killed": 1},
    failure="WorkersKilled",
    reason="memory",
    graph=GRAPH,
    left_out={"workers": 3},
)


def altered(**fields: Any) -> str:
    """The JSON of a record with other *fields*."""
    return json.dumps({**json.loads(dumps(FULL)), **fields})


def problems_of(text: str | bytes) -> list[str]:
    """The lines of the error for *text*."""
    with pytest.raises(InvalidRecord) as caught:
        loads(text, "runs/a.json")
    title, *lines = str(caught.value).splitlines()
    assert title.endswith(" in runs/a.json")
    assert len(str(caught.value).encode()) <= 20_000
    return [" ".join(line.split()) for line in lines]


def test_what_is_written_is_read_again() -> None:
    assert loads(dumps(FULL)) == FULL
    assert dumps(loads(dumps(FULL))) == dumps(FULL)


def test_numbers_are_short() -> None:
    """Six digits are more than any measurement has."""
    found = json.loads(dumps(a_record(wall=1.23456789, startup=float("nan"), spilled=3.0)))
    assert (found["wall"], found["startup"], found["spilled"]) == (1.23457, 0, 3)
    assert type(found["spilled"]) is int


class TestErrors:
    """They name the place and every problem, with its path, its rule and a remedy."""

    @pytest.mark.parametrize("text", ["", "{", b"\xff\xfe", "NaN", "[" * 60_000, "1" * 50_000])
    def test_of_what_is_no_json(self, text: str | bytes) -> None:
        (line,) = problems_of(text)
        assert line.startswith(("record is not JSON: pass records", "version is not that of a"))

    @pytest.mark.parametrize("text", ["[]", "3", "{}", '{"version": true}', '{"version": 0}'])
    def test_of_other_json(self, text: str) -> None:
        expected = "version is not that of a record: pass records of flyte-dask, or decks that"
        (line,) = problems_of(text)
        assert line.startswith(expected)

    def test_of_a_later_version(self) -> None:
        (line,) = problems_of(altered(version=VERSION + 1))
        assert line == (
            "version 2 is later than 1, the latest one that this flyte-dask reads: install the "
            "flyte-dask that wrote it"
        )

    def test_of_a_large_text(self) -> None:
        (line,) = problems_of(" " * (MOST_BYTES + 1))
        assert line.startswith("record has 64,001 bytes, and a record has at most 64,000: ")

    def test_all_at_once(self) -> None:
        wrong = {
            "task": 3,
            "began": "2026-11-30",
            "is_to_scale": "yes",
            "wall": -1,
            "workers": [{**attrs.asdict(a_worker_record()), "peak": 1.5, "cpu": True}, 7],
            "prefixes": {},
            "events": {"killed": "often"},
            "inputs": [{"name": "rows"}],
            "values": 3,
            "graph": {"prefixes": [], "tasks": [[1, 2]], "batches": []},
        }
        found = problems_of(altered(**wrong))
        assert [line.partition(": ")[0].partition(" of ")[0] for line in found] == [
            "task 3 must be a text",
            "is_to_scale 'yes' must be a bool",
            "values 3 must be an object",
            "inputs[0].type is missing",
            "wall -1 must be a number, 0 or more",
            "workers[0].peak 1.5 must be an integer, 0 or more",
            "workers[0].cpu True must be a number, 0 or more",
            "workers[1] 7 must be an object",
            "prefixes {} must be an array",
            "events.killed 'often' must be an integer, 0 or more",
            "graph is not readable",
        ]
        remedy = "run the task again with this flyte-dask, or remove the file"
        assert all(line.endswith(f": {remedy}") for line in found)

    @pytest.mark.parametrize("began", ["", "yesterday", "2026-11-30T12:00:00", "2026-13-01T00Z"])
    def test_of_the_time(self, began: str) -> None:
        (line,) = problems_of(altered(began=began))
        assert "is not a time with its time zone as ISO 8601 has it" in line

    def test_of_missing_fields(self) -> None:
        names = ["task", "began", "sdk", "where", "is_to_scale", "config", "values"]
        assert problems_of('{"version": 1}') == [
            f"{name} is missing: run the task again with this flyte-dask, or remove the file"
            for name in names
        ]

    def test_of_very_many_problems(self) -> None:
        """Their number is given."""
        assert problems_of(altered(workers=[3] * 20_000))[-1].endswith(" more problems")

    def test_unknown_fields_are_ignored(self) -> None:
        """They are those of a later flyte-dask with the same version of the format."""
        assert loads(altered(colour="red")) == loads(dumps(FULL))

    @given(st.binary(max_size=200))
    def test_of_anything(self, text: bytes) -> None:
        with pytest.raises(InvalidRecord):
            loads(text)

    @given(st.data())
    def test_of_any_value(self, data: st.DataObject) -> None:
        """A record is read, or there is this error."""
        field = data.draw(st.sampled_from([each.name for each in attrs.fields(type(FULL))]))
        plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
        values = st.recursive(
            plain, lambda of: st.lists(of) | st.dictionaries(st.text(), of), max_leaves=5
        )
        with suppress(InvalidRecord):
            loads(altered(**{field: data.draw(values)}))


class TestTheSize:
    """It never is above the maximum, and what has no room is counted."""

    def test_of_a_large_cluster(self) -> None:
        """Troubled, full, idle and busy workers are kept, and the prefixes with the most time."""
        workers = [a_worker_record(f"w{number}", peak=number) for number in range(1000)]
        workers[10] = attrs.evolve(workers[10], killed=2)
        workers[20] = attrs.evolve(workers[20], utilization=0.01)
        workers[30] = attrs.evolve(workers[30], utilization=0.99)
        prefixes = [a_prefix_record(f"p{number}", computed=float(number)) for number in range(200)]
        text = dumps(a_record(*workers, prefixes=prefixes))
        found = loads(text)
        assert len(text) <= MOST_BYTES
        assert found.number == 1000
        assert found.left_out == {"workers": 940, "prefixes": 101}
        assert {"w10", "w20", "w30", "w999"} <= {each.name for each in found.workers}
        assert [each.name for each in found.prefixes[:2]] == ["p199", "p198"]
        assert found.prefixes[-1].name == "others"
        assert sum(each.computed for each in found.prefixes) == sum(range(200))
        assert sum(each.finished for each in found.prefixes) == 200 * 100

    def test_of_a_large_graph(self) -> None:
        """Others make room for it, as far as that helps."""
        random = Random(1)
        tasks = [
            RecordedTask(0, random.random(), random.randrange(2**30), (), 0) for _ in range(1000)
        ]
        graph = TaskGraph(prefixes=("inc",), tasks=tasks, batches=(Batch(0.0, waits=True),))
        workers = [a_worker_record(f"w{number}") for number in range(1000)]
        small = loads(dumps(a_record(*workers, graph=graph)))
        assert small.graph is not None
        assert len(small.graph.tasks) == 1000
        many = attrs.evolve(graph, tasks=random.choices(tasks, k=40_000))
        large = loads(dumps(a_record(*workers, graph=many)))
        assert large.graph is None
        assert large.values == small.values
        assert large.left_out == {"graph": 40_000, "workers": 940}

    @given(st.data())
    def test_whatever_it_contains(self, data: st.DataObject) -> None:
        """Also texts that JSON escapes to six bytes for each character, and lone surrogates."""
        texts = st.text(st.characters(codec=None), max_size=30).map(lambda text: text * 50)
        name, number = data.draw(texts), data.draw(st.integers(0, 300))
        values = {
            f"{name}{at}": {"value": name, "source": name, "by": name} for at in range(number)
        }
        record = a_record(
            *[a_worker_record(f"{name}{at}") for at in range(number)],
            task=name,
            execution=name,
            failure=name,
            prefixes=[a_prefix_record(f"{at}{name}") for at in range(number)],
            inputs=[InputRecord(name=f"{name}{at}", type=name) for at in range(number)],
            events={f"{name}{at}": 1 for at in range(number)},
            values=values,
        )
        text = dumps(record)
        assert len(text) <= MOST_BYTES
        assert loads(text).number == (number or 2)


class TestInPages:
    """It is a block of data in the page."""

    def test_it_is_found_again(self) -> None:
        one, two = dumps(FULL), dumps(a_record())
        page = f"<p>before{data_block(one, '0a')}between{data_block(two, '0b')}after"
        assert [loads(each) for each in records_in(page)] == [loads(one), loads(two)]

    @given(st.text())
    def test_its_texts_are_no_html(self, text: str) -> None:
        block = data_block(dumps(a_record(task=f"</script><!--&amp;{text}")), "0a")
        inner = block.removeprefix('<script type="application/json" id="flyte-dask-record-0a">')
        inner = inner.removesuffix("</script>")
        assert not {"<", ">", "&"} & {*inner}
        assert inner.isascii()
        (found,) = records_in(f"<div>{block}</div>")
        assert loads(found) == loads(dumps(a_record(task=f"</script><!--&amp;{text}")))


def test_reading_needs_neither_dask_nor_an_sdk() -> None:
    from tests.support.processes import run

    code = "import sys, flyte_dask_records; print(*sys.modules)"
    done = run(sys.executable, "-c", code)
    assert not {"dask", "distributed", "flytekit", "flyte", "fsspec"} & {*done.stdout.split()}
