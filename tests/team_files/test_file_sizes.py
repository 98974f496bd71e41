"""Files that are huge, or made to keep a parser busy, are answered in time and in short."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flyte_dask import InvalidConfig
from flyte_dask.team_files import parse, read
from tests.support.team_files import a_file

pytestmark = pytest.mark.once

MOST_BYTES = 20_000
MOST_SECONDS = 5  # of CPU time, on a slow machine too
MANY = 20_000


def answer(folder: Path, text: str, name: str = "flyte-dask.toml") -> InvalidConfig:
    """The error of a file, which comes in time."""
    path = a_file(folder, text, name)
    began = time.process_time()
    with pytest.raises(InvalidConfig) as caught:
        read(path)
    assert len(str(caught.value).encode()) <= MOST_BYTES
    assert time.process_time() - began < MOST_SECONDS
    return caught.value


def lines(form: str) -> str:
    """*form* for each of many numbers."""
    return "\n".join(form.format(number) for number in range(MANY))


class TestManyProblems:
    """Each is counted; the first are shown."""

    @pytest.mark.parametrize(
        ("text", "first"),
        [
            (lines("wrong_key_{} = 1"), "wrong_key_0 (line 1)"),
            ("[platform]\n" + lines("default{} = 1"), "platform.default0 (line 2)"),
            ("advice.fatal = [" + lines("{},") + "]", "advice.fatal (line 1)"),
            ("advice.fatal = [" + lines("'missing-limit{}',") + "]", "advice.fatal (line 1)"),
        ],
        ids=["keys", "keys of a table", "items", "codes"],
    )
    def test_of_one_table(self, text: str, first: str, tmp_path: Path) -> None:
        error = answer(tmp_path, text)
        assert len(error.problems) == MANY
        _, top, *_, last = str(error).splitlines()
        assert top.startswith(f"  {first} ")
        assert last.endswith(" more problems")

    @pytest.mark.parametrize("wrong", ["wrong = 1", "extends = 'x'", "inherit = 'fil'"])
    def test_of_many_presets(self, wrong: str, tmp_path: Path) -> None:
        """A problem of one does not hide those of others."""
        few = "\n".join(f"[presets.p{number}]\n{wrong}" for number in range(5000))
        assert len(answer(tmp_path, few).problems) == 5000

    def test_of_json(self, tmp_path: Path) -> None:
        text = ",".join(f'"wrong_key_{number}": 1' for number in range(MANY))
        assert len(answer(tmp_path, f"{{{text}}}", "team.json").problems) == MANY

    def test_of_yaml(self, tmp_path: Path) -> None:
        text = "\n".join(f"wrong_key_{number}: 1" for number in range(4000))
        assert len(answer(tmp_path, text, "team.yaml").problems) == 4000

    def test_in_lists_and_tables_at_once(self) -> None:
        text = "[policy]\nregistries = [1, 'ghcr.io', 2]\nmax = 1\n[presets]\na = 1\nb.cpu = 2"
        with pytest.raises(InvalidConfig) as caught:
            parse(text, "toml")
        assert sorted((each.path, each.line or 0) for each in caught.value.problems) == [
            ("policy.max", 3),
            ("policy.registries", 2),
            ("policy.registries", 2),
            ("presets.a", 5),
            ("presets.b.cpu", 6),
        ]


def levels(line: str, bottom: str, top: str = "") -> str:
    """Thirty lines of YAML, of which each has the one above ten times."""
    above = [line.format(n, f"*a{n - 1}") for n in range(1, 30)]
    return "\n".join([f"a0: &a0 {bottom}", *above, top])


def repeated(form: str) -> str:
    """*form* ten times, for the alias ``{1}``."""
    return ", ".join([form] * 10)


BOMBS: dict[str, tuple[str, str]] = {
    "aliases of lists": ("team.yaml", levels(f"a{{0}}: &a{{0}} [{repeated('{1}')}]", "[x]")),
    "aliases in a key": (
        "team.yaml",
        levels(f"a{{0}}: &a{{0}} [{repeated('{1}')}]", "[x]", "? *a29\n: 1"),
    ),
    "merges": ("team.yaml", levels("a{0}: &a{0} {{<<: [{1}, {1}]}}", "{x: 1}")),
    "a merge into itself": ("team.yaml", "a: &a\n  <<: *a"),
    "a table in itself": ("team.yaml", "presets: &a {a: *a}"),
    "brackets of YAML": ("team.yaml", "[" * 90_000),
    "dashes of YAML": ("team.yaml", "- " * 45_000),
    "long YAML": ("team.yaml", "a: 1\n" * 100_000),
    "digits of YAML": ("team.yaml", "a: " + "9" * 90_000),
    "base 60": ("team.yaml", "a: " + ":".join(["59"] * 3000)),
    "a dotted key": ("flyte-dask.toml", ".".join("a" * 20_000) + " = 1"),
    "a dotted key with spaces": ("flyte-dask.toml", " . ".join(["'a'"] * 8000) + " = 1"),
    "a dotted header": ("flyte-dask.toml", f"[{'.'.join('a' * 20_000)}]"),
    "many dotted keys": ("flyte-dask.toml", lines("k{}.a.a.a = 1")),
    "a long key": ("flyte-dask.toml", "k" * 40_000 + " = 1"),
    "a long key with newlines": ("flyte-dask.toml", '"' + "k.\\n" * 10_000 + '" = 1'),
    "a long word": ("flyte-dask.toml", "k" * 700_000),
    "quotes": ("flyte-dask.toml", 'a = 1\nb = "' + "'" * 700_000 + '"'),
    "brackets of TOML": ("flyte-dask.toml", "a = " + "[" * 90_000 + "]" * 90_000),
    "long TOML": ("flyte-dask.toml", "#" * 5_000_000),
    "a long value": ("flyte-dask.toml", f"policy.max_workers = '{'k' * 500_000}'"),
    "brackets of JSON": ("team.json", "[" * 400_000),
    "objects of JSON": ("team.json", '{"a":' * 100_000),
    "digits of JSON": ("team.json", '{"policy": {"max_workers": ' + "9" * 5000 + "}}"),
    "surrogates": ("team.json", r'{"\ud800": 1, "presets": {"\ud801": {}}}'),
    "control characters": ("flyte-dask.toml", "\0" * 1000),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_an_error(bomb: str, tmp_path: Path) -> None:
    name, text = BOMBS[bomb]
    answer(tmp_path, text, name)


@pytest.mark.parametrize(
    ("bomb", "problem"),
    {
        "long YAML": "'team.yaml' is longer than the 100,000 characters of a team file",
        "long TOML": "'flyte-dask.toml' is longer than the 800,000 characters of a team file",
        "a dotted key": "file (line 1)   'flyte-dask.toml' has a key of over 20 parts",
        "merges": "'team.yaml' merges over 10,000 keys",
        "aliases in a key": "'team.yaml' has a key that is no text",
    }.items(),
)
def test_the_error_says_what_is_too_much(bomb: str, problem: str, tmp_path: Path) -> None:
    name, text = BOMBS[bomb]
    assert problem in str(answer(tmp_path, text, name))


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Path]:
    """A pipe that nothing is written to."""
    path = tmp_path / "team.toml"
    os.mkfifo(path)
    yield path
    path.unlink()


def test_a_stream_is_not_waited_for(stream: Path) -> None:
    with pytest.raises(InvalidConfig, match="cannot be read: it is a stream, which may never end"):
        read(stream)


@pytest.mark.parametrize("make", [lambda _: None, lambda _: 3, os.fsencode, lambda path: [path]])
def test_what_is_not_a_path(make: Callable[[Path], object], tmp_path: Path) -> None:
    path = make(tmp_path)
    with pytest.raises(InvalidConfig, match="is not a path: pass a str or a Path"):
        read(path)  # type: ignore[arg-type]  # what this is about
