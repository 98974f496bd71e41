"""Outputs that refer to what is in the cluster are found, wherever that is in them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import attrs
import dask.array as da
import dask.bag as db
import dask.dataframe as dd
import distributed
import pandas as pd
import pytest
from dask.delayed import delayed

from flyte_dask import Dask
from flyte_dask_engine.errors import InvalidOutput
from flyte_dask_engine.host import NO_SDK
from flyte_dask_engine.session.outputs import check_outputs, reference_in
from flyte_dask_engine.session.session import session

MAKES_FUTURES = "a Dask {} that is persisted, or made of futures"


@pytest.fixture(scope="module")
def client() -> Iterator[distributed.Client]:
    """The client of a session."""
    with session(Dask(), "outputs") as opened:
        yield opened.client


@pytest.fixture
def future(client: distributed.Client) -> distributed.Future[Any]:
    return client.submit(sum, [1, 2])


@dataclass(frozen=True)
class Row:
    """A dataclass."""

    value: Any


@dataclass(slots=True)
class Slots:
    """A dataclass that has a ``__getstate__`` of its own."""

    value: Any


@attrs.frozen
class Attrs:
    """A class of attrs."""

    value: Any


class Pair(NamedTuple):
    """A tuple with names."""

    first: Any
    second: Any


class Own:
    """A class that flytekit pickles."""

    def __init__(self, value: Any) -> None:
        self._value = value


class Forgetful(Own):
    """A class whose pickles have no attributes."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


def raises(self: object) -> Any:
    raise LookupError(id(self))


Liar: Any = type("Liar", (), {"__class__": property(raises), "__repr__": raises})
"""A class whose instances raise when they are asked what they are."""


def path_in(value: object) -> str | None:
    found = reference_in(value)
    return None if found is None else found.path


def test_a_future_in_any_place(future: distributed.Future[Any]) -> None:
    assert path_in(future) == ""
    assert path_in([1, [future]]) == "[1][0]"
    assert path_in({"a": {2: (future,)}}) == "['a'][2][0]"
    assert path_in({future}) == ""
    assert path_in(Pair(1, Row(future))) == ".second.value"
    assert path_in([Slots(Attrs(future))]) == "[0].value.value"
    assert path_in(Own({"a": future})) == "._value['a']"
    assert path_in([Liar(), Own(Liar()), future]) == "[2]"


def test_what_is_not_stored_is_none(future: distributed.Future[Any]) -> None:
    assert reference_in(Forgetful(future)) is None


def test_whatever_lives_in_the_cluster(client: distributed.Client) -> None:
    actor: Any = client.submit(list, [3], actor=True).result()
    values: Mapping[str, object] = {
        "an Actor": actor,
        "an ActorFuture": actor.copy(),
        "a Client": client,
        "a Variable": distributed.Variable("acme"),
        "a Queue": distributed.Queue("acme"),
        "an Event": distributed.Event("acme"),
        "a Lock": distributed.Lock("acme"),
    }
    for what, value in values.items():
        found = reference_in([value])
        assert found is not None
        assert (found.path, found.what) == ("[0]", what)
    actor.copy().result()


def frame() -> Any:
    return dd.from_pandas(pd.DataFrame({"x": range(10)}), npartitions=2)


def collections() -> list[Any]:
    """Lazy collections of all kinds."""
    return [
        *(frame(), frame().x, frame().x.sum(), frame().groupby("x").x.count()),
        *(da.ones((8, 8), chunks=4), da.ones(8, chunks=4).sum(), db.from_sequence(range(4))),
        delayed(sum)([1, 2]),
    ]


def test_lazy_collections_are_no_reference(client: distributed.Client) -> None:
    del client
    assert [reference_in([each]) for each in collections()] == [None] * len(collections())


@pytest.mark.filterwarnings("ignore:.*Sending large graph:UserWarning")
def test_persisted_collections_are(client: distributed.Client) -> None:
    del client
    for lazy in collections():
        found = reference_in({"a": lazy.persist()})
        assert found is not None, lazy
        assert (found.path, found.what) == ("['a']", MAKES_FUTURES.format(type(lazy).__name__))


def test_collections_that_depend_on_futures_are(future: distributed.Future[Any]) -> None:
    persisted = frame().persist()
    part = distributed.default_client().submit(pd.DataFrame, {"x": [1]})
    values = [
        *(persisted.x + 1, dd.merge(frame(), persisted, on="x"), persisted.to_dask_array()),
        frame().map_partitions(lambda part, _: part, future, meta=frame()._meta),
        dd.from_delayed([part], meta=pd.DataFrame({"x": [1]})),
        da.ones(8, chunks=4).persist() + 1,
        da.ones(8, chunks=4).map_blocks(lambda block, each: block + each, each=future, dtype=float),
        db.from_sequence(range(4)).persist().map(str),
        *(delayed(future), delayed(sum)([future]), delayed(int)(future).real),
        persisted.to_delayed()[0],
    ]
    assert [path_in(each) for each in values] == [""] * len(values)


def test_it_is_fast_whatever_the_value(future: distributed.Future[Any]) -> None:
    """It stops after some thousand objects, in the order of their depth."""
    circle: list[Any] = []
    circle.append(circle)
    deep: list[Any] = []
    for _ in range(50_000):
        deep = [deep]
    many = db.from_sequence(range(50_000), npartitions=50_000).map(str)
    frames = frame()
    for number in range(50):
        frames = frames.assign(**{f"y{number}": frames.x + number})
    values = [
        *(circle, deep, many, frames, list(range(10**6)), [Row(each) for each in range(10**5)]),
        *(da.ones((200, 200), chunks=1).T, pd.DataFrame({"x": range(10**6)})),
    ]
    started = time.process_time()
    assert [reference_in(each) for each in values] == [None] * len(values)
    assert time.process_time() - started < 5  # it takes a tenth of a second on an idle machine
    assert path_in([*values, future]) == f"[{len(values)}]"


def test_the_error_names_output_and_remedy(future: distributed.Future[Any]) -> None:
    with pytest.raises(InvalidOutput) as caught:
        check_outputs("etl", {"o0": 1, "o1": [frame().persist()]}, NO_SDK)
    assert str(caught.value) == (
        "etl: the output o1[0] is a Dask DataFrame that is persisted, or made of futures. It "
        "refers to what is in the cluster, which ends with the task: return its compute(), or the "
        "lazy collection as it was before persist()"
    )
    check_outputs("etl", {"o0": 1, "o1": [frame()]}, NO_SDK)
    deep: object = future
    for _ in range(1000):
        deep = {"x" * 1000: deep}
    with pytest.raises(InvalidOutput) as caught:
        check_outputs("etl", {"o0": deep}, NO_SDK)
    assert len(str(caught.value)) < 500
