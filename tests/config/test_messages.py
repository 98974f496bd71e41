"""Every message has a limited size, whatever it is about."""

from __future__ import annotations

import pickle
import time
from reprlib import Repr
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask import Dask, FlyteDaskError, InvalidConfig, MissingExtra, Parent, Problem
from flyte_dask.advice import Advice
from flyte_dask.errors import CallSite, clipped, short
from flyte_dask.errors.suggestions import did_you_mean, few_suggestions, listed
from flyte_dask_engine.errors import SchedulerLost
from flytekitplugins.dask import errors
from tests.support.hostile_values import HOSTILE

MOST_BYTES = 20_000
REPEATED = st.builds(
    lambda text, n: text * n, st.text(min_size=1, max_size=4), st.integers(20, 300)
)
WHOLE = st.text() | st.integers() | st.floats() | st.none() | st.binary(max_size=20) | st.booleans()
LONG = REPEATED | REPEATED.map(lambda text: text.encode(errors="replace"))
TEXTS = st.text(max_size=20) | REPEATED
PROBLEMS = st.builds(Problem, TEXTS, WHOLE | LONG, TEXTS, TEXTS, st.integers())


class TestValues:
    """As Python writes them, but shorter."""

    @given(WHOLE | LONG | st.lists(WHOLE) | st.tuples(WHOLE, LONG) | st.lists(st.lists(WHOLE)))
    def test_are_shortened_as_in_the_standard_library(self, value: object) -> None:
        shortening = Repr()
        shortening.maxstring = shortening.maxother = 80
        expected = shortening.repr(value)
        # reprlib repeats characters of a shorter text whose repr is longer
        is_repeated = isinstance(value, str) and len(value) <= 80 < len(repr(value))
        if len(expected) < 300 and not is_repeated:  # all parts together are limited only here
            assert short(value) == expected

    @given(
        st.recursive(WHOLE | LONG, lambda inner: st.lists(inner) | st.dictionaries(WHOLE, inner))
    )
    def test_of_any_structure_are_short(self, value: object) -> None:
        assert len(short(value).encode()) < 2000

    @pytest.mark.parametrize("name", HOSTILE)
    def test_that_fight_back_are_short(self, name: str) -> None:
        for value in (HOSTILE[name], [HOSTILE[name]], {"a": (HOSTILE[name],)}):
            assert len(short(value).encode()) < 2000

    def test_whose_text_is_unknown_are_named_by_their_class(self) -> None:
        assert short(10**5000) == "<int>"
        assert short([HOSTILE["fighting text"]]) == "[<Fighting>]"
        assert short(HOSTILE["recursing"]) == "<Recursing>"

    def test_whose_class_has_the_name_of_another_are_not_read(self) -> None:
        for name in ("dict", "list", "array"):
            assert name in short(HOSTILE[f"{name} by name"])

    def test_with_cycles_end(self) -> None:
        assert short(HOSTILE["cycle"]) == "[[[[[[[...]]]]]]]"

    def test_with_several_lines_have_one(self) -> None:
        assert short(HOSTILE["array of nan"]) == (
            "array([[nan, nan, nan],        [nan, nan, nan],        [nan, nan, nan]])"
        )

    def test_of_sets_of_text_are_sorted(self) -> None:
        """Their order differs between processes."""
        assert short({"b", "a", "c"}) == "{'a', 'b', 'c'}"
        assert short(frozenset({"a"})) == "frozenset({'a'})"


