"""Outputs that refer to what is in the cluster are found, wherever that is in them."""

from __future__ import annotations

import copyreg
import pickle
import time
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import attrs
import dask.array as da
import dask.bag as db
import dask.dataframe as dd
import distributed
import numpy as np
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


@dataclass
class Row:
    """A dataclass."""

    value: Any


@dataclass(slots=True, frozen=True)
class Slots:
    """A dataclass that has a ``__getstate__``, of the module dataclasses."""

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


@dataclass
class ForgetfulRow(Row):
    """A dataclass whose pickles have no fields."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


@dataclass
class Reduced:
    """A dataclass that is pickled by a method of its own."""

    value: Any

    def __reduce__(self) -> Any:
        return Reduced, (None,)


@attrs.define
class ForgetfulAttrs:
    """A class of attrs whose pickles have no fields."""

    value: Any

    def __getstate__(self) -> dict[str, Any]:
        return {}


class Registered(Own):
    """A class that is pickled by a function."""


class Lazy(dict[str, Any]):
    """A dictionary that must not be loaded."""

    def items(self, *_: object) -> Any:
        raise AssertionError

    __iter__ = __len__ = __getitem__ = keys = values = items


class Hollow(dict[str, Any]):
    """A dictionary whose pickles are empty."""

    def __reduce__(self) -> Any:
        return Hollow, ()


class Items(list[Any]):
    """A list with attributes."""

    name: Any = None


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
    assert path_in([{Liar(): future}]) == "[0][...]"


def test_a_future_in_other_containers(future: distributed.Future[Any]) -> None:
    assert path_in(deque([1, future])) == "[1]"
    assert path_in([defaultdict(list, a=[future])]) == "[0]['a'][0]"
    assert path_in(OrderedDict(a=future)) == "['a']"
    assert path_in([Counter([future])]) == "[0]"
    assert path_in([{(1, future): 2}]) == "[0][1]"
    assert path_in(partial(dict, a=[future])) == ".keywords['a'][0]"
    assert path_in(SimpleNamespace(a=future)) == ".a"
    assert path_in(LookupError("acme", future)) == ".args[1]"
    assert path_in([future.result]) == "[0].__self__"
    assert path_in(Lazy(a=future)) == "['a']"
    items = Items(range(10**6))
    items.name = future
    assert path_in(items) == ".name"


def test_a_future_in_arrays_and_columns(future: distributed.Future[Any]) -> None:
    column: list[Any] = [1, future]
    array = np.array(column, dtype=object)
    assert path_in(array) == "[1]"
    assert path_in([array.reshape(1, 2)]) == "[0].flat[1]"
    assert path_in(pd.Series(column, index=["a", "b"])) == ".iloc[1]"
    assert path_in(pd.DataFrame({"x": [1, 2], "y": column})) == "['y'].iloc[1]"


def test_what_is_not_stored_is_none(future: distributed.Future[Any]) -> None:
    copyreg.pickle(Registered, lambda _: (Registered, (None,)))
    kinds: list[Any] = [Forgetful, ForgetfulRow, Reduced, ForgetfulAttrs, Registered]
    for value in [*(kind(future) for kind in kinds), Hollow(a=future), pickle]:
        assert reference_in([value]) is None, value


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
        *(np.array([[]] * 10**6 + [0], dtype=object), deque(range(10**6))),
        pd.DataFrame({f"y{number}": ["x"] * 1000 for number in range(50)}, dtype=object),
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
