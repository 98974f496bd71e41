"""A team file that is written is read again as the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask import (
    InvalidConfig,
)
from flyte_dask.advice import RULES
from flyte_dask.config.runtime import SETTINGS
from flyte_dask.prediction.platform import BASES
from flyte_dask.team_files import parse, read, write
from flyte_dask.team_files import tables as t
from flyte_dask.team_files.parsers import FORMATS, Format
from tests.support.configs import SETTINGS_GIVEN
from tests.support.team_files import FILES, TOML, a_file

_NAMES = st.text(min_size=1, max_size=12)


_AMOUNTS = st.sampled_from(["16Gi", "500m", "1e3", "+1", "007", "null", "yes", "1.5"]) | (
    st.integers(-5, 2**40) | st.floats(allow_nan=False, allow_infinity=False, width=32)
)


_SIDES = st.builds(t.Sides, request=_AMOUNTS, limit=st.none() | _AMOUNTS) | st.builds(
    t.Sides, limit=_AMOUNTS
)


_CODES = st.none() | st.lists(st.sampled_from(list(RULES))).map(tuple)


_DIMENSIONS = {name: st.none() | _AMOUNTS for name in ("cpu", "mem", "gpu", "ephemeral_storage")}


_ROLE = {
    **{name: amounts | _SIDES for name, amounts in _DIMENSIONS.items()},
    "image": st.none() | _NAMES,
}


def _runtime_table(settings: dict[str, Any]) -> t.RuntimeTable:
    written = {
        name: "never" if value is None and SETTINGS[name] is not None else value
        for name, value in settings.items()
    }
    table: Any = t.RuntimeTable
    made: t.RuntimeTable = table(**written)
    return made


_RUNTIMES = SETTINGS_GIVEN.map(_runtime_table)


_PRESETS = st.builds(
    t.PresetTable,
    extends=st.none() | _NAMES,
    doc=st.none() | st.text(),
    image=st.none() | _NAMES,
    workers=st.none() | st.builds(t.WorkersTable, count=st.none() | st.integers(), **_ROLE),
    scheduler=st.none() | st.builds(t.SchedulerTable, **_ROLE),
    inherit=st.sampled_from([None, "fill", "pin", "off"]),
    runtime=st.none() | _RUNTIMES,
    silence=_CODES,
)


_AMOUNT_TABLES = st.builds(t.Amounts, **_DIMENSIONS)
_LIMITS = st.builds(t.Limits, **_DIMENSIONS)


TABLES = st.builds(
    t.Tables,
    presets=st.none() | st.dictionaries(_NAMES, _PRESETS, max_size=3),
    platform=st.none()
    | st.builds(
        t.PlatformTable,
        base=st.sampled_from([None, *BASES]),
        backend=st.sampled_from([None, "v1", "v2"]),
        defaults=st.none() | _AMOUNT_TABLES,
        limits=st.none() | _LIMITS,
        gpu_resource=st.sampled_from([None, "amd.com/gpu"]),
    ),
    policy=st.none()
    | st.builds(
        t.PolicyTable,
        max_workers=st.none() | st.integers(1, 50),
        per_worker=st.none() | _AMOUNT_TABLES,
        total=st.none() | _AMOUNT_TABLES,
        registries=st.none() | st.lists(_NAMES).map(tuple),
    ),
    advice=st.none() | st.builds(t.AdviceTable, silence=_CODES, fatal=_CODES),
)


class TestRoundTrip:
    """Out and in again."""

    @given(TABLES, st.sampled_from(sorted(set(FORMATS.values()))))
    def test_is_the_identity(self, tables: t.Tables, fmt: Format) -> None:
        assert parse(write(tables, fmt), fmt) == tables

    def test_rare_line_breaks_survive_yaml(self) -> None:
        tables = t.Tables(presets={"a": t.PresetTable(doc="one\x85two\u2028three ü")})
        assert parse(write(tables, "yaml"), "yaml") == tables

    @pytest.mark.parametrize("fmt", sorted(set(FORMATS.values())))
    def test_the_text_reads_well(self, fmt: Format, tmp_path: Path) -> None:
        shown = write(read(a_file(tmp_path, TOML)).tables, fmt)
        assert shown == (FILES / f"team.{fmt}").read_text("utf-8")

    def test_invalid_text_is_rejected(self) -> None:
        with pytest.raises(InvalidConfig, match="is not valid TOML"):
            parse("[", "toml")
        with pytest.raises(InvalidConfig, match=r"polcy \(line 1\)"):
            parse("polcy = {}", "toml")

    def test_an_unknown_format_is_rejected(self) -> None:
        with pytest.raises(InvalidConfig) as caught:
            parse(5, "xml")  # type: ignore[arg-type]
        assert [f"{each.path}: {each}" for each in caught.value.problems] == [
            "text: 5 must be a str, not int: pass the contents of a team file",
            "fmt: 'xml' is an unknown format: use 'toml', 'yaml' or 'json'",
        ]
        with pytest.raises(InvalidConfig, match="'xml' is an unknown format"):
            write(t.Tables(), "xml")  # type: ignore[arg-type]