class TestErrors:
    """All problems up to the limit, and then their number."""

    @given(
        st.lists(PROBLEMS, min_size=1, max_size=3),
        TEXTS,
        TEXTS,
        st.integers(1, 40),
        st.integers(1, 9),
    )
    def test_are_short_whatever_their_parts_are(
        self, problems: list[Problem], subject: str, file: str, longer: int, more: int
    ) -> None:
        long = [
            each._replace(
                path=each.path * longer, rule=each.rule * longer, remedy=each.remedy * more
            )
            for each in problems * more
        ]
        call_site = CallSite(file.replace("\0", "") * longer, 1)
        error = InvalidConfig(subject * longer, long, call_site)
        assert len(str(error).encode()) <= MOST_BYTES
        assert len(repr(error).encode()) <= MOST_BYTES
        assert str(pickle.loads(pickle.dumps(error))) == str(error)  # ours

    @given(st.integers(min_value=1, max_value=1000), st.integers(min_value=0, max_value=200))
    def test_count_what_they_leave_out(self, number: int, length: int) -> None:
        problems = [Problem(f"path-{n}", n, "is wrong", "r" * length) for n in range(number)]
        title, *lines = str(InvalidConfig("Dask(...)", problems)).splitlines()
        assert title.startswith(f"{number:,} problem")
        shown = [line for line in lines if line.startswith("  path-")]
        assert [line.split()[0] for line in shown] == [each.path for each in problems[: len(shown)]]
        left = number - len(shown)
        assert len(shown) >= min(number, 50)
        assert lines[len(shown) :] == (
            [f"  and {left:,} more problem{'s' if left > 1 else ''}"] if left else []
        )

    def test_of_other_kinds_are_short_too(self) -> None:
        for kind in (FlyteDaskError, MissingExtra, SchedulerLost, errors.SchedulerLost):
            assert len(str(kind("x\ud800" * 100_000)).encode()) <= MOST_BYTES
            assert str(kind("short")) == "short"

    def test_advice_is_short(self) -> None:
        advice = Advice("reserved-env-var", "a" * 50_000, "b" * 50_000, "c" * 50_000)
        assert len(str(advice).encode()) <= MOST_BYTES

    def test_a_long_name_of_a_class(self) -> None:
        with pytest.raises(InvalidConfig) as caught:
            Parent(sidecars=[HOSTILE["long class"]], node=HOSTILE["long class"])
        assert len(caught.value.problems) == 2
        assert len(str(caught.value).encode()) <= MOST_BYTES

    def test_many_long_values(self) -> None:
        with pytest.raises(InvalidConfig) as caught:
            Dask(silence=[f"{number}" * 50_000 for number in range(1, 5000)])
        assert len(caught.value.problems) == 4999
        assert str(caught.value).endswith(" more problems")
        assert len(str(caught.value).encode()) <= MOST_BYTES


@given(st.text(), st.integers(min_value=10, max_value=50))
def test_a_clipped_text_keeps_its_ends(text: str, most: int) -> None:
    result = clipped(text, most)
    assert len(result.encode()) <= most
    escaped = text.encode(errors="backslashreplace").decode()
    if len(escaped.encode()) <= most:
        assert result == escaped
    else:
        begin, _, end = result.partition("...") if "." not in text else ("", "", "")
        assert escaped.startswith(begin)
        assert escaped.endswith(end)


class TestSuggestions:
    """Of names, of which there may be many."""

    def test_are_for_the_first_wrong_names(self) -> None:
        began = time.process_time()
        with few_suggestions():
            found = [did_you_mean(f"workerz{number}", ["workers"]) for number in range(20_000)]
        assert [each is None for each in found] == [False] * 100 + [True] * 19_900
        assert did_you_mean("workerz", ["workers"]) == "did you mean 'workers'?"
        assert time.process_time() - began < 2

    def test_are_not_searched_among_long_names(self) -> None:
        began = time.process_time()
        assert did_you_mean("x" * 40_000, ["workers"]) is None
        names: Any = ["y" * 40_000, *map(str, range(100_000))]
        assert did_you_mean("workers", names) is None
        assert time.process_time() - began < 2

    def test_lists_are_short(self) -> None:
        assert listed([]) == ""
        assert listed(["a", "b"]) == "a, b"
        assert listed(map(str, range(40))).endswith("38, 39")
        assert listed(map(str, range(41))).endswith("38, 39, ...")
